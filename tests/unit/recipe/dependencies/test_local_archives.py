"""Archives of a project: small ones in memory, large ones as a copy that others cannot change."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.files.beneath import Beneath
from keynet.recipe.dependencies.local_archives import Archives

from .projects import find

LARGE = b"0123456789" * 500_000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "keynet" / "archives"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Beneath]:
    folder = tmp_path / "project"
    (folder / "other").mkdir(parents=True)
    (folder / "small.whl").write_bytes(b"small")
    (folder / "large.whl").write_bytes(LARGE)
    (folder / "other" / "small.whl").write_bytes(b"other")
    with Beneath(folder) as beneath:
        yield beneath


def test_a_large_archive_is_copied_below_its_hash(
    project: Beneath, cache: Path, tmp_path: Path
) -> None:
    archives = Archives()
    assert archives.add(project, "large.whl", "f:1") == "archives/large.whl"
    digest = hashlib.sha256(LARGE).hexdigest()
    assert archives.files == {"archives/large.whl": cache / digest / "large.whl"}
    assert archives.digest("archives/large.whl") == digest
    (tmp_path / "project" / "large.whl").write_bytes(b"changed")
    assert (cache / digest / "large.whl").read_bytes() == LARGE
    assert sorted(entry.name for entry in cache.iterdir()) == [digest]
    assert cache.stat().st_mode & 0o077 == 0


def test_a_copy_that_no_build_has_used_for_a_week_is_removed(project: Beneath, cache: Path) -> None:
    old = cache / ("0" * 64)
    old.mkdir(parents=True)
    (old / "x.whl").write_bytes(b"")
    os.utime(old, (1, 1))
    Archives().add(project, "large.whl", "f:1")
    assert not old.exists()


def test_a_small_archive_stays_in_memory(project: Beneath, cache: Path) -> None:
    archives = Archives()
    archives.add(project, "small.whl", "f:1")
    archives.add(project, "small.whl", "f:2")
    assert archives.files == {"archives/small.whl": b"small"}
    assert not cache.exists()
    with pytest.raises(ContextInvalid, match="f:3: there are two different archives"):
        archives.add(project, "other/small.whl", "f:3")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>Sign in</html>", "a web page"),
    ],
)
def test_what_stands_for_an_archive_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    (tmp_path / "x-1.0-py3-none-any.whl").write_bytes(content)
    (tmp_path / "requirements.txt").write_text("./x-1.0-py3-none-any.whl\n")
    with pytest.raises(ContextInvalid, match=what):
        find(tmp_path)
