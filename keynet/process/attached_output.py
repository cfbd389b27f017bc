"""What a program writes, passed on byte by byte: to a terminal, a pipe or a file."""

import errno
import os
import select
from collections.abc import Sequence
from typing import Final

__all__ = ["Copy"]

_KEPT_BYTES: Final = 1 << 14
# What a pipe takes at once when it takes anything.
_PIECE: Final = 4096
_LONGEST_WAIT_MS: Final = 500


class Copy:
    """Write each chunk to a descriptor as it comes, and keep the newest bytes.

    A reader who has gone ends the writing, not the program. One who does not read holds up
    nothing any more once ``received`` has a signal.
    """

    def __init__(self, descriptor: int, received: Sequence[int]) -> None:
        self._descriptor = descriptor
        self._received = received
        self._kept = b""
        self._open = True
        self.failure = ""

    def feed(self, chunk: bytes) -> None:
        """Pass the next bytes on."""
        self._kept = (self._kept + chunk)[-_KEPT_BYTES:]
        rest = memoryview(chunk)
        while rest and self._open:
            try:
                if self._takes():
                    rest = rest[os.write(self._descriptor, rest[:_PIECE]) :]
                elif self._received:
                    return
            except BlockingIOError:
                continue
            except OSError as error:
                self._open = False
                if error.errno not in (errno.EPIPE, errno.EIO):
                    self.failure = error.strerror or str(error)

    def close(self) -> None:
        """Do nothing: the descriptor is the caller's."""

    @property
    def text(self) -> str:
        """The newest of what was written."""
        return self._kept.decode("utf-8", errors="replace")

    def _takes(self) -> bool:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(_LONGEST_WAIT_MS))
