"""Find the private folders of this user, and remove those whose process is gone."""

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keynet.files import folder_parents, locks
from keynet.files.living_folders import LOCK, kind_of, remove_tree
from keynet.frozen import frozen

__all__ = ["PrivateFolder", "find", "remove", "remove_dead"]

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


@frozen
class PrivateFolder:
    """A folder that ``living_folders`` has created.

    ``created`` is in seconds since 1970; ``alive`` says whether its process still runs, and is true
    where nobody can know.
    """

    path: Path
    kind: str
    created: float
    alive: bool


def find() -> list[PrivateFolder]:
    """Return this user's private folders, also those of processes that run, sorted by path."""
    found: list[PrivateFolder] = []
    for parent in folder_parents.find():
        with contextlib.suppress(OSError), os.scandir(parent) as entries:
            names = [entry.name for entry in entries if kind_of(entry.name)]
            found.extend(folder for name in names if (folder := _look(parent, name)))
    return sorted(found, key=lambda folder: folder.path)


def remove(folder: PrivateFolder) -> bool:
    """Remove a folder unless its process runs; return whether it is gone.

    Nothing but a folder of this user, which nobody else may enter, is touched, and no link is
    followed.

    Raises:
        OSError: Something in it cannot be removed: files that an engine has created as another
            user, for example.
    """
    with _opened(folder.path) as top:
        if top is None:
            return not os.path.lexists(folder.path)
        try:
            lock = os.open(LOCK, _LOCK | os.O_CREAT, 0o600, dir_fd=top)
        except FileNotFoundError:
            return True
        try:
            if not locks.is_free(lock, take=True):
                return False
            remove_tree(top)
        finally:
            os.close(lock)
        folder.path.rmdir()
    return True


def remove_dead() -> list[PrivateFolder]:
    """Remove the folders of dead processes; return those that were removed.

    What cannot be removed stays, for ``keynet clean`` to report.
    """
    removed = []
    for folder in find():
        with contextlib.suppress(OSError):
            if not folder.alive and remove(folder):
                removed.append(folder)
    return removed


def _look(parent: Path, name: str) -> PrivateFolder | None:
    path = parent / name
    with _opened(path) as top:
        if top is None:
            return None
        created = os.fstat(top).st_mtime
        alive = False
        try:
            lock = os.open(LOCK, _LOCK, dir_fd=top)
        except OSError as error:
            # Its process died before it had created the lock.
            alive = error.errno != errno.ENOENT
        else:
            try:
                created = os.fstat(lock).st_mtime
                alive = not locks.is_free(lock, take=False)
            finally:
                os.close(lock)
        return PrivateFolder(path, kind_of(name) or "", created, alive)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """Open a folder that is this user's alone; None for anything else and for a link."""
    try:
        top = os.open(path, _FOLDER)
    except OSError:
        yield None
        return
    try:
        status = os.fstat(top)
        own = status.st_uid == os.geteuid() and not stat.S_IMODE(status.st_mode) & 0o077
        yield top if own else None
    finally:
        os.close(top)
