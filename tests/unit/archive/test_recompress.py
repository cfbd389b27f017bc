import asyncio
import gzip
import json
import random
from pathlib import Path

import pytest

from keynet.archive.reader import Archive
from keynet.archive.recompress import Policy, compressed
from keynet.errors import InvalidArchive, TarReadError
from keynet.oci.descriptor import MediaType
from keynet.oci.image import Image
from keynet.oci.validate import problems
from tests.fakes.archives import Member, docker_old, make_image, oci, tar, write

TEXT = tar([Member("text", b"the same words again and again\n" * 3000)])
NOISE = tar([Member("noise", random.Random(1).randbytes(100_000))])
DOCKER_PLAIN, DOCKER_GZIP = MediaType.DOCKER_LAYER, MediaType.DOCKER_LAYER_GZIP


def after(path: Path, policy: Policy) -> tuple[Image, Image, list[bytes]]:
    """Return the image before and after, and the stored bytes after."""

    async def run(image: Image) -> tuple[Image, Image, list[bytes]]:
        async with compressed(image, policy) as smaller:
            assert await problems(smaller) == []
            stored = [b"".join([b async for b in layer.chunks()]) for layer in smaller.layers]
            return image, smaller, stored

    with Archive(path) as archive:
        return asyncio.run(run(archive.images[0].image))


@pytest.mark.parametrize(
    ("policy", "types"),
    [
        ("auto", [DOCKER_GZIP, DOCKER_PLAIN, DOCKER_GZIP]),
        ("gzip", [DOCKER_GZIP, DOCKER_GZIP, DOCKER_GZIP]),
        ("none", [DOCKER_PLAIN, DOCKER_PLAIN, DOCKER_PLAIN]),
    ],
)
def test_the_policy_decides_which_layers_shrink(
    tmp_path: Path, policy: Policy, types: list[str]
) -> None:
    image = make_image([TEXT, NOISE, TEXT])
    before, smaller, stored = after(write(tmp_path / "a.tar", docker_old(image)), policy)
    assert [layer.descriptor.media_type for layer in smaller.layers] == types
    assert [entry["mediaType"] for entry in json.loads(smaller.manifest)["layers"]] == types
    assert smaller.config == before.config
    assert (smaller is before) == (policy == "none")
    assert gzip.decompress(stored[0]) == TEXT if policy != "none" else stored[0] == TEXT


def test_what_is_compressed_already_keeps_its_manifest(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", oci(make_image([TEXT, NOISE], ["a:1"])))
    before, smaller, _stored = after(path, "gzip")
    assert smaller is before


def test_plain_layers_of_an_oci_archive_become_ocis_gzip_layers(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", oci(make_image([TEXT], ["a:1"]), compress="none"))
    _before, smaller, _stored = after(path, "auto")
    assert smaller.layers[0].descriptor.media_type == MediaType.OCI_LAYER_GZIP
    assert json.loads(smaller.manifest)["mediaType"] == MediaType.OCI_MANIFEST


def test_the_same_archive_gives_the_same_digest_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", docker_old(make_image([TEXT, NOISE])))
    assert after(path, "auto")[1].manifest == after(path, "auto")[1].manifest


def test_a_layer_with_another_digest_is_named_while_it_is_compressed(tmp_path: Path) -> None:
    members = [
        Member(m.name, TEXT.replace(b"words", b"lies!")) if m.name.endswith("layer.tar") else m
        for m in docker_old(make_image([TEXT]))
    ]
    with pytest.raises(InvalidArchive, match=r"layer\.tar: its digest is"):
        after(write(tmp_path / "a.tar", members), "auto")


@pytest.mark.medium
@pytest.mark.parametrize("policy", ["auto", "gzip"])
def test_many_layers_need_few_open_files(tmp_path: Path, policy: Policy) -> None:
    layers = [tar([Member(f"{number}", b"x" * 3000)]) for number in range(60)]
    path = write(tmp_path / "a.tar", docker_old(make_image(layers)))

    async def run(image: Image) -> tuple[int, list[bytes]]:
        before = len(list(Path("/proc/self/fd").iterdir()))
        async with compressed(image, policy) as smaller:
            open_files = len(list(Path("/proc/self/fd").iterdir())) - before
            return open_files, [
                b"".join([block async for block in layer.chunks()]) for layer in smaller.layers
            ]

    with Archive(path) as archive:
        open_files, stored = asyncio.run(run(archive.images[0].image))
    assert open_files < 20
    assert [gzip.decompress(each) for each in stored] == layers


def test_a_layer_that_cannot_be_kept_names_the_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.tar", docker_old(make_image([TEXT])))
    monkeypatch.setenv("TMPDIR", "/nonexistent")
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    with pytest.raises(TarReadError, match=r"a\.tar cannot be compressed"):
        after(path, "gzip")
