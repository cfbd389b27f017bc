"""Files and folders of this host, known by their inodes."""

import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["Inodes"]


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
