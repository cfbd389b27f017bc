"""How blobs travel to one registry: learned from its answers, shared by all its uploads.

Chunks go first, smaller ones where a size is refused, one PUT with the whole blob where chunks are
refused; after that the registry's answer is the error. What was refused is not sent again.

Source: OCI distribution-spec, "Pushing blobs".
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from keynet.registry.http.exchange import Answer

__all__ = ["LOOK_TRIES", "SMALLER_CHUNKS", "TAKEN", "BlobPolicy", "means_size", "refuses_form"]

# An optimisation has little patience: the plain way does the same work.
LOOK_TRIES: Final = 3

# What proxies (nginx: 1 MiB) and registries allow where they do not take the first chunk.
SMALLER_CHUNKS: Final = (1024 * 1024, 256 * 1024, 64 * 1024)

# Statuses of a chunk or blob that was taken; 201 and 202 are those of the specification.
TAKEN: Final = frozenset({200, 201, 202, 204})

_TOO_LARGE: Final = 413
# "Not this method, not this path, not this body": another way of sending may be accepted. The
# others are about the account, a condition, the time, a size, the headers or a law.
_OTHER_FORM: Final = (frozenset(range(400, 500)) | {501, 505}) - {
    *(401, 402, 407, 408, 412, 413, 423, 425, 429, 431, 451, 499),
}
_SIZE_CODES: Final = frozenset({"SIZE_INVALID", "TOO_LARGE", "BLOB_TOO_LARGE", "ENTITY_TOO_LARGE"})
# Below this share of the wanted size it is better to wait for the upload that tries it.
_WORTH_SENDING: Final = 8


class BlobPolicy:
    """What the uploads to one registry have learned about it."""

    def __init__(self) -> None:
        # The largest chunk that was taken, and the smallest body that was refused for its size.
        self.accepted = 0
        self._refused: int | None = None
        self.chunks_refused = False
        self.whole_refused = False
        # The Range of an answer does not say how far the upload is.
        self.ranges_lie = False
        # How often a question is worth asking that only saves work.
        self.look_tries = LOOK_TRIES
        # Looking was refused for want of permission, so nothing may be allowed at all.
        self.looks_denied = False
        self._large_taken = False
        self._mounts_refused: set[tuple[str, str]] = set()
        self._trying = asyncio.Lock()

    @property
    def limit(self) -> int | None:
        """The most bytes to put into one request; None: no limit is known, 0: no size is left."""
        if self._refused is None:
            return None
        smaller = next((size for size in SMALLER_CHUNKS if size < self._refused), 0)
        return max(self.accepted, smaller)

    def sends_whole(self, blob_size: int, chunk_size: int) -> bool:
        """Report whether a blob goes into one PUT, without chunks before it."""
        if self.chunks_refused or self.whole_refused:
            return self.chunks_refused
        return blob_size <= self.allowed(chunk_size)

    def allowed(self, size: int) -> int:
        """Return how many of ``size`` bytes may go into one request; 0: chunks are refused."""
        limit = self.limit
        if self.chunks_refused:
            return 0
        return size if limit is None else min(size, limit)

    @asynccontextmanager
    async def turn(self, size: int, least: int) -> AsyncIterator[int]:
        """Wait until a chunk may be sent; yield its size, at most ``size``; 0: none may.

        A size that the registry has not taken yet is tried by one upload at a time. The others
        send what it has taken, or wait where that is nothing.

        Args:
            least: Smaller chunks are not worth it, or not accepted by the registry.
        """
        size = self.allowed(size)
        if size <= self.accepted:
            yield size
        elif self._trying.locked() and self.accepted >= max(least, size // _WORTH_SENDING):
            yield self.accepted
        else:
            async with self._trying:
                yield self.allowed(size)

    @asynccontextmanager
    async def whole_turn(self, size: int) -> AsyncIterator[None]:
        """Wait until a blob may be sent in one PUT, if it is larger than some proxies allow."""
        if size <= SMALLER_CHUNKS[0] or self._large_taken or self.chunks_refused:
            yield
        else:
            async with self._trying:
                yield

    def took_whole(self, size: int) -> None:
        """Remember that a PUT of this size was taken."""
        self._large_taken = self._large_taken or size > SMALLER_CHUNKS[0]

    def took(self, size: int) -> None:
        """Remember that a chunk of this size was taken."""
        self.took_whole(size)
        if self._refused is None or size < self._refused:
            self.accepted = max(self.accepted, size)

    def refuse_size(self, size: int, *, least: int = 0) -> None:
        """Remember that a body of this size was refused; without a smaller one chunks are."""
        self._refused = min(size, self._refused or size)
        if self.accepted >= size:
            # It changed its mind, or a proxy with another limit answers now.
            self.accepted = 0
        if (self.limit or 0) < max(least, 1):
            self.chunks_refused = True

    def mounts_from(self, repository: str, origin: str) -> bool:
        """Report whether a mount between these repositories is worth a request."""
        return (repository, origin) not in self._mounts_refused

    def refuse_mount(self, repository: str, origin: str) -> None:
        """Remember that the registry does not mount between these repositories."""
        self._mounts_refused.add((repository, origin))


def means_size(answer: Answer, code: str) -> bool:
    """Report whether a body was refused because it is too large.

    Args:
        code: The registry's error code. A 416 is judged by the caller, who knows the position.
    """
    return answer.status == _TOO_LARGE or (answer.status == 400 and code in _SIZE_CODES)


def refuses_form(answer: Answer) -> bool:
    """Report whether an answer refuses the way of sending, so that another one may pass."""
    return answer.status in _OTHER_FORM
