"""Copy the files of a context as they are at this moment, and nothing from outside of it.

Other programs go on writing to the folder: files grow, shrink and vanish, and a folder may be
exchanged for a link while it is read. So folders are passed through by their descriptors, each
file is opened once, and the engine gets copies that nobody else changes. Hard links would go on
changing.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final

from keynet import confidential
from keynet.files.descent import Descent, is_gone
from keynet.plan import ContextFile

__all__ = ["Copied", "Uncopied", "copy"]

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
_CHUNK: Final = 1_048_576
# Shares the blocks of the file where the file system can (FICLONE of <linux/fs.h>).
_FICLONE: Final = 0x40049409
_NOT_HERE: Final = (
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOTTY,
    errno.EPERM,
    errno.EBADF,
    errno.ETXTBSY,
)


@dataclass(slots=True)
class Copied:
    """What a copy left out, by paths of the context.

    ``gone`` vanished or became something else after the context was listed; ``special`` are
    fifos, sockets and devices.
    """

    gone: list[str] = field(default_factory=list)
    special: list[str] = field(default_factory=list)


class Uncopied(OSError):
    """A file that could not be copied; ``filename`` is its path in the context."""


def copy(context: Path, files: Sequence[ContextFile], target: Path, *, readable: bool) -> Copied:
    """Copy entries of a context to an empty folder, with their times.

    Args:
        context: Links in its own path are followed: the user named it.
        readable: Everyone may read the copies, and execute those that their owner may. Files
            that look like secrets keep their mode.

    Raises:
        Uncopied: This user cannot read a file, or there is no room for its copy.
    """
    copied = Copied()
    folders: list[tuple[str, os.stat_result]] = []
    made = _Made(os.fspath(target))
    with Descent(context) as source:
        for parent, names in _by_folder(files):
            path = parent
            try:
                if not (_entered(source, parent) and made.ready(parent)):
                    copied.gone += [f"{parent}/{name}" for name in names]
                    continue
                for name in names:
                    path = f"{parent}/{name}" if parent else name
                    found = _entry(source, name, path, made, readable=readable)
                    if found is None:
                        copied.gone.append(path)
                    elif stat.S_ISDIR(found.st_mode):
                        folders.append((path, found))
                    elif not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
                        copied.special.append(path)
            except OSError as error:
                raise Uncopied(error.errno, error.strerror, path) from error
    # Last, and deepest first: adding files changes a folder's time and needs it to be writable.
    for path, found in reversed(folders):
        folder = target / path
        os.utime(folder, ns=(found.st_atime_ns, found.st_mtime_ns))
        folder.chmod(_mode(path, found, readable=readable))
    return copied


def _by_folder(files: Sequence[ContextFile]) -> Iterator[tuple[str, list[str]]]:
    """Yield each folder with its entries, a folder before what is in it."""
    split = sorted((tuple(file.path.rpartition("/")[0].split("/")), file.path) for file in files)
    for parts, group in groupby(split, key=lambda each: each[0]):
        yield "/".join(parts), [path.rpartition("/")[2] for _parts, path in group]


class _Made:
    """The folders that were made for the copy.

    Nothing is written below what was a folder when the context was listed and is a link by now:
    its copy is a link, too.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self._folders = {""}

    def ready(self, path: str) -> bool:
        """Make a folder and its parents; return False where one of them is something else."""
        missing = []
        while path not in self._folders:
            missing.append(path)
            path = path.rpartition("/")[0]
        for folder in reversed(missing):
            try:
                os.mkdir(f"{self.target}/{folder}", 0o755)  # noqa: PTH102  100 000 files
            except FileExistsError:
                return False
            self._folders.add(folder)
        return True


def _entered(source: Descent, folder: str) -> bool:
    try:
        source.enter(folder)
    except OSError as error:
        if is_gone(error):
            return False
        raise
    return True


def _entry(
    source: Descent, name: str, path: str, made: _Made, *, readable: bool
) -> os.stat_result | None:
    """Copy one entry; return what it was when it was copied, None if it is gone."""
    destination = f"{made.target}/{path}"
    try:
        found = os.stat(name, dir_fd=source.descriptor, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            made.ready(path)
        elif stat.S_ISLNK(found.st_mode):
            target = os.readlink(name, dir_fd=source.descriptor)
            os.symlink(target, destination)  # noqa: PTH211
            times = (found.st_atime_ns, found.st_mtime_ns)
            os.utime(destination, ns=times, follow_symlinks=False)
        elif stat.S_ISREG(found.st_mode):
            opened = source.file(name)
            try:
                found = os.fstat(opened)
                if not stat.S_ISREG(found.st_mode):
                    return None
                _file(opened, found, destination, _mode(path, found, readable=readable))
            finally:
                os.close(opened)
    except OSError as error:
        # A link that was exchanged for something else cannot be read as a link (EINVAL).
        if is_gone(error) or error.errno == errno.EINVAL:
            return None
        raise
    return found


def _file(opened: int, found: os.stat_result, destination: str, mode: int) -> None:
    made = os.open(destination, _NEW, 0o600)
    try:
        _content(opened, made, found.st_size)
        os.fchmod(made, mode)
        os.utime(made, ns=(found.st_atime_ns, found.st_mtime_ns))
    finally:
        os.close(made)


def _content(opened: int, made: int, size: int) -> None:
    """Copy what the file had when it was opened; less if it is cut off meanwhile."""
    if size <= _CHUNK:
        if content := os.read(opened, size):
            _write(made, content)
        if len(content) == size:
            return
    elif _cloned(opened, made):
        os.ftruncate(made, min(size, os.fstat(made).st_size))
        return
    _in_pieces(opened, made, size - os.lseek(opened, 0, os.SEEK_CUR))


def _in_pieces(opened: int, made: int, left: int) -> None:
    in_kernel = hasattr(os, "copy_file_range")
    while left > 0:
        if in_kernel:
            try:
                count = os.copy_file_range(opened, made, min(left, 64 * _CHUNK))
            except OSError as error:
                if error.errno not in _NOT_HERE:
                    raise
                in_kernel = False
                continue
        else:
            content = os.read(opened, min(left, _CHUNK))
            _write(made, content)
            count = len(content)
        if not count:
            return
        left -= count


def _write(made: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(made, view) :]


def _cloned(opened: int, made: int) -> bool:
    try:
        # Not on every system, so not at the top.
        import fcntl

        fcntl.ioctl(made, _FICLONE, opened)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        return False
    return True


def _mode(path: str, found: os.stat_result, *, readable: bool) -> int:
    mode = stat.S_IMODE(found.st_mode)
    if not readable or confidential.is_suspicious_path(path):
        return mode
    owner = mode >> 6
    return mode | (owner & 0o5) << 3 | owner & 0o5
