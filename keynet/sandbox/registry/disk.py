"""The registry's files: content by digest, and what each repository holds of it.

    blobs/ALGORITHM/AB/ABCD…               content, stored once
    repositories/NAME/_blobs/DIGEST        empty: the repository holds this blob
    repositories/NAME/_manifests/DIGEST    the manifest's media type
    repositories/NAME/_tags/TAG            the digest
    repositories/NAME/_referrers/SUBJECT/DIGEST   when this manifest was pushed, in nanoseconds
    uploads/                               unfinished uploads, removed at each start

A component of a repository's name never starts with "_". Every file appears under its name as a
whole, so a crash leaves the old state or the new one.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from keynet.errors import ValidationError
from keynet.files import atomic, places
from keynet.oci.descriptor import Digest

__all__ = ["Disk"]

_DIGEST: Final = re.compile(rb"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})")


class Disk:
    """The files of one registry; names are checked by the caller."""

    def __init__(self, folder: Path) -> None:
        self._contents = folder / "blobs"
        self._repositories = folder / "repositories"
        self.uploads = folder / "uploads"
        for made in (folder, self._contents, self._repositories, self.uploads):
            places.make_private(made)

    def content(self, digest: Digest) -> Path:
        """Return where the content of a digest is stored."""
        return self._contents / digest.algorithm / digest.hex[:2] / digest.hex

    def add_content(self, finished: Path, digest: Digest) -> None:
        """Move a finished file to its digest."""
        target = self.content(digest)
        places.make_private(target.parent)
        atomic.move(finished, target)

    def holds(self, name: str, digest: Digest) -> bool:
        """Report whether a repository holds a blob."""
        return self._blob(name, digest).exists() and self.content(digest).exists()

    def hold(self, name: str, digest: Digest) -> None:
        """Let a repository hold stored content."""
        _write(self._blob(name, digest), "")

    def drop(self, name: str, digest: Digest) -> None:
        """Let a repository hold a blob no longer; its content goes at the next start."""
        self._blob(name, digest).unlink(missing_ok=True)

    def exists(self, name: str) -> bool:
        """Report whether anything was ever stored in a repository."""
        folder = self._repositories / name
        return any((folder / part).is_dir() for part in ("_blobs", "_manifests"))

    def names(self) -> list[str]:
        """Return the names of all repositories that have a manifest."""
        return [
            str(folder.relative_to(self._repositories))
            for folder in self._folders()
            if any(_entries(folder / "_manifests"))
        ]

    def holder(self, digest: Digest) -> Iterator[str]:
        """Yield the repositories that hold a blob."""
        for folder in self._folders():
            name = str(folder.relative_to(self._repositories))
            if self.holds(name, digest):
                yield name

    def put_manifest(self, name: str, digest: Digest, media_type: str, content: bytes) -> None:
        """Store a manifest in a repository."""
        _write(self.content(digest), content)
        _write(self._manifest(name, digest), media_type)

    def manifest(self, name: str, digest: Digest) -> tuple[str, bytes] | None:
        """Return a manifest's media type and bytes, None if the repository has none."""
        try:
            media_type = self._manifest(name, digest).read_text("utf-8")
            return media_type, self.content(digest).read_bytes()
        except FileNotFoundError:
            return None

    def drop_manifest(self, name: str, digest: Digest) -> None:
        """Remove a manifest with its tags and its place among the referrers."""
        folder = self._repositories / name
        for tag in self.tags(name):
            if self.tagged(name, tag) == digest:
                self.drop_tag(name, tag)
        for subject in _entries(folder / "_referrers"):
            (folder / "_referrers" / subject / str(digest)).unlink(missing_ok=True)
        self._manifest(name, digest).unlink(missing_ok=True)

    def tags(self, name: str) -> list[str]:
        """Return the tags of a repository, in no order."""
        return list(_entries(self._repositories / name / "_tags"))

    def tag(self, name: str, tag: str, digest: Digest) -> None:
        """Let a tag name a manifest."""
        _write(self._repositories / name / "_tags" / tag, str(digest))

    def tagged(self, name: str, tag: str) -> Digest | None:
        """Return the digest that a tag names, None if there is no such tag."""
        try:
            return Digest.parse((self._repositories / name / "_tags" / tag).read_text("utf-8"))
        except FileNotFoundError:
            return None

    def drop_tag(self, name: str, tag: str) -> None:
        """Remove a tag and nothing else."""
        (self._repositories / name / "_tags" / tag).unlink(missing_ok=True)

    def refer(self, name: str, subject: Digest, digest: Digest) -> None:
        """Let a manifest be among the referrers of its subject."""
        _write(
            self._repositories / name / "_referrers" / str(subject) / str(digest),
            str(time.time_ns()),
        )

    def referrers(self, name: str, subject: Digest) -> list[Digest]:
        """Return the manifests that refer to a subject, the newest last."""
        folder = self._repositories / name / "_referrers" / str(subject)
        found = sorted((_pushed_ns(folder / entry), entry) for entry in _entries(folder))
        return [Digest.parse(entry) for _pushed, entry in found]

    def sweep(self) -> None:
        """Remove unfinished uploads, and content that no manifest needs any longer.

        Not while the registry serves: a push that is under way would lose its blobs.
        """
        for entry in _entries(self.uploads, hidden=True):
            (self.uploads / entry).unlink()
        needed = set[str]()
        for folder in self._folders():
            needed |= _swept(folder, self.content)
        for path in self._contents.rglob("*"):
            algorithm = path.relative_to(self._contents).parts[0]
            if path.is_file() and f"{algorithm}:{path.name}" not in needed:
                path.unlink()

    def _blob(self, name: str, digest: Digest) -> Path:
        return self._repositories / name / "_blobs" / str(digest)

    def _manifest(self, name: str, digest: Digest) -> Path:
        return self._repositories / name / "_manifests" / str(digest)

    def _folders(self) -> Iterator[Path]:
        for folder, inner, _files in os.walk(self._repositories):
            if any(part.startswith("_") for part in inner):
                yield Path(folder)
            inner[:] = sorted(part for part in inner if not part.startswith("_"))


def _swept(folder: Path, content: Callable[[Digest], Path]) -> set[str]:
    """Drop a repository's blobs that no manifest of it names; return what is needed."""
    needed = set[str]()
    for entry in _entries(folder / "_manifests"):
        needed.add(entry)
        with suppress(FileNotFoundError, ValidationError):
            manifest = content(Digest.parse(entry)).read_bytes()
            needed |= {found.decode() for found in _DIGEST.findall(manifest)}
    for entry in _entries(folder / "_blobs"):
        if entry not in needed:
            (folder / "_blobs" / entry).unlink()
    return needed


def _entries(folder: Path, *, hidden: bool = False) -> Iterator[str]:
    """Yield the names in a folder, but those of files that are being written."""
    with suppress(FileNotFoundError), os.scandir(folder) as found:
        yield from [e.name for e in found if hidden or not e.name.startswith(".")]


def _pushed_ns(entry: Path) -> int:
    """Return when a referrer was pushed; those of earlier versions come first."""
    with suppress(FileNotFoundError, ValueError):
        return int(entry.read_text("utf-8"))
    return 0


def _write(path: Path, content: bytes | str) -> None:
    places.make_private(path.parent)
    atomic.write(path, content)
