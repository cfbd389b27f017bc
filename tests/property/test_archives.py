"""Archives from a generator: whole ones give back their image, altered ones only our errors."""

import asyncio
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keynet.archive.examine import check_archive, decompressors, docker_entries
from keynet.archive.reader import Archive
from keynet.archive.recompress import Policy, compressed
from keynet.archive.writer import Layout, write_archive
from keynet.errors import KeynetError
from keynet.oci.image import Image
from keynet.oci.validate import problems
from tests.fakes.archives import (
    FakeImage,
    Member,
    docker_new,
    docker_old,
    layer_tar,
    make_image,
    oci,
    podman,
    tar,
    write,
)

LAYOUTS: Mapping[str, Callable[..., list[Member]]] = {
    "docker_old": docker_old,
    "podman": podman,
    "docker_new": docker_new,
    "oci_gzip": oci,
    "oci_zstd": lambda *images: oci(*images, compress="zstd"),
    "oci_plain": lambda *images: oci(*images, compress="none", attestation=True),
}
COMPRESSIONS = ["none", "gzip", "zstd"]


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@st.composite
def images(draw: st.DrawFn) -> FakeImage:
    rng = random.Random(draw(st.integers(0, 2**32)))
    pool = [layer_tar(rng, draw(st.integers(2, 5000))) for _each in range(3)]
    layers = draw(st.lists(st.sampled_from(pool), max_size=5))
    tags = draw(st.lists(st.sampled_from(["a:1", "b/c:2", "h.io/d:3"]), min_size=1, unique=True))
    return make_image(layers, tags)


def bytes_of(image: Image) -> list[bytes]:
    async def read() -> list[bytes]:
        return [b"".join([block async for block in layer.chunks()]) for layer in image.layers]

    return asyncio.run(read())


@pytest.mark.medium
@settings(max_examples=40, deadline=None)
@given(images(), st.sampled_from(list(LAYOUTS)), st.sampled_from(COMPRESSIONS))
def test_an_archive_gives_back_its_image(image: FakeImage, layout: str, compression: str) -> None:
    with folder() as place:
        path = write(place / "a.tar", LAYOUTS[layout](image), compression)
        assert check_archive(path) == []
        with Archive(path) as archive:
            (one,) = archive.images
            assert one.image.config == image.config
            assert set(archive.tags) == set(image.tags)
            assert len(docker_entries(archive)[0]["Layers"]) == len(image.layers)
            if layout in ("docker_old", "podman", "docker_new", "oci_plain"):
                assert bytes_of(one.image) == list(image.layers)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    images(),
    st.sampled_from(list(LAYOUTS)),
    st.sampled_from(["auto", "gzip", "none"]),
    st.sampled_from(["docker", "oci"]),
)
def test_compressed_and_written_again_it_is_the_same_image(
    image: FakeImage, layout: str, policy: Policy, target: Layout
) -> None:
    async def rewrite(source: Image, path: Path) -> None:
        async with compressed(source, policy) as smaller:
            assert await problems(smaller, decompressors("a")) == []
            await write_archive(path, smaller, layout=target, name="x:1")

    with folder() as place:
        path = write(place / "a.tar", LAYOUTS[layout](image))
        with Archive(path) as archive:
            asyncio.run(rewrite(archive.images[0].image, place / "b.tar"))
        assert check_archive(place / "b.tar") == []
        assert {file.name for file in place.iterdir()} == {"a.tar", "b.tar"}
        with Archive(place / "b.tar") as again:
            assert again.tags == ("x:1",)
            assert again.images[0].image.config == image.config


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(images(), st.sampled_from(list(LAYOUTS)), st.sampled_from(COMPRESSIONS), st.data())
def test_altered_anywhere_it_is_sound_or_refused_by_our_own_error(
    image: FakeImage, layout: str, compression: str, data: st.DataObject
) -> None:
    with folder() as place:
        path = write(place / "a.tar", LAYOUTS[layout](image), compression)
        content = bytearray(path.read_bytes())
        for _change in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, len(content) - 1))
            content[at] ^= data.draw(st.integers(1, 255))
        if data.draw(st.booleans()):
            del content[data.draw(st.integers(0, len(content) - 1)) :]
        path.write_bytes(content)
        message = "sound"
        try:
            check_archive(path)
            with Archive(path) as archive:
                docker_entries(archive)
        except KeynetError as error:
            message = error.message
        assert message
        assert "\x1b" not in message


@pytest.mark.medium
@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=3000))
def test_any_bytes_are_refused_by_our_own_error(content: bytes) -> None:
    with folder() as place:
        for framed in (content, tar([]) + content):
            path = place / "a.tar"
            path.write_bytes(framed)
            try:
                check_archive(path)
            except KeynetError:
                continue
            raise AssertionError("no image can be in there")
