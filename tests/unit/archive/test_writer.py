import asyncio
import hashlib
import os
import stat
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from keynet.archive.examine import check_archive
from keynet.archive.reader import Archive
from keynet.archive.writer import Layout, write_archive
from keynet.errors import DigestMismatch, KeynetError
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image, Layer
from keynet.oci.reference import Reference
from tests.fakes.archives import docker_old, oci, random_image, write
from tests.tables import table


@dataclass(frozen=True)
class Altered:
    """A layer whose bytes end in something else, or in a failure."""

    layer: Layer
    failure: Exception | None = None

    @property
    def descriptor(self) -> Descriptor:
        return self.layer.descriptor

    @property
    def diff_id(self) -> Digest:
        return self.layer.diff_id

    @property
    def origin(self) -> Reference | None:
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        async for chunk in self.layer.chunks():
            yield chunk[:-1] + bytes([chunk[-1] ^ 1])
        if self.failure is not None:
            raise self.failure


def image(tmp_path: Path) -> Archive:
    return Archive(write(tmp_path / "source.tar", oci(random_image(1))))


def written(path: Path, source: Image, layout: Layout) -> None:
    asyncio.run(write_archive(path, source, layout=layout, name="app:1"))


@pytest.mark.parametrize("layout", ["docker", "oci"])
def test_what_is_written_is_sound_and_has_the_same_config(tmp_path: Path, layout: Layout) -> None:
    with image(tmp_path) as archive:
        source = archive.images[0].image
        written(tmp_path / "out.tar", source, layout)
    assert check_archive(tmp_path / "out.tar") == []
    with Archive(tmp_path / "out.tar") as again:
        assert again.images[0].image.config == source.config
        assert again.tags == ("app:1",)
        assert (again.images[0].image.manifest == source.manifest) == (layout == "oci")
    with tarfile.open(tmp_path / "out.tar") as standard:
        assert all(member.isfile() for member in standard)


def test_the_same_image_gives_the_same_file(tmp_path: Path) -> None:
    with image(tmp_path) as archive:
        for name in ("a", "b"):
            written(tmp_path / name, archive.images[0].image, "docker")
    digests = {hashlib.sha256((tmp_path / name).read_bytes()).digest() for name in ("a", "b")}
    assert len(digests) == 1


@table("layout", ["docker", "oci"])
@table("failure", [None, KeynetError("lost"), asyncio.CancelledError()])
def test_a_failure_leaves_the_former_file_and_nothing_else(
    tmp_path: Path, layout: Layout, failure: Exception | None
) -> None:
    out = tmp_path / "out.tar"
    out.write_text("former")
    with image(tmp_path) as archive:
        source = archive.images[0].image
        broken = replace(source, layers=tuple(Altered(each, failure) for each in source.layers))
        expected = DigestMismatch if failure is None else type(failure)
        with pytest.raises((expected, KeynetError)):
            written(out, broken, layout)
    assert out.read_text() == "former"
    assert {file.name for file in tmp_path.iterdir()} == {"out.tar", "source.tar"}


def test_a_layer_that_does_not_open_to_its_diff_id_is_refused(tmp_path: Path) -> None:
    with image(tmp_path) as archive:
        source = archive.images[0].image
        first = source.layers[0]
        lying = replace(first, diff_id=Digest.of(b"other"))  # type: ignore[type-var]
        with pytest.raises(DigestMismatch, match="decompressed layer"):
            written(tmp_path / "out.tar", replace(source, layers=(lying,)), "docker")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with image(tmp_path) as archive, pytest.raises(KeynetError, match="cannot be written"):
        written(tmp_path / "none/out.tar", archive.images[0].image, "oci")


@table("name", ["folder", "fifo", "to-fifo", "loop"])
def test_only_a_regular_file_is_replaced(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "to-fifo").symlink_to("fifo")
    (tmp_path / "loop").symlink_to("loop")
    before = {path.name: path.lstat().st_mode for path in tmp_path.iterdir()}
    with image(tmp_path) as archive, pytest.raises(KeynetError, match="not a regular file"):
        written(tmp_path / name, archive.images[0].image, "oci")
    after = {path.name: path.lstat().st_mode for path in tmp_path.iterdir()}
    assert {key: mode for key, mode in after.items() if key in before} == before


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.tar").symlink_to("real.tar")
    with image(tmp_path) as archive:
        written(tmp_path / "link.tar", archive.images[0].image, "oci")
    assert (tmp_path / "link.tar").is_symlink()
    assert (tmp_path / "real.tar").is_file()


def test_the_file_has_the_users_usual_mode(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        with image(tmp_path) as archive:
            written(tmp_path / "out.tar", archive.images[0].image, "oci")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.tar").stat().st_mode) == 0o640


def test_a_plain_layer_is_written_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "source.tar", docker_old(random_image(2)))
    with Archive(path) as archive:
        written(tmp_path / "out.tar", archive.images[0].image, "docker")
    assert check_archive(tmp_path / "out.tar") == []
