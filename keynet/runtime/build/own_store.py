"""keynet's own overlay store: for rootless podman and buildah that would fall back to vfs.

The kernel mounts overlay natively in a user namespace, but a store that already is vfs
stays vfs, and the engines choose vfs where they find neither /dev/fuse nor a setting. The
user's own store is left alone.
"""

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from keynet.files import places
from keynet.process import shell
from keynet.runtime.engine import Invocation

__all__ = ["OwnStore", "exists", "is_wanted", "own_store", "own_way", "remove"]

_DRIVER: Final = "overlay"


@dataclass(frozen=True, slots=True)
class OwnStore:
    """Where keynet's own store lies, and how many bytes it takes on the disk."""

    path: Path
    size: int


def is_wanted() -> bool:
    """Tell whether an own store may be used: an explicit choice of the user's is respected."""
    return os.geteuid() != 0 and not os.environ.get("STORAGE_DRIVER")


def exists() -> bool:
    """Tell whether keynet has a store of its own on this machine."""
    return os.path.exists(_root())  # noqa: PTH110  False where it is hidden from this user


def own_way(way: Invocation) -> Invocation:
    """Give the same way, in keynet's own store."""
    root, runroot = _root(), _runroot()
    for folder in (root, runroot):
        places.make_private(folder)
    return replace(way, root=str(root), runroot=str(runroot), driver=_DRIVER)


def own_store() -> OwnStore | None:
    """Find keynet's own store; None when there is none."""
    if not exists():
        return None
    return OwnStore(_base(), _disk_usage(_base()))


def remove() -> None:
    """Remove the store with everything in it; no store is no error.

    Files of other ids can be removed only inside the engine's user namespace.
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
    # What an engine keeps there must not outlive a reboot; the runtime folder does not.
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
