"""The open folders on the way down from one folder, by descriptors that follow no link."""

import os
from typing import Final

__all__ = ["FOLDER", "OpenFolders"]

# For listing a folder; fails for a link.
FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Only passing through needs no permission to list, where the system can open a folder for that.
_PASSING: Final = FOLDER | getattr(os, "O_PATH", 0)
# A thousand levels must not need a thousand descriptors, of which a process has 256 on macOS.
_MOST_OPEN: Final = 32


class OpenFolders:
    """The folder that was reached from ``root``, and those that were passed; close it.

    Going back costs nothing, except where more than 32 levels were passed since. It never uses
    "..", because a folder may have been moved out of the root meanwhile.
    """

    def __init__(self, root: int) -> None:
        """Start at an open folder, whose descriptor stays the caller's."""
        self._root = root
        self.names: list[str] = []
        # Those of the last names; fewer than names where older ones were closed.
        self._open: list[int] = []

    @property
    def descriptor(self) -> int:
        """The folder that was reached; only for passing through (``dir_fd``)."""
        return self._open[-1] if self._open else self._root

    def enter(self, name: str) -> None:
        """Go to a folder of the folder that was reached.

        Raises:
            OSError: It is not a folder, but a link for example (``ENOTDIR``); the folder that was
                reached stays the same.
        """
        self._open.append(os.open(name, _PASSING, dir_fd=self.descriptor))
        self.names.append(name)
        if len(self._open) > _MOST_OPEN:
            os.close(self._open.pop(0))

    def back(self, levels: int = 1) -> int:
        """Go back by some folders; return how many were opened for that.

        Args:
            levels: At most as many as there are ``names``.

        Raises:
            OSError: A folder on the way was removed; the folder that was reached is then one of
                those above it.
        """
        left = len(self.names) - levels
        for descriptor in self._open[-levels:]:
            os.close(descriptor)
        del self._open[-levels:]
        names, self.names = self.names[:left], self.names[:left]
        if self._open or not names:
            return 0
        self.names = []
        for name in names:
            self.enter(name)
        return left

    def close(self) -> None:
        """Go back to the root."""
        for descriptor in self._open:
            os.close(descriptor)
        self._open.clear()
        self.names.clear()
