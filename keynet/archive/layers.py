"""Layers stored in a file, and the bytes of any layer in the caller's thread."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Generator, Iterator
from dataclasses import field
from typing import ClassVar, Protocol

from keynet.archive.compression import BLOCK
from keynet.errors import InvalidArchive
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Layer
from keynet.oci.reference import Reference
from keynet.process.event_loop import EventLoop
from keynet.text import _, fill

__all__ = ["FileLayer", "Ranges", "layer_blocks"]


class Ranges(Protocol):
    """Random access to an open file; ``name`` is the file's, for error messages."""

    @property
    def name(self) -> str: ...
    def read(self, offset: int, length: int) -> bytes: ...


@frozen
class FileLayer:
    """A layer at ``offset`` of an open file, which must stay open while it is read."""

    descriptor: Descriptor
    diff_id: Digest
    member: str
    offset: int
    file: Ranges = field(repr=False, compare=False)
    origin: Reference | None = None
    # The sender does not have to hash the layer again.
    checks_digest: ClassVar[bool] = True

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the stored bytes, from byte 0 at every call.

        Reading and hashing is done in another thread.

        Raises:
            InvalidArchive: The digest does not match; raised before the last chunk.
            TarReadError: The file was truncated meanwhile.
        """
        blocks = self.blocks()
        while (block := await asyncio.to_thread(next, blocks, None)) is not None:
            yield block

    def blocks(self) -> Iterator[bytes]:
        """Yield the stored bytes and check their digest.

        Raises:
            InvalidArchive: The digest does not match; raised before the last block.
            TarReadError: The file was truncated meanwhile.
        """
        hasher = hashlib.new(self.descriptor.digest.algorithm)
        end = self.offset + self.descriptor.size
        for position in range(self.offset, end, BLOCK):
            block = self.file.read(position, min(BLOCK, end - position))
            hasher.update(block)
            if position + len(block) >= end:
                self._check(hasher.hexdigest())
            yield block
        if not self.descriptor.size:
            self._check(hasher.hexdigest())

    def verify(self) -> None:
        """Read the whole layer and check its digest.

        Raises:
            InvalidArchive: The digest does not match.
        """
        for _block in self.blocks():
            pass

    def _check(self, actual: str) -> None:
        if actual != self.descriptor.digest.hex:
            digest = self.descriptor.digest
            raise InvalidArchive(
                fill(
                    _("{archive}: {member}: its digest is {actual}, not {announced}."),
                    archive=self.file.name,
                    member=self.member,
                    actual=f"{digest.algorithm}:{actual}",
                    announced=digest,
                ),
                _("The file is damaged; create it again."),
            )


def layer_blocks(layer: Layer, loop: EventLoop) -> Generator[bytes, None, None]:
    """Yield a layer's bytes in this thread, checked against its digest by who reads them.

    Close it before the loop, where it is not read to its end.
    """
    if isinstance(layer, FileLayer):
        yield from layer.blocks()
        return
    chunks = layer.chunks()
    try:
        while (block := loop.run(_next(chunks))) is not None:
            yield block
    finally:
        loop.run(_close(chunks))


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


async def _close(chunks: AsyncIterator[bytes]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()
