"""Hostile archives, each read by a process of its own whose CPU seconds and memory are bounded."""

import ast
import bz2
import gzip
import hashlib
import json
import lzma
import random
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from backports import zstd

from tests.fakes.archives import (
    Member,
    docker_old,
    layer_tar,
    link,
    make_image,
    oci,
    random_image,
    tar,
    write,
)

Verdict = Callable[[Path], str]

MOST_MEMORY_KIB = 150 * 1000
CPU_SECONDS = 2

READER = """
import os, resource, sys
from keynet.archive.examine import check_archive, docker_entries
from keynet.archive.reader import Archive
from keynet.errors import InvalidArchive, ValidationError
from keynet.oci.inspect import describe
# What is loaded at first use is loaded once, here.
import backports.zstd, isal.igzip_lib, isal.isal_zlib

def read(path):
    try:
        with Archive(path) as archive:
            docker_entries(archive)
            for one in archive.images:
                describe(one.image, archive.name)
        found = check_archive(path)
    except (InvalidArchive, ValidationError) as error:
        return error.message + " " + error.hint
    return " ".join(found) if found else "SOUND"

for line in sys.stdin:
    cpu, path = line.rstrip("\\n").split(" ", 1)
    if not (child := os.fork()):
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu), int(cpu)))
        # From here on the peak is this reading's own.
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
        verdict = read(path)
        with open("/proc/self/status") as status:
            peak = next(each.split()[1] for each in status if each.startswith("VmHWM:"))
        print("ended", peak, ascii(verdict), flush=True)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    if status:
        print("died", status, "", flush=True)
"""


@pytest.fixture(scope="module")
def reader() -> Iterator[subprocess.Popen[str]]:
    """A process with keynet loaded, which forks a child for each archive that it is told."""
    argv = [sys.executable, "-c", READER]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


@pytest.fixture
def verdict(reader: subprocess.Popen[str]) -> Callable[[Path], str]:
    """Read an archive in a child; return its error, or ``SOUND``."""

    def read(path: Path) -> str:
        assert reader.stdin is not None
        assert reader.stdout is not None
        reader.stdin.write(f"{CPU_SECONDS} {path}\n")
        reader.stdin.flush()
        how, number, text = reader.stdout.readline().rstrip("\n").split(" ", 2)
        assert how == "ended", f"the reader ended with {number}: more than {CPU_SECONDS} s"
        assert int(number) < MOST_MEMORY_KIB
        said = ast.literal_eval(text)
        assert isinstance(said, str)
        return said

    return read


def replaced(members: list[Member], suffix: str, content: bytes) -> list[Member]:
    assert any(m.name.endswith(suffix) for m in members)
    return [Member(m.name, content) if m.name.endswith(suffix) else m for m in members]


def listing(config: bytes, *layers: str) -> list[Member]:
    entry = [{"Config": "c.json", "RepoTags": ["a:1"], "Layers": list(layers)}]
    return [Member("c.json", config), Member("manifest.json", json.dumps(entry).encode())]


SOUND = docker_old(random_image(1))
SOUND_CONFIG = [m.name for m in SOUND if len(m.name) == 69 and m.name.endswith(".json")]
ONE_LAYER = random_image(2, layers=1)

MEMBERS: dict[str, tuple[list[Member], str]] = {
    "a name that climbs out": ([*SOUND, Member("../../etc/passwd", b"x")], "../../etc/passwd"),
    "an absolute name": ([*SOUND, Member("/etc/passwd", b"x")], "/etc/passwd"),
    "a climb in the middle": ([*SOUND, Member("a/../../b", b"x")], "a/../../b"),
    "a config path that climbs out": (
        [Member("manifest.json", b'[{"Config":"../c.json","RepoTags":null,"Layers":[]}]')],
        "../c.json",
    ),
    "a link to an absolute path": ([*SOUND, link("evil", "/etc/passwd")], "evil"),
    "a link that climbs out": ([*SOUND, link("a/evil", "../../etc/passwd")], "a/evil"),
    "a hard link that climbs out": (
        [*SOUND, link("a/evil", "a/../../x", tarfile.LNKTYPE)],
        "a/evil: it is a hard link to a path outside",
    ),
    "an absolute hard link": (
        [*SOUND, link("evil", "/etc/passwd", tarfile.LNKTYPE)],
        "evil: it is a hard link to a path outside",
    ),
    "a hard link to what comes later": (
        [link("evil", "manifest.json", tarfile.LNKTYPE), *SOUND],
        "evil: it is a hard link to a file that does not come before it",
    ),
    "a device": ([*SOUND, Member("null", type=tarfile.CHRTYPE)], "null"),
    "a pipe": ([*SOUND, Member("pipe", type=tarfile.FIFOTYPE)], "pipe"),
    "a sparse file": ([*SOUND, Member("sparse", type=tarfile.GNUTYPE_SPARSE)], "sparse"),
    "a kind nobody knows": ([*SOUND, Member("odd", type=b"Z")], "odd"),
    "links in a circle": (
        [*listing(ONE_LAYER.config, "l"), link("l", "k"), link("k", "l")],
        "l: its links form a cycle",
    ),
    "a link to nowhere": (
        [*listing(ONE_LAYER.config, "l"), link("l", "k")],
        "l: the archive has no such member",
    ),
    "a name that is not UTF-8": ([*SOUND, Member("\udcff\udcfe", b"x")], "\\xff\\xfe"),
    "a name with terminal escapes": ([*SOUND, Member("\x1b[2J/../x", b"x")], "/../x"),
    "no layer": ([m for m in SOUND if not m.name.endswith("layer.tar")], "layer.tar: the archive"),
    "no config": (
        [m for m in SOUND if not m.name.endswith(".json") or "/" in m.name or "manif" in m.name],
        ".json: the archive has no such member",
    ),
    "no manifest": ([m for m in SOUND if m.name != "manifest.json"], "not an image archive"),
    "a layer with another digest": (replaced(SOUND, "/layer.tar", b"x" * 512), "layer.tar"),
    "a config with another digest": (
        [
            Member(m.name, m.content + b" ") if m.name in SOUND_CONFIG else m for m in SOUND
        ],
        ".json: its digest is",
    ),
    "a member that claims 10 GB": (
        [*SOUND, Member("big", size=10 << 30)],
        "big: truncated, 10737418240 bytes were expected",
    ),
    "a member of negative size": ([*SOUND, Member("odd", size=-512)], "odd"),
    "manifest.json of 40 MB": (
        replaced(SOUND, "manifest.json", b"[" + b" " * 40_000_000 + b"]"),
        "manifest.json: it has 40000002 bytes",
    ),
    "manifest.json of a million brackets": (
        replaced(SOUND, "manifest.json", b"[" * 1_000_000 + b"]" * 1_000_000),
        "manifest.json",
    ),
    "manifest.json with a million lists": (
        replaced(
            SOUND,
            "manifest.json",
            b'[{"Config":"c.json","RepoTags":[],"Layers":[],"X":['
            + b"[]," * 1_300_000
            + b"1]},{}]",
        ),
        "manifest.json",
    ),
    "lists where nobody reads them": (
        [
            Member("c.json", make_image([]).config),
            Member(
                "manifest.json",
                b'[{"Config":"c.json","RepoTags":[],"Layers":[],"X":['
                + b"[]," * 1_300_000
                + b"1]}]",
            ),
        ],
        "manifest.json",
    ),
    "manifest.json that is an object": (replaced(SOUND, "manifest.json", b"{}"), "manifest.json"),
    "manifest.json that lists nothing": (replaced(SOUND, "manifest.json", b"[]"), "manifest.json"),
    "manifest.json that is no JSON": (
        replaced(SOUND, "manifest.json", b"\xff\xfe"),
        "manifest.json",
    ),
    "a tag that is no tag": (
        [
            Member("c.json", make_image([]).config),
            Member("manifest.json", b'[{"Config":"c.json","RepoTags":["\\u001b[2J"],"Layers":[]}]'),
        ],
        "manifest.json",
    ),
    "more layers than diff ids": (
        [*listing(ONE_LAYER.config, "l", "l"), Member("l", ONE_LAYER.layers[0])],
        "c.json: it has 1 diff ids for 2 layers",
    ),
    "a config of deep JSON": ([*listing(b'{"a":' * 500_000)], "c.json"),
    "a config that is a list": (listing(b"[]"), "c.json"),
    "a diff id that is no digest": (
        listing(
            b'{"architecture":"a","os":"b","rootfs":{"type":"layers","diff_ids":["sha256:../x"]}}',
            "l",
        ),
        "manifest.json",
    ),
    "a nested index without end": (
        [
            Member(
                "index.json",
                json.dumps(
                    {
                        "schemaVersion": 2,
                        "manifests": [
                            {
                                "mediaType": "application/vnd.oci.image.index.v1+json",
                                "digest": "sha256:" + "0" * 64,
                                "size": 2,
                            }
                        ],
                    }
                ).encode(),
            ),
            Member("blobs/sha256/" + "0" * 64, b"{}"),
        ],
        "0000: its digest is sha256:",
    ),
    "a blob path with an unknown algorithm": (
        [
            Member(
                "index.json",
                b'{"schemaVersion":2,"manifests":[{"mediaType":'
                b'"application/vnd.oci.image.manifest.v1+json","digest":"../../x:00","size":2}]}',
            )
        ],
        "index.json",
    ),
    "an index that is also a manifest": (
        [Member("index.json", b'{"schemaVersion":2,"manifests":[],"layers":[]}')],
        "index.json",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", MEMBERS)
def test_hostile_members_are_named(verdict: Verdict, tmp_path: Path, case: str) -> None:
    members, words = MEMBERS[case]
    output = verdict(write(tmp_path / "a.tar", members))
    assert words in output
    assert "\x1b" not in output


@pytest.mark.medium
def test_what_these_cases_start_from_is_sound(verdict: Verdict, tmp_path: Path) -> None:
    assert verdict(write(tmp_path / "a.tar", SOUND)) == "SOUND"


def oci_with(change: Callable[[dict[str, object]], None]) -> list[Member]:
    """An OCI layout whose manifest was changed, under its right digest."""
    members = {m.name: m for m in oci(ONE_LAYER)}
    index = json.loads(members["index.json"].content)
    old = "blobs/sha256/" + index["manifests"][0]["digest"].removeprefix("sha256:")
    manifest = json.loads(members.pop(old).content)
    change(manifest)
    content = json.dumps(manifest).encode()
    hex_ = hashlib.sha256(content).hexdigest()
    index["manifests"][0] |= {"digest": f"sha256:{hex_}", "size": len(content)}
    members["index.json"] = Member("index.json", json.dumps(index).encode())
    return [*members.values(), Member(f"blobs/sha256/{hex_}", content)]


def _first_layer(manifest: dict[str, object]) -> dict[str, object]:
    layers = manifest["layers"]
    assert isinstance(layers, list)
    first = layers[0]
    assert isinstance(first, dict)
    return first


CHANGES: dict[str, tuple[Callable[[dict[str, object]], object], str]] = {
    "layers and manifests": (lambda m: m.update(manifests=[]), "manifests"),
    "a mediaType of its own": (
        lambda m: m.update(mediaType="application/vnd.oci.image.index.v1+json"),
        "mediaType",
    ),
    "a wrong size": (lambda m: _first_layer(m).update(size=7), "its descriptor says 7"),
    "a size of 10 GB": (
        lambda m: _first_layer(m).update(size=10 << 30),
        "its descriptor says 10737418240",
    ),
    "a negative size": (lambda m: _first_layer(m).update(size=-1), "size"),
    "a digest that leads out": (
        lambda m: _first_layer(m).update(digest="sha256:../../etc/passwd"),
        "blobs/sha256/",
    ),
    "a layer that is absent": (
        lambda m: _first_layer(m).update(digest="sha256:" + "a" * 64),
        "a: the archive has no such member",
    ),
    "too few layers": (lambda m: m.update(layers=[]), "1 diff ids for 0 layers"),
    "schema 1": (lambda m: m.update(schemaVersion=1), "schemaVersion"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_hostile_manifests_are_named(verdict: Verdict, tmp_path: Path, case: str) -> None:
    change, words = CHANGES[case]
    assert words in verdict(write(tmp_path / "a.tar", oci_with(lambda m: (change(m), None)[1])))


@pytest.mark.medium
def test_an_archive_cut_anywhere_is_refused(verdict: Verdict, tmp_path: Path) -> None:
    content = tar(docker_old(random_image(3)))
    path = tmp_path / "a.tar"
    for length in (100, 512, 700, len(content) // 2, len(content) - 3000):
        path.write_bytes(content[:length])
        assert "SOUND" not in verdict(path)


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_compressed_archive_that_is_cut_or_altered_is_refused(
    verdict: Verdict, tmp_path: Path, compression: str
) -> None:
    path = write(tmp_path / "a.tar", SOUND, compression)
    content = path.read_bytes()
    path.write_bytes(content[:-5])
    assert "a.tar is truncated" in verdict(path)
    path.write_bytes(content[:1000] + bytes([content[1000] ^ 255]) + content[1001:])
    assert "SOUND" not in verdict(path)


@pytest.mark.medium
def test_a_file_that_is_not_a_tar_is_refused(verdict: Verdict, tmp_path: Path) -> None:
    rng = random.Random(4)
    path = tmp_path / "a.tar"
    noise = rng.randbytes(3000)
    for content in (
        noise,
        b"{}",
        b"\0" * 4096,
        gzip.compress(noise),
        zstd.compress(noise),
        b"\x1f\x8b",
    ):
        path.write_bytes(content)
        assert "SOUND" not in verdict(path)


@pytest.mark.slow
def test_two_hundred_thousand_members_are_too_many(verdict: Verdict, tmp_path: Path) -> None:
    block = bytearray(tarfile.TarInfo("m/000000").tobuf())
    base = int(block[148:154], 8) - 6 * ord("0")
    path = tmp_path / "a.tar"
    with path.open("wb") as out:
        for number in range(200_000):
            digits = f"{number:06}".encode()
            block[2:8] = digits
            block[148:154] = f"{base + sum(digits):06o}".encode()
            out.write(block)
        out.write(tar(SOUND))
    assert "m/010000: the archive has more than 10000 members" in verdict(path)


@pytest.mark.slow
def test_extended_headers_without_end_are_refused(verdict: Verdict, tmp_path: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 512
    body = b"10 path=a\n".ljust(512, b"\0")
    path = tmp_path / "a.tar"
    path.write_bytes((header.tobuf() + body) * 100_000 + tar(SOUND))
    assert "too many extended headers" in verdict(path)


@pytest.mark.parametrize(
    "record",
    [
        b"9999999999 path=x\n", b"0 path=x\n", b"x path=y\n", b"12 size=-10\n", b"\xb2 a=b\n",
        b"14 size=1e999\n", b"20 GNU.sparse.major=1\n".replace(b"20", b"22"), b"8 nokey\n",
        b"7 path=\n",
    ],
)  # fmt: skip
def test_broken_pax_records_are_refused(verdict: Verdict, tmp_path: Path, record: bytes) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, len(record)
    path = tmp_path / "a.tar"
    path.write_bytes(header.tobuf() + record.ljust(512, b"\0") + tar(SOUND))
    assert "SOUND" not in verdict(path)


BOMB = b"\0" * (1 << 20)


@pytest.mark.slow
@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress, lzma.compress, bz2.compress])
def test_a_bomb_round_the_archive_is_noticed_while_it_opens(
    verdict: Verdict, tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    head = tarfile.TarInfo("bomb")
    head.size = 10 << 30
    path = tmp_path / "a.tar"
    path.write_bytes(compress(head.tobuf()) + compress(BOMB) * 10_240 + compress(tar(SOUND)))
    assert "a decompression bomb" in verdict(path)


@pytest.mark.slow
def test_a_bomb_in_a_layer_is_noticed_while_it_opens(verdict: Verdict, tmp_path: Path) -> None:
    layer = layer_tar(random.Random(5))
    image = make_image([layer], ["a:1"])
    bomb = gzip.compress(BOMB) * 10_240
    members = {m.name: m for m in oci(image)}
    index = json.loads(members["index.json"].content)
    old = "blobs/sha256/" + index["manifests"][0]["digest"].removeprefix("sha256:")
    manifest = json.loads(members.pop(old).content)
    manifest["layers"][0] |= {
        "digest": "sha256:" + hashlib.sha256(bomb).hexdigest(),
        "size": len(bomb),
    }
    content = json.dumps(manifest).encode()
    index["manifests"][0] |= {
        "digest": "sha256:" + hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    members["index.json"] = Member("index.json", json.dumps(index).encode())
    for blob in (content, bomb):
        name = "blobs/sha256/" + hashlib.sha256(blob).hexdigest()
        members[name] = Member(name, blob)
    output = verdict(write(tmp_path / "a.tar", members.values()))
    assert hashlib.sha256(bomb).hexdigest() in output
    assert "a decompression bomb" in output


@pytest.mark.slow
def test_a_million_empty_gzip_members_cost_no_square_of_their_number(
    verdict: Verdict, tmp_path: Path
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(gzip.compress(tar(SOUND)[:512]) + gzip.compress(b"") * 200_000)
    assert "SOUND" not in verdict(path)


@pytest.mark.medium
def test_a_zstd_window_larger_than_memory_allows_is_refused(
    verdict: Verdict, tmp_path: Path
) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(zstd_frame(tar(SOUND), window_log=20))
    assert verdict(path) == "SOUND"
    path.write_bytes(zstd_frame(tar(SOUND), window_log=30))
    assert "cannot be decompressed" in verdict(path)


@pytest.mark.medium
def test_an_xz_dictionary_larger_than_memory_allows_is_refused(
    verdict: Verdict, tmp_path: Path
) -> None:
    path = tmp_path / "a.tar"
    content = bytearray(lzma.compress(tar(SOUND)))
    path.write_bytes(content)
    assert verdict(path) == "SOUND"
    # The block's header follows that of the stream, 12 bytes; its dictionary becomes 4 GiB.
    size = (content[12] + 1) * 4
    content[16] = 40
    content[12 + size - 4 : 12 + size] = struct.pack("<I", zlib.crc32(content[12 : 8 + size]))
    path.write_bytes(content)
    assert "cannot be decompressed: Memory usage limit exceeded" in verdict(path)


def zstd_frame(content: bytes, window_log: int) -> bytes:
    """Write raw blocks below a header that asks for a window: a compressor would fill it."""
    frame = bytearray(b"\x28\xb5\x2f\xfd\x00" + bytes([(window_log - 10) << 3]))
    most = 1 << 17
    for start in range(0, len(content), most):
        block = content[start : start + most]
        last = start + most >= len(content)
        frame += (len(block) << 3 | last).to_bytes(3, "little") + block
    return bytes(frame)
