"""A file of the user's alone: made, locked and replaced as a whole.

Source: FACTS "Security", config file.
"""

import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["lock_of", "locked", "make_directory", "write"]

# Some network file systems know no locks; the rename alone still keeps the file whole there.
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})


def make_directory(directory: Path) -> None:
    """Make it, and what is missing above it; 0700.

    Raises:
        OSError: It cannot be made.
    """
    if directory.is_dir():
        # Only keynet's own directory: KEYNET_CONFIG may point into one that others share.
        if directory.name == "keynet" and directory.stat().st_mode & 0o077:
            directory.chmod(0o700)
        return
    directory.parent.mkdir(parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, exist_ok=True)


def lock_of(file: Path) -> Path:
    """Name the file beside it that is locked in its place: a rename would take the lock away."""
    return file.with_name(f".{file.name}.lock")


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Let no other keynet change the file in the block; waits without limit.

    Raises:
        OSError: The lock cannot be made.
    """
    descriptor = _acquired(lock_of(file))
    try:
        yield
    finally:
        os.close(descriptor)


def _acquired(lock: Path) -> int:
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Whoever cleared the file removed this lock while we waited: ours guards nothing.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(descriptor), lock.lstat()):
                    return descriptor
        except OSError as e:
            if e.errno in _NO_LOCKS:
                return descriptor
            os.close(descriptor)
            raise
        os.close(descriptor)


def write(file: Path, content: str) -> None:
    """Replace the file as a whole, 0600 from the first byte; nothing is left of a failure.

    Raises:
        OSError: It cannot be written; what stood there still does.
    """
    new = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content.encode("utf-8", "surrogatepass"))
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
