"""Replace files as a whole: a reader, or a crash, finds the old content or the new one.

Source: rename(2), fsync(2); "Files are hard" (https://danluu.com/file-consistency/).
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

__all__ = ["move", "replacing", "write"]


def write(path: Path, content: bytes | str, *, mode: int = 0o600) -> None:
    """Replace a file's content; nothing is left of a failure.

    Args:
        path: A link is replaced itself; its folder must exist.
        content: Text is written as UTF-8.
        mode: From the first byte on, less the umask's.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    encoded = content.encode() if isinstance(content, str) else content
    with replacing(path, mode=mode) as stream:
        stream.write(encoded)


@contextmanager
def replacing(path: Path, *, mode: int = 0o600) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of ``path`` at the end of the block, if it ends well.

    Args:
        path: As for ``write``.
        mode: As for ``write``.

    Raises:
        OSError: As ``write``.
    """
    # Its own name might leave no room for more: file systems take 255 bytes.
    new = path.with_name(f".keynet-{secrets.token_hex(8)}")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(new, flags, mode), "w+b") as stream:
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    _flush_folder(path.parent)


def move(new: Path, path: Path) -> None:
    """Give a finished file the name ``path``, in place of what has it; both on one disk.

    Raises:
        OSError: It cannot be moved; what was there before still is.
    """
    descriptor = os.open(new, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Write the new name to the disk; the file is in its place already if that fails."""
    # A folder may be writable and not readable, and some network file systems flush none.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
