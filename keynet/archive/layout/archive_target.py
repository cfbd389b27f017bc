"""Write an OCI archive blob by blob, as they come."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from keynet.archive.layout.index_json import (
    LAYOUT_FILE,
    LAYOUT_VERSION,
    blob_path,
    entry_of,
    fallback_name,
    index_of,
    referrer_of,
)
from keynet.archive.layout.watched import watched
from keynet.archive.tar_writer import TarWriter, replacing
from keynet.events import Emit
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Blob
from keynet.text import printable

__all__ = ["ArchiveTarget", "writing_archive"]


class ArchiveTarget:
    """An OCI archive that is being written; see ``writing_archive``."""

    def __init__(self, path: Path, descriptor: int, emit: Emit) -> None:
        self._path = path
        self._tar = TarWriter(descriptor)
        self._emit = emit
        self._written: set[Digest] = set()
        self._referrers: dict[Digest, list[Descriptor]] = {}
        # Members follow each other in the file.
        self._turn = asyncio.Lock()

    @property
    def name(self) -> str:
        """The file's path, safe to show."""
        return printable(self._path)

    async def holds(self, manifest: Descriptor, name: str | None) -> bool:
        """Report that a new file has nothing yet."""
        return False

    async def add_blob(self, blob: Blob) -> None:
        """Append a blob, verified.

        Raises:
            DigestMismatch: The bytes have another digest.
        """
        digest = blob.descriptor.digest
        async with self._turn:
            if digest not in self._written:
                self._written.add(digest)
                await self._tar.stream(blob_path(digest), watched(blob, self._emit))

    async def add_manifest(self, content: bytes, manifest: Descriptor) -> None:
        """Append a manifest."""
        async with self._turn:
            self._add(manifest.digest, content)

    async def add_root(self, content: bytes, manifest: Descriptor, name: str | None) -> None:
        """Append the manifest at the top, the lists of referrers and the index."""
        async with self._turn:
            self._add(manifest.digest, content)
            entries: list[Any] = [entry_of(manifest, name)]
            for subject, found in self._referrers.items():
                listing = index_of(each.to_json() for each in found)
                described = Descriptor.of(MediaType.OCI_INDEX, listing)
                self._add(described.digest, listing)
                entries.append(entry_of(described, fallback_name(subject)))
            self._tar.add(LAYOUT_FILE, LAYOUT_VERSION)
            self._tar.add("index.json", index_of(entries))
            self._tar.finish()

    async def attached(self, subject: Digest) -> Collection[Digest]:
        """Report that a new file has no referrers yet."""
        return ()

    async def attach(self, subject: Digest, content: bytes, media_type: str) -> None:
        """Append a manifest that refers to ``subject``."""
        found = referrer_of(content, media_type)
        assert found is not None
        async with self._turn:
            self._add(found[1].digest, content)
        self._referrers.setdefault(subject, []).append(found[1])

    def _add(self, digest: Digest, content: bytes) -> None:
        if digest not in self._written:
            self._written.add(digest)
            self._tar.add(blob_path(digest), content)


@asynccontextmanager
async def writing_archive(path: Path, emit: Emit) -> AsyncIterator[ArchiveTarget]:
    """Write an archive that replaces ``path`` at the end of the block, unless it raises.

    Raises:
        KeynetError: The file cannot be written.
    """
    with replacing(path) as descriptor:
        yield ArchiveTarget(path, descriptor, emit)
