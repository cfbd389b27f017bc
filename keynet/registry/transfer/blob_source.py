"""Read a blob's bytes for an upload: in order, hashed meanwhile, again on demand."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Final, Protocol, runtime_checkable

from keynet.errors import DigestMismatch
from keynet.events import BlobAdvanced, BlobRewound, Emit
from keynet.oci.descriptor import Descriptor
from keynet.text import _, fill

__all__ = ["Reader", "Resumable", "Source", "once"]

_PIECE: Final = 1024 * 1024
# For fewer bytes a thread costs more than the hash.
_WORTH_A_THREAD: Final = 64 * 1024

# Returns the bytes from byte 0 at every call.
Source = Callable[[], AsyncIterator[bytes]]


@runtime_checkable
class Resumable(Protocol):
    """A source that can begin at any byte, as a blob in another registry can."""

    def __call__(self) -> AsyncIterator[bytes]:
        """Return the bytes from byte 0."""
        ...

    def resume(self, offset: int) -> AsyncIterator[bytes]:
        """Return the bytes from ``offset``."""
        ...


async def once(content: bytes) -> AsyncIterator[bytes]:
    """Yield bytes that are in memory, as a source does."""
    yield content


class Reader:
    """Read a source by ranges that mostly follow each other, and check its digest.

    Every byte is hashed once, in another thread while it is sent; ranges that are read again
    are not hashed again.

    Args:
        checked: The source itself raises when its bytes do not have the digest.
    """

    def __init__(
        self, source: Source, descriptor: Descriptor, emit: Emit, *, checked: bool = False
    ) -> None:
        self._source = source
        self._descriptor = descriptor
        self._emit = emit
        self._name = str(descriptor.digest)
        self._stream: AsyncIterator[bytes] | None = None
        self._rest = b""
        self._position = 0
        self._hasher = hashlib.new(descriptor.digest.algorithm)
        self._hashed = descriptor.size if checked else 0
        self._checked = checked
        self._hashing: asyncio.Future[None] | None = None
        self._shown = 0

    async def pieces(self, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes from ``start`` up to ``stop``, in pieces of 1 MiB at most.

        Raises:
            DigestMismatch: The source ends before ``stop``.
        """
        if start < self._shown:
            self._emit(BlobRewound(self._name, start))
        if start < self._position or self._stream is None:
            await self._reopen(start)
        while self._position < stop:
            piece = await self._next(min(stop - self._position, _PIECE))
            at = self._position
            self._position += len(piece)
            await self._hash(piece, at)
            if self._position <= start:
                continue
            yield piece[start - at :] if at < start else piece
            self._shown = self._position
            self._emit(BlobAdvanced(self._name, self._position))

    @property
    def complete(self) -> bool:
        """Whether every byte was read and hashed."""
        return self._hashed == self._descriptor.size

    async def verify(self) -> None:
        """Check that the bytes, read from beginning to end, have the digest.

        Raises:
            DigestMismatch: They have another one.
        """
        if self._checked:
            return
        if self._hashed < self._descriptor.size:
            async for _piece in self.pieces(self._hashed, self._descriptor.size):
                pass
        await self._join()
        if self._hasher.hexdigest() != self._descriptor.digest.hex:
            raise _changed(self._descriptor)

    async def aclose(self) -> None:
        """Close the source."""
        await self._join()
        stream, self._stream = self._stream, None
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()

    async def _reopen(self, start: int) -> None:
        await self.aclose()
        self._rest = b""
        # Every byte is hashed once, so none of those is left out.
        self._position = min(start, self._hashed)
        if self._position and isinstance(self._source, Resumable) and not self._checked:
            self._stream = self._source.resume(self._position)
        else:
            self._stream = self._source()
            self._position = 0

    async def _next(self, most: int) -> bytes:
        while not self._rest:
            assert self._stream is not None
            try:
                self._rest = await anext(self._stream)
            except StopAsyncIteration as error:
                raise _changed(self._descriptor) from error
        piece, self._rest = self._rest[:most], self._rest[most:]
        return piece

    async def _hash(self, piece: bytes, at: int) -> None:
        await self._join()
        fresh = piece[self._hashed - at :] if at < self._hashed else piece
        if not fresh:
            return
        self._hashed += len(fresh)
        if len(fresh) < _WORTH_A_THREAD:
            self._hasher.update(fresh)
        else:
            loop = asyncio.get_running_loop()
            self._hashing = loop.run_in_executor(None, self._hasher.update, fresh)

    async def _join(self) -> None:
        if self._hashing is not None:
            hashing, self._hashing = self._hashing, None
            await hashing


def _changed(descriptor: Descriptor) -> DigestMismatch:
    return DigestMismatch(
        fill(
            _("The content to send is not {digest} with {size} bytes, as announced."),
            digest=descriptor.digest,
            size=descriptor.size,
        ),
        _("The file may have changed or be damaged; create it again."),
    )
