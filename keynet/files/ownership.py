"""Whether somebody else could have put a file where it is: its owner, its folder, what lies above.

The superuser can change everything, and is trusted.
"""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["distrusted"]

_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def distrusted(path: Path, *, own_folder: bool = False) -> Path | None:
    """Return which part of a path another user has, or can change; None if there is none.

    The file and its folder have to belong to this user or to the superuser. A folder that others
    may write to counts unless it is sticky; that this user's private group may do so does not
    count.

    Args:
        path: A file or a folder. What does not exist cannot be distrusted.
        own_folder: No group at all may write to the folder of the file: it is keynet's own.
    """
    for place in dict.fromkeys((path.absolute(), Path(os.path.realpath(path)))):
        for above, found in _with_parents(place):
            if above < 2 and found.st_uid not in {os.geteuid(), 0}:
                return _part(place, above)
            if above == 0 and not stat.S_ISDIR(found.st_mode):
                if found.st_mode & _OTHERS:
                    return place
            elif _others_may_write(found, strict=own_folder and above < 2):
                return _part(place, above)
    return None


def _with_parents(path: Path) -> Iterator[tuple[int, os.stat_result]]:
    """Yield how far above the path a part lies, and its status, for those that exist."""
    for above, part in enumerate((path, *path.parents)):
        try:
            yield above, part.stat()
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP}:
                raise


def _part(path: Path, above: int) -> Path:
    return (path, *path.parents)[above]


def _others_may_write(found: os.stat_result, *, strict: bool) -> bool:
    if found.st_mode & stat.S_ISVTX:
        return False
    if found.st_mode & stat.S_IWOTH:
        return True
    return bool(found.st_mode & stat.S_IWGRP) and (strict or not _is_private(found.st_gid))


def _is_private(group: int) -> bool:
    """Report whether a group is this user's alone, as many systems create one for each user.

    Their umask of 002 makes each folder writable to it.
    """
    if os.geteuid() == 0 and group == 0:
        return True
    # Read only where a folder is writable to its group.
    import grp
    import pwd

    try:
        user, found = pwd.getpwuid(os.geteuid()), grp.getgrgid(group)
    except KeyError:
        return False
    return found.gr_name == user.pw_name and not set(found.gr_mem) - {user.pw_name}
