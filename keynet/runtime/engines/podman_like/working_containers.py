"""Find the working containers that a build of podman or buildah has left behind.

The builder does not remove them if a build fails or is interrupted, and other builds may use the
same store. So each build gets a secret that no RUN uses: the builder records its path in every
container of the build.
"""

import contextlib
from pathlib import Path
from typing import Final

from keynet.runtime.engines.podman_like.dialect import Invocation

__all__ = ["find", "marker_flag"]

_ID: Final = "keynet-build"


def marker_flag(folder: Path) -> str:
    """Create the marker of a build in its private folder; return the flag that passes it."""
    marker = _marker(folder)
    marker.touch()
    return f"--secret=id={_ID},src={marker}"


def find(folder: Path, invocation: Invocation, storage_driver: str) -> list[str]:
    """Return the ids of the containers of the build whose marker is in this folder.

    Empty for a remote service, which cleans up itself when its client disconnects.
    """
    if invocation.remote:
        return []
    marker = str(_marker(folder))
    store = Path(invocation.graph_root or "/nonexistent")
    found = []
    for state in store.glob(f"{storage_driver}-containers/*/userdata/buildah.json"):
        with contextlib.suppress(OSError):
            if marker in state.read_text(encoding="utf-8", errors="replace"):
                found.append(state.parent.parent.name)
    return found


def _marker(folder: Path) -> Path:
    return folder / "marker"
