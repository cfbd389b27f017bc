"""How many bytes of a blob go into one upload request."""

from typing import Final

__all__ = ["FIRST_CHUNK", "ChunkSize"]

# GitHub's registry takes no more than 4 MiB in one request.
FIRST_CHUNK: Final = 4 * 1024 * 1024
_SMALLEST: Final = 64 * 1024
_LARGEST: Final = 32 * 1024 * 1024
# A chunk that breaks may have to be sent again: at most this share of the blob.
_SHARE: Final = 10
# How much smaller the next try is after failures without any progress.
_SHRINK: Final = 4


class ChunkSize:
    """The current size of a chunk, in ``size`` bytes: it grows until something fails.

    Registries spend time on each request, so chunks double after each one that arrives whole, up
    to a tenth of the blob and 32 MiB.

    Args:
        fixed: Bytes in one request, without growth; the server's minimum may raise it.
    """

    def __init__(self, blob_size: int, fixed: int | None = None) -> None:
        self.size = self._first = fixed or FIRST_CHUNK
        self.least = 0
        self._ceiling = 0
        self._grows = fixed is None
        self._largest = min(blob_size // _SHARE, _LARGEST)

    def require(self, minimum: int) -> None:
        """Send at least so many bytes in a request: the registry asks for it."""
        self.least = minimum
        self._first = max(self._first, minimum)
        self.size = max(self.size, minimum)

    def arrived(self) -> None:
        """Grow: the last chunk arrived whole."""
        if self._grows:
            self.size = max(self.size, min(2 * self.size, self._largest))
        elif self._ceiling:
            self.size = max(self.size, min(2 * self.size, self._ceiling))

    def failed(self) -> None:
        """Return to the first size and stay there, unless the size is fixed."""
        if self._grows:
            self._limit(self._first)

    def cut(self, accepted: int) -> None:
        """Send no more than the registry accepted of the last chunk: it would be cut again."""
        self._ceiling = 0
        self._limit(max(accepted, _SMALLEST))

    def shrink(self) -> None:
        """Send much less in a request: what was sent failed again and again.

        Chunks that arrive let it grow again, to half of what failed.
        """
        self._ceiling = max(self.size // 2, self.least)
        self._limit(max(self.size // _SHRINK, _SMALLEST, self.least))

    def _limit(self, size: int) -> None:
        self.size = min(size, self.size)
        self._grows = False
