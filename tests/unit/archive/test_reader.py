import asyncio
import hashlib
import json
import random
import tarfile
from pathlib import Path

import pytest

from keynet.archive.compression import Compression
from keynet.archive.contents import ArchivedImage
from keynet.archive.examine import check_archive, decompressors
from keynet.archive.layers import FileLayer
from keynet.archive.reader import Archive, choose
from keynet.errors import ArchiveNotFound, InvalidArchive, TarReadError
from keynet.oci.descriptor import Digest, MediaType
from keynet.oci.platform import Platform, host
from keynet.oci.validate import problems
from tests.fakes.archives import (
    FakeImage,
    Member,
    docker_new,
    docker_old,
    layer_tar,
    link,
    make_image,
    oci,
    podman,
    random_image,
    tar,
    write,
)
from tests.tables import table

LAYOUTS = {"docker_old": docker_old, "podman": podman, "docker_new": docker_new, "oci": oci}


def stored(image: ArchivedImage) -> list[bytes]:
    async def read() -> list[bytes]:
        return [b"".join([c async for c in layer.chunks()]) for layer in image.image.layers]

    return asyncio.run(read())


@table("compression", ["none", "gzip", "zstd", "xz", "bzip2"])
@table("layout", LAYOUTS)
def test_every_layout_gives_the_image_it_was_made_of(
    tmp_path: Path, layout: str, compression: str
) -> None:
    fake = random_image(1, tags=("app:1", "other/app:2"))
    path = write(tmp_path / "a.tar", LAYOUTS[layout](fake), compression)
    with Archive(path) as archive:
        (one,) = archive.images
        assert archive.compression.value == compression
        assert archive.tags == ("app:1", "other/app:2")
        assert one.image.config == fake.config
        assert [str(layer.diff_id) for layer in one.image.layers] == [
            f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in fake.layers
        ]
        assert asyncio.run(problems(one.image, decompressors("a"))) == []
        if layout != "oci":
            assert stored(one) == list(fake.layers)
    assert check_archive(path) == []


def test_docker_layers_are_described_by_their_diff_ids_without_being_read(tmp_path: Path) -> None:
    fake = random_image(2)
    members = [
        Member(m.name, b"?" * len(m.content)) if m.name.endswith("/layer.tar") else m
        for m in docker_old(fake)
    ]
    with Archive(write(tmp_path / "a.tar", members)) as archive:
        (one,) = archive.images
        descriptor = one.image.layers[0].descriptor
        assert descriptor.media_type == MediaType.DOCKER_LAYER
        assert descriptor.digest == Digest.of(fake.layers[0])
        layer = one.image.layers[0]
        assert isinstance(layer, FileLayer)
        with pytest.raises(InvalidArchive, match=r"layer\.tar: its digest is sha256:"):
            layer.verify()


@pytest.mark.slow
def test_layers_are_read_from_byte_zero_at_every_call(tmp_path: Path) -> None:
    fake = random_image(3, size=3 << 20)
    with Archive(write(tmp_path / "a.tar", docker_old(fake))) as archive:
        assert stored(archive.images[0]) == stored(archive.images[0]) == list(fake.layers)


def test_a_link_between_layers_is_followed(tmp_path: Path) -> None:
    rng = random.Random(4)
    shared = layer_tar(rng)
    first = make_image([shared, layer_tar(rng)], ["a:1"])
    second = make_image([shared, layer_tar(rng)], ["b:1"])
    with Archive(write(tmp_path / "a.tar", docker_old(first, second))) as archive:
        assert stored(archive.images[1]) == list(second.layers)
        assert choose(archive.images, "a", tag="b:1").image.config == second.config


def test_a_layer_listed_twice_is_one_member(tmp_path: Path) -> None:
    layer = layer_tar(random.Random(5))
    fake = make_image([layer, layer], ["a:1"])
    for layout in LAYOUTS.values():
        with Archive(write(tmp_path / "a.tar", layout(fake))) as archive:
            assert len(archive.images[0].image.layers) == 2


def test_compressed_layers_in_a_docker_archive_keep_their_bytes(tmp_path: Path) -> None:
    import gzip

    fake = random_image(6)
    members = [
        Member(m.name, gzip.compress(m.content)) if m.name.endswith("/layer.tar") else m
        for m in docker_old(fake)
    ]
    with Archive(write(tmp_path / "a.tar", members)) as archive:
        (one,) = archive.images
        assert {layer.descriptor.media_type for layer in one.image.layers} == {
            MediaType.DOCKER_LAYER_GZIP
        }
        assert asyncio.run(problems(one.image)) == []


def test_zstd_layers_in_a_docker_archive_make_an_oci_manifest(tmp_path: Path) -> None:
    from backports import zstd

    fake = random_image(7)
    members = [
        Member(m.name, zstd.compress(m.content)) if m.name.endswith("/layer.tar") else m
        for m in docker_old(fake)
    ]
    with Archive(write(tmp_path / "a.tar", members)) as archive:
        (one,) = archive.images
        assert json.loads(one.image.manifest)["mediaType"] == MediaType.OCI_MANIFEST
        assert asyncio.run(problems(one.image, decompressors("a"))) == []


def test_names_that_start_with_a_dot_and_slash_are_the_same_names(tmp_path: Path) -> None:
    members = [Member(f"./{m.name}", m.content, m.type, m.target) for m in oci(random_image(8))]
    with Archive(write(tmp_path / "a.tar", members)) as archive:
        assert archive.tags == ("app:1",)


@pytest.mark.parametrize("format_", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_names_too_long_for_a_header_are_read(tmp_path: Path, format_: int) -> None:
    fake = random_image(9, layers=1)
    long = "d/" * 100 + "ä" * 60 + "/layer.tar"
    entry = [{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["l/layer.tar"]}]
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w", format=format_) as out:
        import io

        for name, content in (
            (long, fake.layers[0]),
            ("c.json", fake.config),
            ("manifest.json", json.dumps(entry).encode()),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            out.addfile(info, io.BytesIO(content))
        info = tarfile.TarInfo("l/layer.tar")
        info.type, info.linkname = tarfile.SYMTYPE, f"../{long}"
        out.addfile(info)
    with Archive(path) as archive:
        assert stored(archive.images[0]) == list(fake.layers)


def test_attestations_are_passed_over(tmp_path: Path) -> None:
    for layout in (docker_new, oci):
        members = layout(random_image(10), attestation=True)
        with Archive(write(tmp_path / "a.tar", members)) as archive:
            assert len(archive.images) == 1


def multi_platform() -> tuple[FakeImage, ...]:
    rng = random.Random(11)
    return tuple(
        make_image([layer_tar(rng)], ["app:1"], architecture=a, variant=v)
        for a, v in (("s390x", None), ("amd64", None), ("arm64", "v8"), ("arm", "v7"))
    )


def test_a_nested_index_is_chosen_from_by_platform(tmp_path: Path) -> None:
    fakes = multi_platform()
    path = write(tmp_path / "a.tar", oci(*fakes, nested=True, attestation=True))
    with Archive(path) as archive:
        images = archive.images
        assert [str(one.platform) for one in images] == [
            "linux/s390x", "linux/amd64", "linux/arm64", "linux/arm/v7",
        ]  # fmt: skip
        assert {one.tags for one in images} == {("app:1",)}
        for wanted, fake in (("linux/s390x", 0), ("linux/arm64", 2), ("linux/arm/v7", 3)):
            chosen = choose(images, "a", platform=Platform.parse(wanted))
            assert chosen.image.config == fakes[fake].config
        assert choose(images, "a").platform.architecture == host().architecture
        with pytest.raises(InvalidArchive, match="no image for linux/arm/v6") as caught:
            choose(images, "a", platform=Platform.parse("linux/arm/v6"))
        assert "linux/s390x" in caught.value.hint


def test_platforms_that_the_archive_does_not_hold_are_passed_over(tmp_path: Path) -> None:
    fakes = multi_platform()
    members = oci(*fakes, nested=True)
    absent = f"blobs/sha256/{hashlib.sha256(fakes[0].config).hexdigest()}"
    path = write(tmp_path / "a.tar", [m for m in members if m.name != absent])
    with Archive(path) as archive:
        assert [one.platform.architecture for one in archive.images] == ["amd64", "arm64", "arm"]


def test_a_single_image_is_chosen_whatever_its_platform(tmp_path: Path) -> None:
    fake = make_image([layer_tar(random.Random(12))], ["a:1"], architecture="riscv64")
    with Archive(write(tmp_path / "a.tar", docker_old(fake))) as archive:
        assert choose(archive.images, "a").platform.architecture == "riscv64"


def test_an_unknown_tag_names_those_there_are(tmp_path: Path) -> None:
    with Archive(write(tmp_path / "a.tar", docker_old(random_image(13)))) as archive:
        with pytest.raises(InvalidArchive, match="no image b:2") as caught:
            choose(archive.images, "a", tag="b:2")
        assert "app:1" in caught.value.hint


def test_a_tag_without_repository_is_kept_apart(tmp_path: Path) -> None:
    fake = make_image(random_image(14).layers, ["v1"])
    members = oci(fake, annotation="org.opencontainers.image.ref.name")
    with Archive(write(tmp_path / "a.tar", members)) as archive:
        assert (archive.tags, archive.images[0].bare_tag) == ((), "v1")


def test_a_missing_file_is_not_an_archive_and_not_found(tmp_path: Path) -> None:
    with pytest.raises(ArchiveNotFound, match="no archive at"):
        Archive(tmp_path / "none.tar")
    with pytest.raises(FileNotFoundError):
        Archive(tmp_path / "none.tar")


def test_a_named_pipe_and_an_empty_file_are_not_archives(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    for name, words in (("pipe", "not a regular"), ("empty", "not a tar")):
        with pytest.raises(TarReadError, match=words):
            Archive(tmp_path / name)


def test_a_file_system_is_distinguished_from_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(tar([Member("etc/passwd", b"root")]))
    with pytest.raises(InvalidArchive, match="not an image archive") as caught:
        Archive(path)
    assert "docker save" in caught.value.hint


def test_the_decompressed_copy_has_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    path = write(tmp_path / "a.tar.gz", docker_old(random_image(15)), "gzip")
    with Archive(path) as archive:
        assert archive.compression is Compression.GZIP
        assert list(scratch.iterdir()) == []
        assert stored(archive.images[0])


def test_gzip_members_in_a_row_are_one_stream(tmp_path: Path) -> None:
    import gzip

    content = tar(docker_old(random_image(16, size=200_000)))
    path = tmp_path / "a.tar.gz"
    parts = [gzip.compress(content[i : i + 1000]) for i in range(0, len(content), 1000)]
    path.write_bytes(b"".join(parts) + b"\0" * 512)
    assert check_archive(path) == []


def test_layer_links_may_lead_through_other_links(tmp_path: Path) -> None:
    fake = random_image(17, layers=1)
    entry = [{"Config": "c.json", "RepoTags": None, "Layers": ["a/layer.tar"]}]
    members = [
        link("a/layer.tar", "../b/layer.tar"),
        link("b/layer.tar", "./../c/layer.tar"),
        Member("c/layer.tar", fake.layers[0]),
        Member("c.json", fake.config),
        Member("manifest.json", json.dumps(entry).encode()),
    ]
    with Archive(write(tmp_path / "a.tar", members)) as archive:
        assert stored(archive.images[0]) == list(fake.layers)
