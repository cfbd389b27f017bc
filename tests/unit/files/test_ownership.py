"""Files that another user owns or may change, and folders in which one could exchange them."""

import os
from pathlib import Path

import pytest

from keynet.files.ownership import distrusted

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "above/folder"
    folder.mkdir(parents=True)
    for each in (folder, folder.parent):
        each.chmod(0o755)
    path = folder / "file"
    path.write_text("")
    path.chmod(0o600)
    return path


def test_a_file_of_ones_own_is_trusted(file: Path) -> None:
    assert distrusted(file) is None
    assert distrusted(file.with_name("missing")) is None
    file.chmod(0o644)
    assert distrusted(file, own_folder=True) is None


@pytest.mark.parametrize("mode", [0o660, 0o606, 0o666, 0o622])
def test_a_file_that_others_may_write_is_not(file: Path, mode: int) -> None:
    file.chmod(mode)
    assert distrusted(file) == file


@as_root
@pytest.mark.parametrize("part", [0, 1])
def test_another_owner_of_the_file_or_its_folder_counts(file: Path, part: int) -> None:
    owned = (file, file.parent)[part]
    os.chown(owned, 12345, 12345)
    assert distrusted(file) == owned


@as_root
def test_another_owner_of_what_lies_above_does_not_count(file: Path) -> None:
    os.chown(file.parent.parent, 12345, 12345)
    assert distrusted(file) is None


@as_root
def test_what_root_owns_is_trusted_by_all(file: Path) -> None:
    child = os.fork()
    if not child:
        os.setuid(12345)
        os._exit(0 if distrusted(file) is None else 1)
    # A folder of pytest's own is closed to other users: what cannot be seen is not there.
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize(("mode", "counts"), [(0o777, True), (0o1777, False), (0o703, True)])
def test_a_folder_that_everybody_may_write_counts_unless_it_is_sticky(
    file: Path, part: int, mode: int, counts: bool
) -> None:
    folder = (file.parent, file.parent.parent)[part]
    folder.chmod(mode)
    assert distrusted(file) == (folder if counts else None)


@as_root
@pytest.mark.parametrize("part", [0, 1])
def test_a_group_counts_unless_it_is_the_users_private_one(file: Path, part: int) -> None:
    folder = (file.parent, file.parent.parent)[part]
    folder.chmod(0o775)
    assert distrusted(file) is None
    os.chown(folder, 0, 12345)
    assert distrusted(file) == folder


def test_any_group_counts_for_a_folder_of_keynets_own(file: Path) -> None:
    file.parent.chmod(0o775)
    assert distrusted(file, own_folder=True) == file.parent


def test_a_link_is_as_trusted_as_both_places(file: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "link").symlink_to(file)
    assert distrusted(links / "link") is None
    links.chmod(0o777)
    assert distrusted(links / "link") == links
    links.chmod(0o755)
    file.parent.chmod(0o777)
    assert distrusted(links / "link") == file.parent
