"""Layers of a base that were read once to be saved: kept, so that they need not be read again.

A push leaves them in their registry. A folder or a file with the image needs them whole, and can
then be written again without a network.
"""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final

from keynet.direct.layers.layer_store import LayerStore, MadeLayer
from keynet.files import places
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Layer

__all__ = ["with_copy"]

_PIECE: Final = 1 << 20


def with_copy(layer: Layer, store: LayerStore) -> Layer:
    """Return a layer that is read from the store, and else is put there while it is read."""
    return layer if isinstance(layer, MadeLayer) else _Copied(layer, store)


@frozen
class _Copied:
    """A layer of the base with a copy in the store, which need not be there or whole."""

    # The copy is compared before it is used.
    checks_digest: ClassVar[bool] = False
    layer: Layer
    store: LayerStore

    @property
    def descriptor(self) -> Descriptor:
        return self.layer.descriptor

    @property
    def diff_id(self) -> Digest:
        return self.layer.diff_id

    @property
    def origin(self) -> Any:
        return self.layer.origin

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes as stored, from byte 0 at every call."""
        copy = self.store.blob(self.descriptor.digest)
        kept = MadeLayer(self.descriptor, self.diff_id, copy)
        if await asyncio.to_thread(kept.intact):
            with suppress(OSError):
                os.utime(copy)
            async for piece in kept.chunks():
                yield piece
            return
        writing = _Writing(self.store, copy)
        try:
            async for piece in self.layer.chunks():
                await asyncio.to_thread(writing.add, piece)
                yield piece
            writing.finish(self.descriptor.digest)
        finally:
            writing.close()


class _Writing:
    """A copy that is written; without room for it there is none, which is not an error."""

    def __init__(self, store: LayerStore, path: Path) -> None:
        self._path = path
        self._new = store.folder / f"new-{secrets.token_hex(8)}"
        self._whole = hashlib.sha256()
        self._file: BinaryIO | None = None
        with suppress(OSError):
            places.make_private(store.folder)
            store.sweep()
            self._file = self._new.open("xb")

    def add(self, piece: bytes) -> None:
        if self._file is None:
            return
        try:
            self._file.write(piece)
            self._whole.update(piece)
        except OSError:
            self.close()

    def finish(self, digest: Digest) -> None:
        if self._file is None or self._whole.hexdigest() != digest.hex:
            return
        with suppress(OSError):
            self._file.flush()
            self._new.replace(self._path)

    def close(self) -> None:
        file, self._file = self._file, None
        with suppress(OSError):
            if file is not None:
                file.close()
        with suppress(OSError):
            self._new.unlink(missing_ok=True)
