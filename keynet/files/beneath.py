"""Read the files of a folder that somebody else filled, and nothing outside of it.

A cloned repository may hold links to a user's keys, exchange a folder for a link while it is read,
and have fifos, devices and link farms in place of files. Each path is followed component by
component from an open descriptor of the folder, so that no check can be outdated when the file is
opened.
"""

import errno
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from keynet.files import limited_read
from keynet.files.open_folders import FOLDER, OpenFolders
from keynet.text import _

__all__ = ["Beneath", "LeavesFolder", "NotRegular"]

# As many links as Linux follows in one path.
_MOST_LINKS: Final = 40
# Folders that are opened for one path: a link of 4,096 bytes can lead through 1,300.
_MOST_STEPS: Final = 20_000
# A project's own paths are shorter. Longer ones are possible, but thousands of them are a trap.
_FEW_STEPS: Final = 64
_MOST_LONG_STEPS: Final = 100_000
_MOST_NAMES: Final = 200_000
# Without O_NONBLOCK, opening a fifo waits for its writer.
_FILE: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


class LeavesFolder(OSError):
    """A path or a link on its way leads out of the folder; ``filename`` is the path as given."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EXDEV, _("it leads out of the folder"), path)


class NotRegular(OSError):
    """A path names a folder, a fifo, a socket or a device where a file is needed."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EINVAL, _("it is not a regular file"), path)


class Beneath:
    """An open folder, through which only what lies in it can be reached.

    Paths are relative to the folder and use ``/``. Links that stay inside are followed; absolute
    ones stay inside if they begin with the folder's real path. Close it, or use it as a context
    manager.

    Every method raises ``LeavesFolder`` for a path that leads out, ``FileNotFoundError`` or
    ``NotADirectoryError`` where nothing is there (unless said otherwise), and ``OSError`` for
    anything else that the system refuses: too many links, no permission. Paths that lead through
    more than 64 folders are limited together, with too many links (``ELOOP``).
    """

    def __init__(self, root: Path) -> None:
        """Open a folder.

        Args:
            root: Links above it and in its own name are followed: the user named it.

        Raises:
            OSError: It does not exist, is not a folder, or cannot be opened.
        """
        # First, because the system refuses a chain of links that realpath would follow for ever.
        self._descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._real = os.path.realpath(root)
        self._long_steps = [_MOST_LONG_STEPS]

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the folder."""
        self.close()

    def close(self) -> None:
        """Close the folder's descriptor; later calls fail."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def open(self, path: str) -> int:
        """Open a regular file for reading; the caller closes the descriptor.

        Raises:
            NotRegular: It is a folder, a fifo, a socket or a device; nothing was opened.
            OSError: See the class.
        """
        with self._way(path) as way:
            name = way.follow()
            if not name or not stat.S_ISREG(way.status(name).st_mode):
                raise NotRegular(path)
            descriptor = os.open(name, _FILE, dir_fd=way.descriptor)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        raise NotRegular(path)

    def read(self, path: str, limit: int) -> bytes | None:
        """Return the content of a regular file, None where it is longer than ``limit`` bytes.

        Raises:
            NotRegular: As ``open``.
            OSError: See the class.
        """
        descriptor = self.open(path)
        try:
            content = limited_read.take(descriptor, limit + 1)
        finally:
            os.close(descriptor)
        return content if len(content) <= limit else None

    def kind(self, path: str) -> str | None:
        """Return "file", "folder", "other" (fifo, socket, device), or None if nothing is there.

        Raises:
            OSError: See the class; what is absent, or below a file, is None.
        """
        try:
            with self._way(path) as way:
                name = way.follow()
                mode = way.status(name).st_mode if name else stat.S_IFDIR
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISREG(mode):
            return "file"
        return "folder" if stat.S_ISDIR(mode) else "other"

    def names(self, path: str = "") -> list[str]:
        """Return the sorted names in a folder, 200,000 at most.

        Raises:
            OSError: See the class; ``EFBIG`` where it has more.
        """
        found: list[str] = []
        with self._way(path) as way:
            name = way.follow()
            descriptor = os.open(name or ".", FOLDER, dir_fd=way.descriptor)
            try:
                with os.scandir(descriptor) as entries:
                    for entry in entries:
                        if len(found) >= _MOST_NAMES:
                            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
                        found.append(entry.name)
            finally:
                os.close(descriptor)
        return sorted(found)

    def resolve(self, path: str) -> str:
        """Return the real path in the folder, without links and dots; "" for the folder itself.

        Raises:
            OSError: See the class.
        """
        with self._way(path) as way:
            name = way.follow()
            if name:
                way.status(name)
            return "/".join([*way.passed, name] if name else way.passed)

    def _way(self, path: str) -> "_Way":
        return _Way(self._descriptor, self._real, path, self._long_steps)


class _Way:
    """One path on its way: the folder reached so far, and its real name.

    ``long_steps`` holds how many folders may still be opened for paths of many steps.
    """

    def __init__(self, root: int, real: str, path: str, long_steps: list[int]) -> None:
        self._real = real
        self._given = path
        self._links = 0
        self._steps = 0
        self._long_steps = long_steps
        self._left = self._components(path)
        self._reached = OpenFolders(root)

    @property
    def descriptor(self) -> int:
        return self._reached.descriptor

    @property
    def passed(self) -> list[str]:
        return self._reached.names

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reached.close()

    def follow(self) -> str:
        """Go to the folder of the last component and return its name, which is not a link.

        The name is "" where the path leads to the folder that was reached.
        """
        while self._left:
            name = self._left.pop()
            if name == "..":
                self._back()
            elif self._left:
                self._enter(name)
            elif not self._is_link(name):
                return name
        return ""

    def status(self, name: str) -> os.stat_result:
        """Return the state of an entry of the folder that was reached, following no link."""
        return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)

    def _components(self, path: str) -> list[str]:
        """Return the components in reverse order."""
        if "\0" in path:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self._given)
        if path.startswith("/"):
            inside = os.path.normpath(path)
            if inside != self._real and not inside.startswith(self._real.rstrip("/") + "/"):
                raise LeavesFolder(self._given)
            path = inside[len(self._real) :]
        return [name for name in reversed(path.split("/")) if name not in ("", ".")]

    def _is_link(self, name: str) -> bool:
        """Put the target of a link before what is left; return False for anything else."""
        try:
            target = os.readlink(name, dir_fd=self.descriptor)
        except OSError as error:
            if error.errno == errno.EINVAL:
                return False
            raise
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self._given)
        if target.startswith("/"):
            self._reached.close()
        self._left += self._components(target)
        return True

    def _back(self) -> None:
        if not self.passed:
            raise LeavesFolder(self._given)
        self._count(self._reached.back())

    def _enter(self, name: str) -> None:
        """Go to a folder, or put the target of a link before what is left."""
        self._count(1)
        try:
            self._reached.enter(name)
        except OSError as error:
            # A link is not a folder (Linux), or is refused as a link (other systems).
            if error.errno not in (errno.ENOTDIR, errno.ELOOP) or not self._is_link(name):
                raise

    def _count(self, opened: int) -> None:
        self._steps += opened
        if self._steps <= _FEW_STEPS:
            return
        self._long_steps[0] -= opened
        if self._steps > _MOST_STEPS or self._long_steps[0] < 0:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), self._given)
