"""Images: the exact bytes of manifest and config, and layers."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.reference import Reference

__all__ = ["Blob", "Image", "Layer", "opened"]


class Blob(Protocol):
    """Bytes whose digest is known before they are sent.

    ``origin`` is a repository that they can be mounted from.
    """

    @property
    def descriptor(self) -> Descriptor: ...

    @property
    def origin(self) -> Reference | None: ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes as stored, from byte 0 at every call."""
        ...


class Layer(Blob, Protocol):
    """A layer; ``diff_id`` is the digest of the uncompressed tar."""

    @property
    def diff_id(self) -> Digest: ...


@frozen
class Image:
    """One image for one platform; ``layers`` are base first."""

    manifest: bytes
    config: bytes
    layers: tuple[Layer, ...]


@asynccontextmanager
async def opened(blob: Blob) -> AsyncIterator[AsyncIterator[bytes]]:
    """Read a blob's bytes; what they come from is closed with the block, however that ends."""
    chunks = blob.chunks()
    try:
        yield chunks
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
