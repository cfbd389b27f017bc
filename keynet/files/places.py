"""Where keynet keeps its own files: the user's folders, else a private temporary one.

CI runners and containers start programs as users without an entry in /etc/passwd, without a home,
or with one that is not writable. Files then go below the folder for temporary files.
"""

import contextlib
import errno
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from keynet.errors import KeynetError
from keynet.text import _, fill

__all__ = [
    "cache",
    "data",
    "expanded",
    "home",
    "is_own",
    "is_plain",
    "is_writable",
    "make_private",
    "own",
    "plain_temporary",
    "real",
]

_PLAIN: Final = re.compile(r"/[\w./@%+=~-]*")


def home() -> Path:
    """Return the user's home; "/" for a user without one, as container engines do."""
    try:
        found = Path.home()
    except RuntimeError:
        return Path("/")
    return found if found.is_absolute() else Path("/")


def expanded(path: Path) -> Path:
    """Replace a ``~`` at the start, unless that home is not known."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def real(path: Path) -> Path:
    """Resolve links as far as possible; ``Path.resolve`` raises where they form a loop."""
    try:
        return Path(os.path.realpath(path))
    except (PermissionError, RecursionError):
        # The links of another process in /proc; a chain of thousands, which the system refuses.
        return path.absolute()


def cache() -> Path:
    """Return the folder for files that can be made again; it may not exist yet.

    Raises:
        KeynetError: There is no folder that this user may write to.
    """
    import platformdirs

    return _writable(platformdirs.user_cache_dir, "cache")


def data() -> Path:
    """Return the folder for files that stay until the user removes them; it may not exist yet.

    Raises:
        KeynetError: There is no folder that this user may write to.
    """
    import platformdirs

    return _writable(platformdirs.user_data_dir, "data")


def own() -> list[Path]:
    """Return all folders of keynet's own that exist, which hold nothing of a user's project."""
    import tempfile

    found = [Path(tempfile.gettempdir(), f"keynet-{os.geteuid()}")]
    for find in (cache, data):
        with contextlib.suppress(KeynetError):
            found.append(find())
    return [folder for folder in found if os.path.isdir(folder)]  # noqa: PTH112


def is_plain(path: str) -> bool:
    """Report whether an absolute path is whole in every option of an engine.

    Options split their values at commas and colons, and read quotes as those of a CSV file.
    """
    return _PLAIN.fullmatch(path) is not None


def plain_temporary() -> Path:
    """Return a folder for temporary files whose path is plain, if there is one.

    It is TMPDIR or what Python takes for it, else /var/tmp or /tmp.
    """
    import tempfile

    usual = tempfile.gettempdir()
    for folder in (usual, "/var/tmp", "/tmp"):  # noqa: S108  what is put there is private
        if is_plain(folder) and os.access(folder, os.W_OK | os.X_OK):
            return Path(folder)
    return Path(usual)


def make_private(folder: Path) -> None:
    """Create a folder and its missing parents with mode 0700, whatever the umask.

    An existing folder called keynet gets that mode, and this user's folders in one. Any other is
    not changed, since KEYNET_CONFIG and XDG_CACHE_HOME may name a shared one.

    Raises:
        OSError: It cannot be created.
    """
    missing = []
    nearest = folder
    while not os.path.isdir(nearest):  # noqa: PTH112  Path.is_dir raises where it is hidden
        # Asked once more, since another keynet may just have created it.
        if os.path.lexists(nearest) and not os.path.isdir(nearest):  # noqa: PTH112
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(nearest))
        missing.append(nearest)
        nearest = nearest.parent
    for new in reversed(missing):
        # Another keynet may create it at the same time.
        new.mkdir(mode=0o700, exist_ok=True)
        new.chmod(0o700)
    if missing or "keynet" not in folder.parts:
        return
    for existing in (folder, *folder.parents):
        found = existing.stat()
        if found.st_mode & 0o077 and (existing == folder or found.st_uid == os.geteuid()):
            existing.chmod(0o700)
        if existing.name == "keynet":
            return


def is_writable(folder: Path) -> bool:
    """Report whether this user may write to the folder, or create it."""
    # A broken link (to a disk that is not mounted) exists and is not a folder.
    nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    is_folder = os.path.isdir(nearest)  # noqa: PTH112  Path.is_dir raises where it is hidden
    return is_folder and os.access(nearest, os.W_OK | os.X_OK)


def is_own(folder: str) -> bool:
    """Report whether the folder is this user's or does not exist, or this user is root.

    ``su`` and ``sudo`` keep XDG_RUNTIME_DIR, which is another user's then: the engines do not
    start with it, and find a folder without it.
    """
    try:
        return os.geteuid() in (0, os.stat(folder).st_uid)  # noqa: PTH116
    except OSError:
        return True


def _writable(find: Callable[[str], str], kind: str) -> Path:
    try:
        folder = Path(find("keynet"))
    except RuntimeError:
        # The user's home is not known.
        return _private() / kind
    return folder if folder.is_absolute() and is_writable(folder) else _private() / kind


def _private() -> Path:
    """Create a folder that only this user can change, where others may write next to it."""
    import tempfile

    try:
        folder = Path(tempfile.gettempdir(), f"keynet-{os.geteuid()}")
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise KeynetError(
            fill(_("There is no folder for keynet's own files: {why}."), why=error),
            _("Set XDG_CACHE_HOME, XDG_DATA_HOME or TMPDIR to a folder that you may write to."),
        ) from error
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    if not mine or stat.S_IMODE(found.st_mode) & 0o077:
        raise KeynetError(
            fill(
                _("{folder} can be changed by other users, so keynet does not use it."),
                folder=folder,
            ),
            _("Remove it, or set XDG_CACHE_HOME and XDG_DATA_HOME to folders of your own."),
        )
    return folder
