"""The folders in which private folders are created, also those that only an earlier command used.

TMPDIR differs from job to job. A folder that a killed process has left in the TMPDIR of then is
found by the link that ``remember`` leaves in the cache.
"""

import contextlib
import hashlib
import os
import stat
import tempfile
from pathlib import Path
from typing import Final

from keynet.errors import KeynetError
from keynet.files import places

__all__ = ["find", "memory", "remember", "runtime"]

_MOST: Final = 32
_SHM: Final = Path("/dev/shm")  # noqa: S108  what is put there is private
_TMP: Final = Path("/tmp")  # noqa: S108  what is put there is private
_VAR_TMP: Final = Path("/var/tmp")  # noqa: S108  likewise


def runtime() -> Path:
    """Return the folder for credentials: one in memory that only this user can enter, if any.

    XDG_RUNTIME_DIR, else the one that the system made for this user, else /run for root, else the
    folder for temporary files. ``su`` and ``sudo`` keep XDG_RUNTIME_DIR, which is another user's
    then.
    """
    return next(iter(_in_memory()), Path(tempfile.gettempdir()))


def memory() -> Path:
    """Return a folder in memory for many small files, else the folder for temporary files."""
    return _SHM if os.access(_SHM, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


def remember(parent: Path) -> None:
    """Remember a folder that ``find`` would not name of itself; failing is not an error."""
    if parent in _constant():
        return
    with contextlib.suppress(OSError, KeynetError):
        index = _index()
        link = index / hashlib.sha256(os.fsencode(parent)).hexdigest()[:16]
        if os.path.lexists(link):
            os.utime(link, follow_symlinks=False)
            return
        places.make_private(index)
        link.symlink_to(parent.absolute())


def find() -> list[Path]:
    """Return the folders that exist in which private folders may lie, each once."""
    found = dict.fromkeys(places.real(folder) for folder in (*_usual(), *_remembered()))
    return [folder for folder in found if os.path.isdir(folder)]  # noqa: PTH112


def _in_memory() -> list[Path]:
    folder = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    named = [folder] if folder.is_absolute() and _is_private(folder) else []
    return [*named, *_of_system()]


def _of_system() -> list[Path]:
    """Return what the system made for this user, whatever the environment is."""
    user = os.geteuid()
    folder = Path(f"/run/user/{user}")
    found = [folder] if _is_private(folder) else []
    if user == 0 and _is_roots(Path("/run")):
        found.append(Path("/run"))
    return found


def _constant() -> list[Path]:
    """Return those that ``find`` names whatever the environment is."""
    constant = [_TMP, _VAR_TMP, _SHM, *_of_system()]
    with contextlib.suppress(KeynetError):
        constant.append(places.cache() / "staging")
    return constant


def _usual() -> list[Path]:
    return [Path(tempfile.gettempdir()), places.plain_temporary(), *_in_memory(), *_constant()]


def _remembered() -> list[Path]:
    """Return the folders of the links, and remove the links of folders that are gone."""
    try:
        links = sorted(_index().iterdir(), key=_age)
    except (OSError, KeynetError):
        return []
    kept: list[Path] = []
    for link in links:
        with contextlib.suppress(OSError):
            folder = link.readlink()
            if os.path.isdir(folder) and len(kept) < _MOST:  # noqa: PTH112
                kept.append(folder)
            else:
                link.unlink()
    return kept


def _age(link: Path) -> float:
    with contextlib.suppress(OSError):
        return -link.lstat().st_mtime
    return 0


def _index() -> Path:
    return places.cache() / "temporary"


def _is_private(folder: Path) -> bool:
    """Report whether a folder is this user's, and no other user can enter or change it."""
    try:
        found = folder.stat()
    except OSError:
        return False
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return mine and not stat.S_IMODE(found.st_mode) & 0o077 and os.access(folder, os.W_OK | os.X_OK)


def _is_roots(folder: Path) -> bool:
    try:
        found = folder.stat()
    except OSError:
        return False
    own = stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022
    return own and os.access(folder, os.W_OK | os.X_OK)
