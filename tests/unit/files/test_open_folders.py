"""Folders stay open on the way down, as many as a process can afford."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.files.descent import Descent
from keynet.files.open_folders import OpenFolders
from tests.counting import calls_of


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[OpenFolders]:
    root = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    reached = OpenFolders(root)
    yield reached
    reached.close()
    os.close(root)


def _made(root: Path, depth: int) -> None:
    (root / "/".join(str(each) for each in range(depth))).mkdir(parents=True)


def _down(folders: OpenFolders, depth: int) -> None:
    for each in range(depth):
        folders.enter(str(each))


def _is(folders: OpenFolders, path: Path) -> bool:
    return os.path.samestat(os.fstat(folders.descriptor), path.stat())


def test_goes_down_and_back(folders: OpenFolders, tmp_path: Path) -> None:
    _made(tmp_path, 3)
    assert _is(folders, tmp_path)
    _down(folders, 3)
    assert _is(folders, tmp_path / "0" / "1" / "2")
    assert folders.back() == 0
    assert _is(folders, tmp_path / "0" / "1")
    assert folders.back(2) == 0
    assert _is(folders, tmp_path)
    assert folders.names == []


@pytest.mark.medium
def test_keeps_few_open_and_opens_the_others_again(folders: OpenFolders, tmp_path: Path) -> None:
    _made(tmp_path, 200)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    _down(folders, 200)
    assert len(os.listdir("/proc/self/fd")) - before <= 40  # noqa: PTH208
    assert folders.back() == 0
    assert folders.back(100) == 99
    assert len(folders.names) == 99
    assert _is(folders, tmp_path / "/".join(map(str, range(99))))


def test_a_link_is_not_entered(folders: OpenFolders, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(NotADirectoryError):
        folders.enter("link")
    assert folders.names == []
    assert _is(folders, tmp_path)


def test_the_way_back_does_not_follow_a_folder_that_was_moved_out(
    folders: OpenFolders, tmp_path: Path
) -> None:
    (tmp_path / "project" / "sub" / "deep").mkdir(parents=True)
    for name in ("project", "sub", "deep"):
        folders.enter(name)
    (tmp_path / "project" / "sub" / "deep").rename(tmp_path / "deep")
    folders.back()
    assert _is(folders, tmp_path / "project" / "sub")


def test_a_way_back_that_is_gone_is_an_error_and_leaves_a_folder_reached(
    folders: OpenFolders, tmp_path: Path
) -> None:
    _made(tmp_path, 80)
    _down(folders, 80)
    (tmp_path / "0" / "1").rename(tmp_path / "moved")
    with pytest.raises(FileNotFoundError):
        folders.back(50)
    assert folders.names == ["0"]
    assert _is(folders, tmp_path / "0")


@pytest.mark.medium
def test_the_way_to_a_sibling_is_short_at_any_depth(tmp_path: Path) -> None:
    deep = tmp_path / "/".join(["d"] * 300)
    deep.mkdir(parents=True)
    for number in range(50):
        (deep / f"s{number}").mkdir()
    above = "/".join(["d"] * 300)

    def walk() -> None:
        with Descent(tmp_path) as descent:
            for number in range(50):
                descent.enter(f"{above}/s{number}")
            for level in range(299, -1, -1):
                descent.enter("/".join(["d"] * level))

    assert calls_of(walk, os.open) <= 301 + 50 + 300 * 300 // 32
