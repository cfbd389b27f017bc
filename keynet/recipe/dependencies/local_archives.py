"""Wheels and sdists of the project, which travel into the build.

They are read once, through the open folder. Small ones are kept in memory; a large one is copied
to keynet's cache, below a folder that is named by the hash of its content.
"""

import contextlib
import hashlib
import os
import posixpath
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files import limited_read, places
from keynet.files.beneath import Beneath
from keynet.text import _, fill, size

__all__ = ["SUFFIXES", "Archives"]

SUFFIXES: Final = (".whl", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_POINTER: Final = b"version https://git-lfs.github.com/spec/"
_SMALL: Final = 4_000_000
_MOST_IN_MEMORY: Final = 40_000_000
_LARGEST: Final = 6_000_000_000
_CHUNK: Final = 1_048_576
_KEPT_S: Final = 7 * 24 * 3600


class Archives:
    """Collect archives under the folder ``archives/`` of a build."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | Path] = {}
        self._digests: dict[str, str] = {}
        self._in_memory = 0
        self._total = 0

    def add(self, beneath: Beneath, path: str, where: str) -> str:
        """Add an archive of the project; return its path in the build.

        Raises:
            ContextInvalid: It is too large or no archive, or another one has its name.
            OSError: See ``Beneath.open``.
        """
        descriptor = beneath.open(path)
        try:
            length = os.fstat(descriptor).st_size
            if self._total + length > _LARGEST:
                raise _too_large(where, path, self._total + length)
            _check_kind(descriptor, path, where)
            if length <= _SMALL and self._in_memory + length <= _MOST_IN_MEMORY:
                content = limited_read.take(descriptor, _SMALL)
                self._in_memory += len(content)
                self._total += len(content)
                return self.put(posixpath.basename(path), content, where)
            digest, kept = _copied(descriptor, posixpath.basename(path))
            self._total += length
            return self._keep(posixpath.basename(path), kept, digest, where)
        finally:
            os.close(descriptor)

    def check(self, beneath: Beneath, paths: Iterable[str], where: str) -> None:
        """Check the size of several archives together, before any of them is read.

        Raises:
            ContextInvalid: They are too large.
            OSError: See ``Beneath.open``.
        """
        total = self._total
        for path in paths:
            descriptor = beneath.open(path)
            try:
                total += os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
            if total > _LARGEST:
                raise _too_large(where, path, total)

    def put(self, name: str, content: bytes, where: str) -> str:
        """Add an archive that keynet made itself; return its path in the build.

        Raises:
            ContextInvalid: Another archive has its name.
        """
        return self._keep(name, content, hashlib.sha256(content).hexdigest(), where)

    def digest(self, name: str) -> str:
        """Return the SHA-256 of an archive, by its path in the build."""
        return self._digests[name]

    def _keep(self, base: str, content: bytes | Path, digest: str, where: str) -> str:
        name = f"archives/{base}"
        if self._digests.setdefault(name, digest) != digest:
            raise ContextInvalid(
                fill(
                    _("{where}: there are two different archives named {name}."),
                    where=where,
                    name=base,
                ),
                _("Keep one of them."),
            )
        self.files[name] = content
        return name


def _check_kind(descriptor: int, path: str, where: str) -> None:
    """Check that a file is not what stands for an archive that was not downloaded."""
    head = os.pread(descriptor, len(_POINTER), 0)
    if head == _POINTER:
        raise ContextInvalid(
            fill(
                _("{where}: {path} is a Git LFS pointer, not the archive itself."),
                where=where,
                path=path,
            ),
            _("Download it first: git lfs pull"),
        )
    if head.lstrip().startswith(b"<"):
        raise ContextInvalid(
            fill(_("{where}: {path} is a web page, not an archive."), where=where, path=path),
            _("Download the archive again; a page is what a server sends without a login."),
        )


def _too_large(where: str, path: str, total: int) -> ContextInvalid:
    return ContextInvalid(
        fill(
            _("{where}: with {path} the archives have {size}; {most} in all are possible."),
            where=where,
            path=path,
            size=size(total),
            most=size(_LARGEST),
        ),
        _("Install them from a package index or a URL, or put them into the base image."),
    )


def _copied(descriptor: int, name: str) -> tuple[str, Path]:
    parent = places.cache() / "archives"
    places.make_private(parent)
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(prefix="new-", dir=parent) as temporary:
        new = Path(temporary, name)
        with new.open("wb") as copy:
            left = _LARGEST
            while left > 0 and (piece := os.read(descriptor, min(_CHUNK, left))):
                digest.update(piece)
                copy.write(piece)
                left -= len(piece)
        folder = parent / digest.hexdigest()
        folder.mkdir(mode=0o700, exist_ok=True)
        new.replace(folder / name)
    os.utime(folder)
    _tidy(parent)
    return digest.hexdigest(), folder / name


def _tidy(parent: Path) -> None:
    """Remove what no build has used for a week."""
    with contextlib.suppress(OSError):
        for entry in parent.iterdir():
            if entry.stat().st_mtime < time.time() - _KEPT_S:
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)
