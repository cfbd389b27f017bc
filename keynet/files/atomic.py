"""Replace files as a whole: a reader, or a crash, finds the old content or the new one.

Source: rename(2), fsync(2).
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["is_unfinished", "move", "replacing", "write"]

_UNFINISHED: Final = re.compile(r"\.keynet-[0-9a-f]{16}\Z")


def write(path: Path, content: bytes | str, *, mode: int = 0o600, flushed: bool = True) -> None:
    """Replace a file's content; a failure leaves the old file and nothing else.

    Args:
        path: In a folder that exists; a link is replaced, not its target.
        content: Text is encoded as UTF-8.
        mode: Of the new file from its creation on, less the umask.
        flushed: Wait for the disk. Without, a power failure may leave an empty file: for a
            cache whose readers notice that.

    Raises:
        OSError: It cannot be written.
    """
    encoded = content.encode() if isinstance(content, str) else content
    with replacing(path, mode=mode, flushed=flushed) as stream:
        stream.write(encoded)


@contextmanager
def replacing(path: Path, *, mode: int = 0o600, flushed: bool = True) -> Iterator[BinaryIO]:
    """Open a new file that replaces ``path`` at the end of the block, unless it raises.

    Args:
        path: As for ``write``.
        mode: As for ``write``.
        flushed: As for ``write``.

    Raises:
        OSError: As ``write``.
    """
    # Not the name of ``path`` and more, which may exceed a file system's 255 bytes.
    new = path.with_name(f".keynet-{secrets.token_hex(8)}")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(new, flags, mode), "w+b") as stream:
        try:
            yield stream
            stream.flush()
            if flushed:
                os.fsync(stream.fileno())
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
    if flushed:
        _flush_folder(path.parent)


def is_unfinished(name: str) -> bool:
    """Report whether a file of this name is, or was, about to replace another one."""
    return _UNFINISHED.match(name) is not None


def move(new: Path, path: Path) -> None:
    """Move a finished file to ``path`` on the same file system, and replace what is there.

    Raises:
        OSError: It cannot be moved; ``path`` is unchanged.
    """
    descriptor = os.open(new, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(path)
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
    """Flush the new name to the disk, where possible; the file is in its place already."""
    # A folder may be writable but not readable; some network file systems cannot flush one.
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
