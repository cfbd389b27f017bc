"""Free space of the folders that builds fill."""

import os
from pathlib import Path

from keynet.frozen import frozen
from keynet.steps.examining.check import Check, Group
from keynet.text import _, fill, size

__all__ = ["Space", "folder_check", "space_of"]


@frozen
class Space:
    """Bytes of a disk that this user may still fill, all its bytes, and its free inodes.

    ``inodes`` is None for a file system that has no limit on them.
    """

    free: int
    total: int
    inodes: int | None

    def __str__(self) -> str:
        return fill(_("{free} of {total} free"), free=size(self.free), total=size(self.total))


def space_of(folder: Path) -> Space:
    """Return the space of the disk of a folder, or of its nearest parent that exists.

    Raises:
        OSError: The disk cannot be examined.
    """
    nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    found = os.statvfs(nearest)
    return Space(
        found.f_bavail * found.f_frsize,
        found.f_blocks * found.f_frsize,
        found.f_favail if found.f_files else None,
    )


def folder_check(
    name: str, group: Group, folder: Path, *, least: int, fix: str, prefix: str = ""
) -> Check:
    """Return the check of a folder's free space.

    Args:
        least: Bytes; with fewer the check fails.
        prefix: What comes before the folder in ``found``.

    Raises:
        OSError: The disk cannot be examined.
    """
    space = space_of(folder)
    found = fill(_("{prefix}{folder}, {space}"), prefix=prefix, folder=folder, space=space)
    if space.inodes == 0:
        found = fill(_("{found}, but no inodes are free"), found=found)
    ok = space.free >= least and space.inodes != 0
    return Check(name, group, ok, found, "" if ok else fix, measured=True)
