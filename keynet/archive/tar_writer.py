"""Write a tar, whose file appears only when it is complete."""

import asyncio
import os
import tarfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Final

from keynet.errors import KeynetError
from keynet.files import atomic, places
from keynet.text import _, fill

__all__ = ["TarWriter", "replacing"]

_BLOCK: Final = 512


class TarWriter:
    """Append members to an open file; streamed ones get their header last."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def add(self, name: str, content: bytes) -> None:
        """Append a member."""
        self._write(self._position, _header(name, len(content)) + content)
        self._end(len(content))

    async def stream(self, name: str, blocks: AsyncGenerator[bytes, None]) -> None:
        """Append a member as its bytes come; nothing else may be appended meanwhile."""
        size = 0
        async with aclosing(blocks):
            async for block in blocks:
                await asyncio.to_thread(self._write, self._position + _BLOCK + size, block)
                size += len(block)
        self._write(self._position, _header(name, size))
        self._end(size)

    def finish(self) -> None:
        """End the archive."""
        os.ftruncate(self._descriptor, self._position + 2 * _BLOCK)

    def _end(self, size: int) -> None:
        self._position += _BLOCK + -(-size // _BLOCK) * _BLOCK

    def _write(self, position: int, content: bytes) -> None:
        view = memoryview(content)
        while view:
            written = os.pwrite(self._descriptor, view, position)
            view, position = view[written:], position + written


@contextmanager
def replacing(path: Path) -> Iterator[int]:
    """Create a file next to ``path`` that replaces it at the end.

    It is removed on an error. A symbolic link is followed; a device or a folder is not replaced.
    """
    path = places.real(path)
    if os.path.lexists(path) and not path.is_file():
        raise KeynetError(
            fill(_("{path} cannot be written: it is not a regular file."), path=path),
            _("Pass the path of a file, new or to be replaced."),
        )
    try:
        with atomic.replacing(path, mode=0o666) as stream:
            yield stream.fileno()
    except OSError as error:
        raise KeynetError(
            fill(
                _("{path} cannot be written: {reason}."), path=path, reason=error.strerror or error
            ),
            _("Check that the folder exists, is writable and has free space."),
        ) from error


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o644
    return info.tobuf(tarfile.GNU_FORMAT)
