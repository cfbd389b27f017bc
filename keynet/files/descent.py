"""Walk the folders below one folder by their descriptors, following no link at all."""

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from keynet.files.open_folders import FOLDER, OpenFolders

__all__ = ["Descent", "Inodes", "disk_usage", "is_gone"]

_FILE: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
_GONE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE)


def is_gone(error: OSError) -> bool:
    """Report whether an entry was removed, or is not the folder or file that it was."""
    return error.errno in _GONE


def disk_usage(folder: str | os.PathLike[str]) -> int:
    """Return the bytes of the files below a folder, as far as this user can see them."""
    total = 0
    pending = [os.fspath(folder)]
    while pending:
        with contextlib.suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                else:
                    with contextlib.suppress(OSError):
                        total += entry.stat(follow_symlinks=False).st_size
    return total


class Descent:
    """The folder that a walk has reached; a context manager.

    ``descriptor`` may only serve for passing through (``dir_fd``).
    """

    def __init__(self, root: Path) -> None:
        """Open the top; links in its own path are followed.

        Raises:
            OSError: It is not a folder, or cannot be opened.
        """
        self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._reached = OpenFolders(self._root)

    @property
    def descriptor(self) -> int:
        """The folder that was reached."""
        return self._reached.descriptor

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
        self._reached.close()
        os.close(self._root)

    def enter(self, path: str) -> None:
        """Go to a folder; "" is the top. Cheap from a folder near it.

        Raises:
            OSError: See ``is_gone``; or it cannot be opened.
        """
        reached = self._reached
        wanted = [name for name in path.split("/") if name]
        shared = 0
        for here, there in zip(reached.names, wanted, strict=False):
            if here != there:
                break
            shared += 1
        if len(reached.names) > shared:
            reached.back(len(reached.names) - shared)
        for name in wanted[len(reached.names) :]:
            reached.enter(name)

    def listing(self) -> int:
        """Return a new descriptor of the folder that was reached, which can be listed.

        Raises:
            OSError: This user may not list it.
        """
        return os.open(".", FOLDER, dir_fd=self.descriptor)

    def file(self, name: str) -> int:
        """Return a new descriptor of a file in the folder that was reached.

        Args:
            name: Known not to be a device; opening a fifo does not wait.

        Raises:
            OSError: See ``is_gone``; or it cannot be opened.
        """
        return os.open(name, _FILE, dir_fd=self.descriptor)


class Inodes:
    """Some files and folders, by whatever path one comes to them; what is absent does not count."""

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._files = set()
        for path in paths:
            try:
                found = path.stat()
            except (OSError, ValueError):
                continue
            self._files.add((found.st_dev, found.st_ino))

    def have(self, found: os.stat_result) -> bool:
        """Report whether a file or folder is one of them."""
        return (found.st_dev, found.st_ino) in self._files
