"""Read files that keynet did not write, with a limit and without waiting for ever.

A repository, a server or another program may name a fifo without a writer, a device, or a file
that does not fit in memory.
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
_FIRST_CHUNK: Final = 65_536
_FIRST_CHUNKS: Final = 8
# For the program that writes to a named fifo and may not have opened it yet.
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
        OSError: It cannot be read, or it is a fifo without a writer.
    """
    with opened(path, regular_only=regular_only) as descriptor:
        return take(descriptor, size, _PATIENCE_S if _is_named_fifo(path, descriptor) else 0)


@contextmanager
def opened(path: Path, *, regular_only: bool = False) -> Iterator[int]:
    """Open a file for reading without waiting for a writer; close it at the end.

    Args:
        regular_only: Refuse pipes and devices, except /dev/null. Leave it out where a user names
            the file by a flag: a shell's ``<(…)`` is a pipe.

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
    """Read up to ``size`` bytes; of a pipe, until its last writer closes it.

    Args:
        descriptor: From ``opened``.
        patience_s: How long to wait for the first writer.

    Raises:
        OSError: It cannot be read, or it has no writer.
    """
    pieces: list[bytes] = []
    left = size
    while left > 0:
        try:
            # Most files are short, and a long buffer takes longer to get than they take to read.
            chunk = _FIRST_CHUNK if len(pieces) < _FIRST_CHUNKS else _CHUNK
            piece = os.read(descriptor, min(left, chunk))
        except BlockingIOError:
            _wait(descriptor, None)
            continue
        if piece:
            pieces.append(piece)
            left -= len(piece)
        elif pieces or not patience_s:
            break
        elif not _wait(descriptor, patience_s):
            raise TimeoutError(errno.ETIMEDOUT, _("it is a fifo without a writer"))
        else:
            patience_s = 0
    return b"".join(pieces)


def _wait(descriptor: int, limit_s: float | None) -> bool:
    """Wait for data or for the last writer to close it; return False after the limit."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(None if limit_s is None else limit_s * 1000))


def _is_named_fifo(path: Path, descriptor: int) -> bool:
    """Report whether a writer may still come: /dev/fd/63 is a pipe with its writer."""
    if not stat.S_ISFIFO(os.fstat(descriptor).st_mode):
        return False
    return not os.path.realpath(path).startswith("/proc/")


def _is_null(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == os.stat(os.devnull).st_rdev  # noqa: PTH116
