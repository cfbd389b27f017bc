"""keynet's own overlay store, for rootless podman and buildah that would use vfs.

Kernels can mount overlay in a user namespace. But a store that was created with vfs keeps it, and
the engines choose vfs if there is neither /dev/fuse nor a setting. The user's own store is not
changed.
"""

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from keynet.files import places
from keynet.files.descent import disk_usage
from keynet.files.living_folders import remove_folder
from keynet.frozen import frozen
from keynet.process import programs, shell
from keynet.runtime.engines.podman_like.dialect import Invocation

__all__ = ["OwnStore", "exists", "find", "is_allowed", "prepare", "remove", "restored", "select"]

_DRIVER: Final = "overlay"
# Not TMPDIR, which may be long, and different for each job.
_TEMPORARY: Final = Path("/tmp")  # noqa: S108 - the owner of the folder in it is checked


@frozen
class OwnStore:
    """The folder of keynet's own store, and its size on the disk in bytes."""

    path: Path
    size: int


def is_allowed() -> bool:
    """Report whether an own store may be used: rootless, without STORAGE_DRIVER."""
    return os.geteuid() != 0 and not os.environ.get("STORAGE_DRIVER")


def exists() -> bool:
    """Report whether keynet has an own store on this machine."""
    return os.path.exists(_root())  # noqa: PTH110  False where it is hidden from this user


def select(invocation: Invocation) -> Invocation:
    """Return the invocation with keynet's own store, whose folders are created.

    Raises:
        OSError: They cannot be created, or others can change them.
    """
    root, runroot = _root(), _runroot()
    places.make_private(root)
    _make_own(runroot.parent, runroot)
    return replace(invocation, root=str(_plain(root)), runroot=str(runroot), driver=_DRIVER)


def prepare(invocation: Invocation) -> None:
    """Create the folders of a remembered invocation again: a reboot removes one of them.

    Raises:
        LookupError: Others can change the folder, or it is not keynet's any more.
    """
    if not invocation.root:
        return
    if invocation.runroot != str(_runroot()):
        raise LookupError("the run root has moved")
    try:
        runroot = Path(invocation.runroot)
        _make_own(runroot.parent, runroot)
        # A store that `keynet clean` has removed is not made again by who only looks.
        if exists():
            places.make_private(_root())
        _plain(_root())
    except OSError as error:
        raise LookupError("the run root cannot be used") from error


def restored(invocation: Mapping[str, Any]) -> Invocation:
    """Return a remembered invocation, with the folders that it needs.

    Raises:
        TypeError, LookupError: It was written by another version of keynet, or its folders
            cannot be used any more.
    """
    known = Invocation(**{**invocation, "ulimits": tuple(invocation["ulimits"])})
    prepare(known)
    return known


def find() -> OwnStore | None:
    """Return keynet's own store; None if it does not exist."""
    if not exists():
        return None
    return OwnStore(_base(), disk_usage(_base()))


def remove() -> None:
    """Remove the store and everything in it; without a store, do nothing.

    Files of other user ids can only be removed inside the engine's user namespace.

    Raises:
        OSError: Something in the store cannot be removed.
    """
    if not exists():
        return
    for name in ("buildah", "podman"):
        if binary := programs.find(name):
            shell.run(
                shell.Command((binary, "unshare", "rm", "-rf", "--", str(_base()), str(_runroot())))
            )
            break
    shutil.rmtree(_runroot(), ignore_errors=True)
    if _private("root").is_symlink():
        _private("root").unlink()
    if _base().exists():
        remove_folder(_base())


def _make_own(*folders: Path) -> None:
    """Create folders, each 0700 and this user's, whatever the umask.

    Raises:
        OSError: One of them is a link, or others can change it.
    """
    for each in folders:
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = each.lstat()
        mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        if not mine or stat.S_IMODE(found.st_mode) & 0o022:
            raise PermissionError(errno.EPERM, "changeable by others", str(each))
        if not found.st_mode & stat.S_IWUSR:
            # Of a umask such as 0277: nothing could be created in it.
            each.chmod(0o700)


def _plain(root: Path) -> Path:
    """Return a path of the store that overlay takes: the store's own, else a link to it.

    Overlay splits the options of its mounts at commas and colons.

    Raises:
        OSError: The link cannot be created, or others can change it.
    """
    if places.is_plain(str(root)):
        return root
    link = _private("root")
    _make_own(link.parent)
    if not (link.is_symlink() and link.readlink() == root):
        link.unlink(missing_ok=True)
        link.symlink_to(root)
    return link


def _private(stem: str) -> Path:
    """Return a short path of this user's; stores below different homes have one each."""
    store = hashlib.sha256(os.fsencode(_root())).hexdigest()[:8]
    return _TEMPORARY / f"keynet-{os.geteuid()}" / f"{stem}-{store}"


def _base() -> Path:
    return places.data() / "storage"


def _root() -> Path:
    return _base() / "root"


def _runroot() -> Path:
    """Return a folder that does not survive a reboot, with a path that podman takes.

    podman refuses more than 50 characters, since sockets below it have at most 108. It writes the
    path into the store and refuses any other one from then on, so XDG_RUNTIME_DIR cannot decide:
    a login has it, and ``su``, cron and CI have not.
    """
    return _private("storage")
