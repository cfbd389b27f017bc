"""Read files that somebody else chose: never more than wanted, and never without an end.

A repository, a server's answer or another program may name a fifo that nobody writes to, a
device, or a file that does not fit into the memory.
"""

import errno
import os
import select
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from keynet.text import _

__all__ = ["head", "opened", "read", "take"]

_CHUNK: Final = 1_048_576
# For a program that is to write to a named fifo and has only just been started.
_PATIENCE_S: Final = 5.0


def read(path: Path, limit: int, *, regular_only: bool = False) -> bytes | None:
    """Return the whole content, None where it is longer than ``limit`` bytes.

    Args:
        regular_only: As for ``opened``.

    Raises:
        OSError: As ``head``.
    """
    content = head(path, limit + 1, regular_only=regular_only)
    return content if len(content) <= limit else None


def head(path: Path, size: int, *, regular_only: bool = False) -> bytes:
    """Return the first ``size`` bytes, fewer where there are no more.

    Args:
        regular_only: As for ``opened``.

    Raises:
        OSError: It cannot be read, or it is a fifo that no program writes to.
    """
    with opened(path, regular_only=regular_only) as descriptor:
        return take(descriptor, size, _PATIENCE_S if _is_named_fifo(path, descriptor) else 0)


@contextmanager
def opened(path: Path, *, regular_only: bool = False) -> Iterator[int]:
    """Open a file for reading without waiting for anybody; closed at the end.

    Args:
        regular_only: Refuse pipes and devices. Without it a user may name one by a flag, such as
            a shell's ``<(…)`` or /dev/stdin. /dev/null is a file without content for both.

    Raises:
        OSError: It cannot be opened, is a directory, or is not a regular file.
    """
    # Without O_NONBLOCK, opening a fifo waits for its writer.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    descriptor = os.open(path, flags)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(path))
        if regular_only and not stat.S_ISREG(status.st_mode) and not _is_null(status):
            raise OSError(errno.EINVAL, _("it is not a regular file"), os.fspath(path))
        yield descriptor
    finally:
        os.close(descriptor)


def take(descriptor: int, size: int, patience_s: float = 0) -> bytes:
    """Read up to ``size`` bytes from here on.

    A pipe is read as long as a program has it open for writing.

    Args:
        descriptor: From ``opened``.
        patience_s: How long to wait for the first such program.

    Raises:
        OSError: It cannot be read, or no such program came.
    """
    pieces: list[bytes] = []
    left = size
    while left > 0:
        try:
            piece = os.read(descriptor, min(left, _CHUNK))
        except BlockingIOError:
            _wait(descriptor, None)
            continue
        if piece:
            pieces.append(piece)
            left -= len(piece)
        elif pieces or not patience_s:
            break
        elif not _wait(descriptor, patience_s):
            raise TimeoutError(errno.ETIMEDOUT, _("it is a fifo that no program writes to"))
        else:
            patience_s = 0
    return b"".join(pieces)


def _wait(descriptor: int, limit_s: float | None) -> bool:
    """Wait until there is something to read, or the last writer has gone."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(None if limit_s is None else limit_s * 1000))


def _is_named_fifo(path: Path, descriptor: int) -> bool:
    """Report whether a program may still open it: /dev/fd/63 is a pipe that has its writer."""
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return False
    return not os.path.realpath(path).startswith(("/proc/", "/dev/"))


def _is_null(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == os.stat(os.devnull).st_rdev  # noqa: PTH116
