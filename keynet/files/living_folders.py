"""Private folders for the time of one command, which show whether their process still runs.

Each holds a file that its process keeps locked. The kernel releases the lock when the process ends,
however it ends, so that ``dead_folders`` finds what a killed process has left. Their names are
unmistakable, so that no build context takes one in, wherever it lies.

A lock file rather than the folder itself, because network file systems lock only what is open for
writing.
"""

import atexit
import contextlib
import os
import re
import secrets
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keynet.files import folder_parents, locks
from keynet.files.open_folders import FOLDER, OpenFolders
from keynet.files.uninterrupted import uninterrupted
from keynet.frozen import frozen

__all__ = ["LOCK", "kind_of", "living", "remove_folder", "remove_tree"]

# The name of the lock file, which is created first and removed last.
LOCK: Final = ".keynet-lock"
_NAME: Final = re.compile(r"keynet-([a-z]+)-[0-9a-f]{16}\Z")
_FLAGS: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_TRIES: Final = 100

# Those of this process that exist. What an interrupt between two steps of Python leaves of them is
# removed at the end of the process.
_own: dict[Path, "_Own"] = {}


@frozen
class _Own:
    """The open lock file, and the process that owns it: copies by fork do not."""

    lock: int
    pid: int


@contextlib.contextmanager
def living(kind: str, parent: Path) -> Iterator[Path]:
    """Create a folder (0700, whatever the umask), and remove it in any case.

    Args:
        kind: Lower-case letters, part of the name: what the folder is for.
        parent: Exists; others may write to it.

    Raises:
        OSError: It cannot be created.
    """
    with uninterrupted():
        folder = _create(kind, parent)
    try:
        yield folder
    finally:
        with uninterrupted():
            _remove_own(folder)


def kind_of(name: str) -> str | None:
    """Return the kind in the name of such a folder; None for any other name."""
    found = _NAME.match(name)
    return found[1] if found else None


def remove_folder(folder: Path) -> None:
    """Remove a folder and everything in it, as ``remove_tree``.

    Raises:
        OSError: It is a link or does not exist, or something in it cannot be removed.
    """
    top = os.open(folder, FOLDER)
    try:
        remove_tree(top)
    finally:
        os.close(top)
    folder.rmdir()


def remove_tree(top: int) -> None:
    """Remove everything in an open folder of this user alone, and the lock file last.

    Whatever its depth and its permissions; no link is followed.

    Raises:
        OSError: Something cannot be removed, such as a file of another user; the rest is.
    """
    reached = OpenFolders(top)
    failed: list[OSError] = []
    # The folders that are still to be removed, on each level of the way down.
    left = [_remove_files(top, failed, spared=LOCK)]
    try:
        while left[-1] or len(left) > 1:
            try:
                if left[-1]:
                    name = left[-1].pop()
                    os.chmod(name, 0o700, dir_fd=reached.descriptor)
                    reached.enter(name)
                    left.append(_remove_files(reached.descriptor, failed))
                else:
                    left.pop()
                    name = reached.names[-1]
                    reached.back()
                    os.rmdir(name, dir_fd=reached.descriptor)
            except OSError as error:
                failed.append(error)
    finally:
        reached.close()
    if failed:
        raise failed[0]
    with contextlib.suppress(FileNotFoundError):
        os.unlink(LOCK, dir_fd=top)


def _remove_files(folder: int, failed: list[OSError], spared: str = "") -> list[str]:
    """Remove everything in a folder but its folders, and return the names of those."""
    folders = []
    try:
        listing = os.open(".", FOLDER, dir_fd=folder)
    except OSError as error:
        failed.append(error)
        return []
    try:
        with os.scandir(listing) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.name != spared:
                    try:
                        os.unlink(entry.name, dir_fd=listing)
                    except OSError as error:
                        failed.append(error)
    finally:
        os.close(listing)
    return folders


def _create(kind: str, parent: Path) -> Path:
    assert kind_of(f"keynet-{kind}-{'0' * 16}") == kind, "not the kind of a folder"
    folder_parents.remember(parent)
    for _attempt in range(_TRIES):
        folder = parent.absolute() / f"keynet-{kind}-{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        # The umask may have taken even the owner's rights.
        folder.chmod(0o700)
        lock = _locked(folder / LOCK)
        if lock is not None:
            atexit.unregister(_at_exit)
            atexit.register(_at_exit)
            _own[folder] = _Own(lock, os.getpid())
            return folder
    raise FileExistsError(f"{parent}: no folder can be created")


def _locked(lock: Path) -> int | None:
    """Create and lock the lock file; None if another process has removed the folder meanwhile."""
    try:
        descriptor = os.open(lock, _FLAGS, 0o600)
    except (FileNotFoundError, FileExistsError):
        # It was taken for the folder of a process that died before it had locked it.
        return None
    try:
        locks.acquire(descriptor)
        os.write(descriptor, b"%d\n" % os.getpid())
        if os.path.samestat(os.fstat(descriptor), lock.lstat()):
            return descriptor
    except FileNotFoundError:
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _remove_own(folder: Path) -> None:
    """Remove a folder of this process; what cannot be removed stays, and counts as dead."""
    own = _own.pop(folder, None)
    if own is None or own.pid != os.getpid():
        return
    try:
        with contextlib.suppress(OSError):
            top = os.open(folder, FOLDER)
            try:
                if os.fstat(top).st_uid == os.geteuid():
                    remove_tree(top)
                    folder.rmdir()
            finally:
                os.close(top)
    finally:
        os.close(own.lock)


def _at_exit() -> None:
    if not any(own.pid == os.getpid() for own in _own.values()):
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    for folder in list(_own):
        _remove_own(folder)
