"""Walk the folders below one folder by their descriptors, following no link at all."""

import errno
import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["Descent", "is_gone"]

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Only passing through needs no permission to list, where the system can open a folder for that.
_PASSING: Final = _FOLDER | getattr(os, "O_PATH", 0)
_FILE: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
_GONE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE)


def is_gone(error: OSError) -> bool:
    """Report whether an entry was removed, or is not the folder or file that it was."""
    return error.errno in _GONE


class Descent:
    """The folder that a walk has reached; a context manager.

    ``descriptor`` may only serve for passing through (``dir_fd``). One folder is open at a time,
    so that a thousand levels need no thousand descriptors.
    """

    def __init__(self, root: Path) -> None:
        """Open the top; links in its own path are followed.

        Raises:
            OSError: It is not a folder, or cannot be opened.
        """
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.descriptor = os.dup(self._root)
        self._path: str | None = ""

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is open."""
        os.close(self.descriptor)
        os.close(self._root)

    def enter(self, path: str) -> None:
        """Go to a folder; "" is the top. Cheap from the folder above it.

        Raises:
            OSError: See ``is_gone``; or it cannot be opened.
        """
        if path == self._path:
            return
        above = self._path
        left = path
        if above is not None and path.startswith(f"{above}/" if above else ""):
            left = path[len(above) :]
        else:
            os.close(self.descriptor)
            self.descriptor = os.dup(self._root)
        self._path = None
        for name in left.split("/"):
            if name:
                below = os.open(name, _PASSING, dir_fd=self.descriptor)
                os.close(self.descriptor)
                self.descriptor = below
        self._path = path

    def listing(self) -> int:
        """Return a new descriptor of the folder that was reached, which can be listed.

        Raises:
            OSError: This user may not list it.
        """
        return os.open(".", _FOLDER, dir_fd=self.descriptor)

    def file(self, name: str) -> int:
        """Return a new descriptor of a file in the folder that was reached.

        Args:
            name: Known not to be a device; opening a fifo does not wait.

        Raises:
            OSError: See ``is_gone``; or it cannot be opened.
        """
        return os.open(name, _FILE, dir_fd=self.descriptor)
