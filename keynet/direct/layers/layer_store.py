"""Layers kept in keynet's cache, by what they are made from.

A key names everything that decides a layer's bytes. Each layer is a compressed file named by its
digest, and a small record under its key that is written last: what is there is complete, however
a push ended. Two pushes write the same bytes under the same names. Nobody waits for the disk: what
a power failure has torn has another size or digest than its record, and is made again.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Final

from keynet.direct.layers.layer_compression import (
    LAYOUT,
    Compression,
    compression,
    write_layer,
)
from keynet.errors import KeynetError
from keynet.files import atomic, places
from keynet.files.disk_cache import DAMAGED
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.reference import Reference
from keynet.text import _, fill

__all__ = ["LayerStore", "MadeLayer", "layer_key"]

_PIECE: Final = 1 << 20
_LARGEST_RECORD: Final = 65_536
_STALE_S: Final = 86_400.0
# Of layers that no push has used for a day; torch with CUDA has 3 GB.
_LIMIT: Final = 20_000_000_000


@frozen
class MadeLayer:
    """A layer in the cache; what it can be mounted from is known to ``mounting``."""

    descriptor: Descriptor
    diff_id: Digest
    path: Path = field(repr=False)
    origin: Reference | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes as stored, from byte 0 at every call."""
        with self.path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, _PIECE):
                yield piece

    def intact(self) -> bool:
        """Report whether the file has the layer's digest."""
        try:
            with self.path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return False
        return found == self.descriptor.digest.hex


@frozen
class LayerStore:
    """The folder of the layers; it need not exist yet.

    ``how`` is for those that are made. Above ``limit`` bytes, those that were not used for the
    longest time go, but none of the last day: another push may need it.
    """

    folder: Path
    how: Compression = field(default_factory=partial(compression, "gzip"))
    limit: int = _LIMIT

    def layer(
        self, key: str, make: Callable[[], Iterator[bytes]], *, anew: bool = False
    ) -> MadeLayer:
        """Return the layer of a key; ``make`` gives its tar where it is not kept.

        Args:
            anew: Make it also if it is kept.

        Raises:
            KeynetError: There is no room for it.
        """
        kept = None if anew else self.kept(key)
        if kept is not None:
            return kept
        try:
            places.make_private(self.folder)
            self.sweep()
            # Of this push alone: another one may make the same layer at the same time.
            new = self.folder / f"new-{secrets.token_hex(8)}"
            try:
                with new.open("xb") as file:
                    descriptor, diff_id = write_layer(make(), file, self.how)
                path = self.blob(descriptor.digest)
                new.replace(path)
            except BaseException:
                new.unlink(missing_ok=True)
                raise
            made = MadeLayer(descriptor, diff_id, path)
            self._record(key, made)
        except OSError as error:
            raise KeynetError(
                fill(
                    _("A layer cannot be written to {folder}: {why}."),
                    folder=self.folder,
                    why=error.strerror or str(error),
                ),
                _("Make room there, or name another folder with XDG_CACHE_HOME."),
            ) from error
        return made

    def forget(self, layer: MadeLayer) -> None:
        """Remove a layer whose file is damaged, so that it is made again."""
        layer.path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what pushes that were killed have left, and what is above the limit."""
        for stale in (*self.folder.glob("new-*"), *self.folder.glob(".keynet-*")):
            with contextlib.suppress(OSError):
                if time.time() - stale.stat().st_mtime > _STALE_S:
                    stale.unlink()
        self._shrink()

    def _shrink(self) -> None:
        kept = []
        for path in self.folder.glob("blob-*"):
            with contextlib.suppress(OSError):
                status = path.stat()
                kept.append((status.st_mtime, status.st_size, path))
        total = sum(size for _used, size, _path in kept)
        for used, size, path in sorted(kept):
            if total <= self.limit or time.time() - used < _STALE_S:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _record(self, key: str, layer: MadeLayer) -> None:
        record = {
            "digest": str(layer.descriptor.digest),
            "size": layer.descriptor.size,
            "diff_id": str(layer.diff_id),
        }
        atomic.write(self._keyed(key), json.dumps(record), flushed=False)

    def kept(self, key: str) -> MadeLayer | None:
        """Return what is under a key; None also for what is not whole."""
        try:
            with self._keyed(key).open("rb") as file:
                record = json.loads(file.read(_LARGEST_RECORD))
            descriptor = Descriptor(
                self.how.media_type, Digest.parse(record["digest"]), int(record["size"])
            )
            path = self.blob(descriptor.digest)
            if path.stat().st_size != descriptor.size:
                return None
            with contextlib.suppress(OSError):
                os.utime(path)
            return MadeLayer(descriptor, Digest.parse(record["diff_id"]), path)
        except DAMAGED:
            return None

    def _keyed(self, key: str) -> Path:
        return self.folder / f"key-{self.how.tag}{key}"

    def blob(self, digest: Digest) -> Path:
        """Return where the file of a digest is, if it is kept."""
        return self.folder / f"blob-{digest.hex}"


def layer_key(*parts: str) -> str:
    """Return a key of everything that decides a layer's bytes."""
    return hashlib.sha256("\0".join((LAYOUT, *parts)).encode()).hexdigest()
