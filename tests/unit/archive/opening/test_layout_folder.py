"""An OCI layout in a folder is read as the same layout in a tar."""

import asyncio
import os
from pathlib import Path

import pytest

from keynet.archive.docker_tar import extract_original_tags, validate_docker_tar
from keynet.archive.examine import check_archive
from keynet.archive.layers import FileLayer
from keynet.archive.reader import Archive, open_archive
from keynet.errors import InvalidArchive, TarReadError
from keynet.oci.validate import problems
from tests.fakes.archives import docker_new, docker_old, make_image, oci, random_image, unpack

LAYOUTS = {"oci": oci, "docker_new": docker_new}


def blobs(folder: Path) -> list[Path]:
    return sorted((folder / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_gives_the_image_it_was_made_of(tmp_path: Path, layout: str) -> None:
    fake = random_image(1, tags=["app:1", "b:2"])
    folder = unpack(tmp_path / "layout", LAYOUTS[layout](fake))
    assert check_archive(folder) == []
    assert extract_original_tags(folder) == ["app:1", "b:2"]

    async def read() -> list[str]:
        async with open_archive(folder) as archive:
            assert archive.images[0].image.config == fake.config
            return await problems(archive.images[0].image)

    assert asyncio.run(read()) == []


def test_a_folder_of_docker_save_unpacked_is_read(tmp_path: Path) -> None:
    folder = unpack(tmp_path / "saved", docker_old(random_image(1, tags=["app:1"])))
    assert check_archive(folder) == []


def test_empty_and_equal_layers_are_kept_apart(tmp_path: Path) -> None:
    fake = make_image([b"", b"x" * 700, b"", b"y" * 700])
    folder = unpack(tmp_path / "layout", oci(fake, compress="none"))
    assert check_archive(folder) == []


def test_links_that_stay_inside_are_followed(tmp_path: Path) -> None:
    folder = unpack(tmp_path / "layout", oci(random_image(1)))
    largest = blobs(folder)[-1]
    largest.rename(folder / "kept")
    largest.symlink_to("../../kept")
    assert check_archive(folder) == []


@pytest.mark.parametrize("target", ["../../../secret", "/etc/passwd"])
def test_links_that_lead_outside_are_refused(tmp_path: Path, target: str) -> None:
    folder = unpack(tmp_path / "layout", oci(random_image(1)))
    largest = blobs(folder)[-1]
    largest.rename(tmp_path / "secret")
    largest.symlink_to(target)
    with pytest.raises(InvalidArchive, match="links to a path outside"):
        Archive(folder)


@pytest.mark.parametrize("kind", ["gone", "folder", "fifo"])
def test_what_is_not_a_file_is_named(tmp_path: Path, kind: str) -> None:
    folder = unpack(tmp_path / "layout", oci(random_image(1)))
    largest = blobs(folder)[-1]
    largest.unlink()
    if kind == "folder":
        largest.mkdir()
    elif kind == "fifo":
        os.mkfifo(largest)
    with pytest.raises(InvalidArchive, match=largest.name):
        Archive(folder)


def test_a_damaged_layer_is_found(tmp_path: Path) -> None:
    folder = unpack(tmp_path / "layout", oci(random_image(1)))
    largest = blobs(folder)[-1]
    largest.write_bytes(b"x" * largest.stat().st_size)
    assert validate_docker_tar(folder) is False


def test_a_file_that_became_shorter_is_truncated(tmp_path: Path) -> None:
    folder = unpack(tmp_path / "layout", oci(random_image(1)))
    with Archive(folder) as archive:
        layer = archive.images[0].image.layers[-1]
        assert isinstance(layer, FileLayer)
        (folder / layer.member).write_bytes(b"")
        with pytest.raises(TarReadError, match="is truncated"):
            layer.verify()
