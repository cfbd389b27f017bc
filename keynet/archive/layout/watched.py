"""Read a blob whose digest is checked and whose progress is reported."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from dataclasses import field

from keynet.errors import DigestMismatch
from keynet.events import BlobAdvanced, BlobFinished, BlobStarted, Emit
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Blob, Layer, opened
from keynet.oci.reference import Reference
from keynet.text import _, fill

__all__ = ["WatchedLayer", "watched"]

# For fewer bytes a thread costs more than the hash.
_WORTH_A_THREAD = 64 * 1024


async def watched(blob: Blob, emit: Emit) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a blob and emit how far they are.

    Raises:
        DigestMismatch: At the end; do not use the bytes that came before.
    """
    announced, position = blob.descriptor, 0
    name = str(announced.digest)
    checked = getattr(blob, "checks_digest", False) is True
    hasher = hashlib.new(announced.digest.algorithm)
    emit(BlobStarted(name, announced.size))
    async with opened(blob) as chunks:
        async for chunk in chunks:
            position += len(chunk)
            if not checked and len(chunk) >= _WORTH_A_THREAD:
                await asyncio.to_thread(hasher.update, chunk)
            elif not checked:
                hasher.update(chunk)
            emit(BlobAdvanced(name, position))
            yield chunk
    if position != announced.size or not (checked or hasher.hexdigest() == announced.digest.hex):
        raise DigestMismatch(
            fill(
                _("The content to write is not {digest} with {size} bytes, as announced."),
                digest=announced.digest,
                size=announced.size,
            ),
            _("The source may have changed or be damaged; create it again."),
        )
    emit(BlobFinished(name))


@frozen
class WatchedLayer:
    """A layer whose digest is checked and that emits how far it has been read."""

    layer: Layer
    emit: Emit = field(repr=False)

    @property
    def descriptor(self) -> Descriptor:
        """The layer's own."""
        return self.layer.descriptor

    @property
    def diff_id(self) -> Digest:
        """The layer's own."""
        return self.layer.diff_id

    @property
    def origin(self) -> Reference | None:
        """The layer's own."""
        return self.layer.origin

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """Read the layer; see ``watched``."""
        return watched(self.layer, self.emit)
