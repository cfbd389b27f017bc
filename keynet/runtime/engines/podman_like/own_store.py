"""keynet's own overlay store, for rootless podman and buildah that would use vfs.

Kernels can mount overlay in a user namespace. But a store that was created with vfs keeps it, and
the engines choose vfs if there is neither /dev/fuse nor a setting. The user's own store is not
changed.
"""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from keynet.files import places
from keynet.process import shell
from keynet.runtime.engines.podman_like.dialect import Invocation

__all__ = ["OwnStore", "exists", "find", "is_allowed", "remove", "select"]

_DRIVER: Final = "overlay"


@dataclass(frozen=True, slots=True)
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
    """Return the invocation with keynet's own store, whose folders are created."""
    root, runroot = _root(), _runroot()
    for folder in (root, runroot):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return replace(invocation, root=str(root), runroot=str(runroot), driver=_DRIVER)


def find() -> OwnStore | None:
    """Return keynet's own store; None if it does not exist."""
    if not exists():
        return None
    return OwnStore(_base(), _disk_usage(_base()))


def remove() -> None:
    """Remove the store and everything in it; without a store, do nothing.

    Files of other user ids can only be removed inside the engine's user namespace.

    Raises:
        OSError: Something in the store cannot be removed.
    """
    if not exists():
        return
    for name in ("buildah", "podman"):
        if binary := shutil.which(name):
            shell.run(
                shell.Command((binary, "unshare", "rm", "-rf", "--", str(_base()), str(_runroot())))
            )
            break
    shutil.rmtree(_runroot(), ignore_errors=True)
    if _base().exists():
        shutil.rmtree(_base())


def _base() -> Path:
    return places.data() / "storage"


def _root() -> Path:
    return _base() / "root"


def _runroot() -> Path:
    # The run root must not survive a reboot, so the runtime folder is the right place.
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and places.is_own(runtime) and places.is_writable(Path(runtime)):
        return Path(runtime) / "keynet" / "storage"
    return _base() / "run"


def _disk_usage(folder: Path) -> int:
    total = 0
    for parent, _folders, files in os.walk(folder, onerror=None):
        for name in files:
            path = Path(parent, name)
            try:
                total += path.lstat().st_blocks * 512
            except OSError:
                continue
    return total
