"""The disk cache finds content by key, removes the oldest files and never stops a push."""

import os
import time
from pathlib import Path

import pytest

from keynet.files.disk_cache import DiskCache, kept


def test_content_is_found_under_its_key(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache", "thing", 2)
    assert cache.get("a") is None
    cache.put("a", "말")
    cache.put("b", b"\xff")
    assert cache.get("a") == "말".encode()
    assert cache.get("b") == b"\xff"
    assert cache.folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.medium
def test_the_oldest_files_of_a_kind_are_removed(tmp_path: Path) -> None:
    (tmp_path / "another-older").write_bytes(b"another")
    cache = DiskCache(tmp_path, "thing", 2)
    for key in ("a", "b", "c"):
        cache.put(key, key)
        time.sleep(0.02)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "another-older",
        "thing-b",
        "thing-c",
    ]


@pytest.mark.medium
def test_a_file_that_was_linked_to_is_recent(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, "thing", 2)
    for key in ("a", "b"):
        cache.put(key, key)
        time.sleep(0.02)
    os.link(cache.path("a"), tmp_path / "link")
    time.sleep(0.02)
    cache.put("c", "c")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"a", None, b"c")


def test_content_is_made_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return b"content"

    first = kept(tmp_path / "cache", "thing", "a", make)
    assert first == tmp_path / "cache/thing-a"
    assert isinstance(first, Path)
    assert first.read_bytes() == b"content"
    assert kept(tmp_path / "cache", "thing", "a", make) == first
    assert made == [1]
    assert kept(None, "thing", "a", make) == b"content"


def test_a_folder_that_cannot_be_created_is_not_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file/cache"
    assert kept(folder, "thing", "a", lambda: b"content") == b"content"
    with pytest.raises(OSError, match="Not a directory"):
        DiskCache(folder, "thing", 2).put("a", "a")


@pytest.mark.parametrize("umask", [0, 0o002])
def test_nobody_else_may_write_to_what_is_kept(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        cache = DiskCache(tmp_path / "keynet/engines", "thing", 2)
        cache.put("a", "content")
    finally:
        os.umask(before)
    for path in (cache.path("a"), cache.folder, cache.folder.parent):
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("part", ["file", "folder", "above"])
def test_what_others_may_change_counts_as_missing(tmp_path: Path, part: str) -> None:
    cache = DiskCache(tmp_path / "keynet/engines", "thing", 2)
    cache.put("a", "content")
    changed = {"file": cache.path("a"), "folder": cache.folder, "above": cache.folder.parent}[part]
    changed.chmod(0o777)
    assert cache.get("a") is None
    assert cache.find("a") is None
    assert cache.distrusted() == changed
    assert kept(cache.folder, "thing", "a", lambda: b"made again") == cache.path("a")
    assert cache.get("a") == b"made again"
    assert cache.distrusted() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("part", ["file", "folder"])
def test_what_another_user_owns_counts_as_missing(tmp_path: Path, part: str) -> None:
    cache = DiskCache(tmp_path / "keynet/engines", "thing", 2)
    cache.put("a", "content")
    os.chown(cache.path("a") if part == "file" else cache.folder, 12345, 12345)
    assert cache.get("a") is None
    made = kept(cache.folder, "thing", "a", lambda: b"made again")
    assert made == (cache.path("a") if part == "file" else b"made again")
