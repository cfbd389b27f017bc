"""Locks between processes of keynet; the kernel releases them when a process ends."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["acquire", "in_turn", "is_free", "lock_of", "locked"]

# Some network file systems have no locks, and then there is nothing to wait for.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
_PAUSE_S: Final = 0.02
_TRY: Final = fcntl.LOCK_EX | fcntl.LOCK_NB


def acquire(descriptor: int, *, wait_s: float | None = None) -> bool:
    """Lock an open file or folder until its descriptor is closed.

    Args:
        wait_s: How long to wait for the process that holds it; None for ever.

    Returns:
        False where another process still holds it; True also where the file system has no locks.

    Raises:
        OSError: It cannot be locked.
    """
    until = None if wait_s is None else time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if until is None else _TRY)
        except BlockingIOError:
            if until is None or time.monotonic() >= until:
                return False
            time.sleep(_PAUSE_S)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return True
            raise
        else:
            return True


def is_free(descriptor: int, *, take: bool) -> bool:
    """Report whether no other process holds the lock of an open file.

    Args:
        take: Hold it from now on. Otherwise several processes may ask at the same time.

    Returns:
        False also where nobody can know, because the file system has no locks.
    """
    kind = fcntl.LOCK_EX if take else fcntl.LOCK_SH
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def in_turn(folder: Path, *, wait_s: float) -> Iterator[None]:
    """Run the block while no other process is in one for this folder.

    After the wait, or where nothing can be locked, the block runs all the same.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield
        return
    try:
        with suppress(OSError):
            acquire(descriptor, wait_s=wait_s)
        yield
    finally:
        os.close(descriptor)


def lock_of(file: Path) -> Path:
    """Return the file that is locked for ``file``; a rename of ``file`` would lose its lock."""
    return file.with_name(f".{file.name}.lock")


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Keep other keynet processes from changing the file in the block; wait for them.

    Raises:
        OSError: The lock file cannot be created.
    """
    descriptor = _acquired(lock_of(file))
    try:
        yield
    finally:
        os.close(descriptor)


def _acquired(lock: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    while True:
        descriptor = os.open(lock, flags, 0o600)
        try:
            acquire(descriptor)
            # A process that removed the file also removed this lock while we waited.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), lock.lstat()):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
