"""Write images into a folder with an OCI layout, new or with other images in it."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

from keynet.archive.layout.index_json import (
    LAYOUT_FILE,
    LAYOUT_VERSION,
    blob_path,
    entry_of,
    fallback_name,
    index_of,
    name_of,
    referrer_of,
    with_entry,
)
from keynet.archive.layout.watched import watched
from keynet.errors import KeynetError
from keynet.events import BlobSkipped, Emit
from keynet.files import atomic, limited_read, locks, places
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Blob
from keynet.text import _, fill, printable

__all__ = ["FolderTarget", "writing_folder"]

_INDEX: Final = "index.json"
_PARTS: Final = frozenset({"blobs", LAYOUT_FILE})
_LARGEST_INDEX: Final = 4 << 20
_WAIT_S: Final = 60
_MODE: Final = 0o666


class FolderTarget:
    """A layout that images are added to; see ``writing_folder``."""

    def __init__(self, path: Path, emit: Emit) -> None:
        self._path = path
        self._emit = emit
        self._referrers: dict[Digest, list[Descriptor]] = {}
        self._written: list[Path] = []
        self._skipped: list[Path] = []
        self._listed_root = False

    @property
    def name(self) -> str:
        """The folder's path, safe to show."""
        return printable(self._path)

    async def holds(self, manifest: Descriptor, name: str | None) -> bool:
        """Report nothing: whether each part is there is looked up when it comes."""
        return False

    async def add_blob(self, blob: Blob) -> None:
        """Write a blob unless it is there; its file appears when it is verified.

        Raises:
            DigestMismatch: The bytes have another digest.
        """
        described = blob.descriptor
        file = self._file(described.digest)
        if _size(file) == described.size:
            self._skipped.append(file)
            self._emit(BlobSkipped(str(described.digest), described.size))
            return
        with self._new(file) as stream:
            async with aclosing(watched(blob, self._emit)) as chunks:
                async for chunk in chunks:
                    await asyncio.to_thread(stream.write, chunk)

    async def add_manifest(self, content: bytes, manifest: Descriptor) -> None:
        """Write a manifest."""
        self._add(manifest.digest, content)

    async def add_root(self, content: bytes, manifest: Descriptor, name: str | None) -> None:
        """Write the manifest at the top and list it; an entry of the same name gives way."""
        self._add(manifest.digest, content)
        with locks.in_turn(self._path, wait_s=_WAIT_S):
            if not all(file.exists() for file in self._skipped):
                raise _unusable(self._path, _("another program removed blobs from it meanwhile"))
            entries = with_entry(_entries(self._path), entry_of(manifest, name))
            for subject, new in self._referrers.items():
                known = self._listed(subject)
                fresh = [each.to_json() for each in new]
                digests = {each["digest"] for each in fresh}
                listing = index_of(
                    [*(each for each in known if each.get("digest") not in digests), *fresh]
                )
                described = Descriptor.of(MediaType.OCI_INDEX, listing)
                self._add(described.digest, listing)
                entries = with_entry(entries, entry_of(described, fallback_name(subject)))
            with _explained(self._path):
                if not (self._path / LAYOUT_FILE).exists():
                    atomic.write(self._path / LAYOUT_FILE, LAYOUT_VERSION, mode=_MODE)
                atomic.write(self._path / _INDEX, index_of(entries), mode=_MODE)
            self._listed_root = True

    async def attached(self, subject: Digest) -> Collection[Digest]:
        """Return what the folder lists as referring to ``subject``."""
        return {Digest.parse(str(entry.get("digest"))) for entry in self._listed(subject)}

    async def attach(self, subject: Digest, content: bytes, media_type: str) -> None:
        """Write a manifest that refers to ``subject``."""
        found = referrer_of(content, media_type)
        assert found is not None
        self._add(found[1].digest, content)
        self._referrers.setdefault(subject, []).append(found[1])

    def undo(self) -> None:
        """Remove what was written, unless the index lists it."""
        if self._listed_root:
            return
        for file in self._written:
            file.unlink(missing_ok=True)
        blobs = self._path / "blobs"
        for folder in (*blobs.glob("*"), blobs):
            # What another process has put there stays.
            with contextlib.suppress(OSError):
                folder.rmdir()

    def _file(self, digest: Digest) -> Path:
        return self._path / blob_path(digest)

    def _add(self, digest: Digest, content: bytes) -> None:
        file = self._file(digest)
        if _size(file) != len(content):
            with self._new(file) as stream:
                stream.write(content)

    @contextmanager
    def _new(self, file: Path) -> Iterator[Any]:
        with _explained(self._path):
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic.replacing(file, mode=_MODE) as stream:
                yield stream
            self._written.append(file)

    def _listed(self, subject: Digest) -> list[dict[str, Any]]:
        wanted = fallback_name(subject)
        for entry in _entries(self._path):
            if name_of(entry) == wanted:
                listing = self._file(Digest.parse(str(entry.get("digest"))))
                return _manifests(listing)
        return []


@asynccontextmanager
async def writing_folder(path: Path, emit: Emit) -> AsyncIterator[FolderTarget]:
    """Add to the layout at ``path``; after a failure it is as it was before.

    Raises:
        KeynetError: It cannot be written, or contains something else than a layout.
    """
    path = places.real(path)
    _check(path)
    made = not path.exists()
    with _explained(path):
        path.mkdir(exist_ok=True)
    target = FolderTarget(path, emit)
    try:
        yield target
    except BaseException:
        target.undo()
        if made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _check(path: Path) -> None:
    if not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir())):
        return
    if not path.is_dir():
        raise _unusable(path, _("it is not a folder"))
    if not (path / _INDEX).exists() and all(each.name in _PARTS for each in path.iterdir()):
        # Another process is at its first image.
        return
    if not (path / _INDEX).is_file():
        raise _unusable(path, _("the folder contains something else than an image layout"))
    _entries(path)


def _entries(path: Path) -> list[dict[str, Any]]:
    return _manifests(path / _INDEX) if (path / _INDEX).exists() else []


def _manifests(file: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(limited_read.head(file, _LARGEST_INDEX, regular_only=True))["manifests"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
        raise _unusable(file.parent, fill(_("{name} cannot be read"), name=file.name)) from error
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _unusable(file.parent, fill(_("{name} is not an index"), name=file.name))
    return found


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error


def _unusable(path: Path, reason: str) -> KeynetError:
    return KeynetError(
        fill(_("{path} cannot be written: {reason}."), path=path, reason=reason),
        _("Pass the path of a new folder, or of one with an OCI layout, on a disk with space."),
    )
