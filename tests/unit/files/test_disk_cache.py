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
