"""Where keynet keeps its own files: the user's folders, and a private one where there are none.

CI runners and containers start programs as users that nobody knows, without a home, or with one
that they may not write to. What is kept then lies below the folder for temporary files.
"""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from keynet.errors import KeynetError
from keynet.text import _, fill

__all__ = ["cache", "data", "expanded", "home", "is_own", "is_writable", "make_private", "real"]


def home() -> Path:
    """Give the user's home; "/" for a user who has none, as container engines do."""
    try:
        found = Path.home()
    except RuntimeError:
        return Path("/")
    return found if found.is_absolute() else Path("/")


def expanded(path: Path) -> Path:
    """Replace a ``~`` at the start; it stays where nobody knows whose home is meant."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def real(path: Path) -> Path:
    """Follow links as far as that goes; ``Path.resolve`` raises where they form a loop."""
    try:
        return Path(os.path.realpath(path))
    except PermissionError:
        # The links of another process in /proc.
        return path.absolute()


def cache() -> Path:
    """Give the folder for what can be made anew; it need not exist yet.

    Raises:
        KeynetError: There is no folder that this user may write to.
    """
    import platformdirs

    return _writable(platformdirs.user_cache_dir, "cache")


def data() -> Path:
    """Give the folder for what is kept until the user removes it; it need not exist yet.

    Raises:
        KeynetError: There is no folder that this user may write to.
    """
    import platformdirs

    return _writable(platformdirs.user_data_dir, "data")


def make_private(folder: Path) -> None:
    """Make a folder, and those missing above it, for this user alone, whatever the umask.

    One called keynet that is open to others is closed; any other that exists is left as it is,
    since KEYNET_CONFIG and XDG_CACHE_HOME may name folders that others share.

    Raises:
        OSError: It cannot be made.
    """
    missing = []
    nearest = folder
    while not os.path.isdir(nearest):  # noqa: PTH112  Path.is_dir raises where it is hidden
        if os.path.lexists(nearest):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(nearest))
        missing.append(nearest)
        nearest = nearest.parent
    for new in reversed(missing):
        # Another keynet may make it at the same time.
        new.mkdir(mode=0o700, exist_ok=True)
        new.chmod(0o700)
    if not missing and folder.name == "keynet" and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


def is_writable(folder: Path) -> bool:
    """Tell whether this user may write to the folder, or make it."""
    # A link that leads nowhere (to a disk that is not mounted) is there, and no folder.
    nearest = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    is_folder = os.path.isdir(nearest)  # noqa: PTH112  Path.is_dir raises where it is hidden
    return is_folder and os.access(nearest, os.W_OK | os.X_OK)


def is_own(folder: str) -> bool:
    """Tell whether the folder is this user's, or nobody's yet, or this user is root.

    ``su`` and ``sudo`` leave XDG_RUNTIME_DIR as it was, and then it is another user's: the
    engines refuse to start with it, and find a folder without it.
    """
    try:
        return os.geteuid() in (0, os.stat(folder).st_uid)  # noqa: PTH116
    except OSError:
        return True


def _writable(find: Callable[[str], str], kind: str) -> Path:
    try:
        folder = Path(find("keynet"))
    except RuntimeError:
        # Nobody knows the user's home.
        return _private() / kind
    return folder if folder.is_absolute() and is_writable(folder) else _private() / kind


def _private() -> Path:
    """Make a folder of this user's alone; others may write beside it."""
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
            fill(_("{folder} could be changed by others, so it is not used."), folder=folder),
            _("Remove it, or set XDG_CACHE_HOME and XDG_DATA_HOME to folders of your own."),
        )
    return folder
