"""Find the working containers that a build of podman or buildah has left behind.

The builder does not remove them if a build fails or is interrupted, and other builds may use the
same store. So each build gets a secret that no RUN uses: the builder records its path in every
container of the build. The file's name has the token of the build's process, by which another
process finds the containers of one that was killed.

The store writes a container down before its builder has saved that record, and removes the record
before the container. Whoever dies between the two leaves a container that could be anybody's. So
keynet ends builders, and its own removals, only where ``ending`` allows it.
"""

import contextlib
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from keynet.files import limited_read, owners
from keynet.frozen import frozen
from keynet.moments import of_timestamp
from keynet.process import shell
from keynet.process.halting import MayEnd
from keynet.runtime.engines.podman_like.dialect import Dialect, Invocation

__all__ = ["WorkingContainer", "ending", "find", "find_all", "marker_flag", "noted", "remove"]

_ID: Final = "keynet-build"
_STATE: Final = "userdata/buildah.json"
_NOTE: Final = "builds in "
_OWNER: Final = re.compile(rf"id={_ID},src=[^\"]*/marker-({owners.PATTERN})\"")
_LARGEST: Final = 10_000_000
# Containers that a crash of the machine need not outlive are in a file of their own since 2022.
_LISTS: Final = ("containers.json", "volatile-containers.json")
_CLEANING_S: Final = 60.0


@frozen
class WorkingContainer:
    """A working container of a build; ``owner`` is the token of the process that built."""

    id: str
    name: str
    owner: str
    created: datetime


def marker_flag(folder: Path) -> str:
    """Create the marker of a build in its private folder; return the flag that passes it."""
    marker = _marker(folder)
    marker.touch()
    return f"--secret=id={_ID},src={marker}"


def ending(graph_root: str) -> MayEnd | None:
    """Return what reports whether a builder may end now: no container is half made or removed.

    Args:
        graph_root: The store on this host; "" for a remote one, whose client makes nothing itself.
    """
    if not graph_root:
        return None
    # What stays half made for other reasons must not hold anybody up.
    before = _unsaved(graph_root)
    with contextlib.suppress(OSError):
        owners.note(f"{_NOTE}{graph_root}")
    return lambda: _unsaved(graph_root) <= before


def noted(owner: str) -> MayEnd | None:
    """Return the same for another process, for all stores in which it builds; None without any."""
    lines = owners.notes().get(owner, [])
    stores = [line.removeprefix(_NOTE) for line in lines if line.startswith(_NOTE)]
    return (lambda: not any(map(_unsaved, stores))) if stores else None


def find(folder: Path, invocation: Invocation, storage_driver: str) -> list[str]:
    """Return the ids of the containers of the build whose marker is in this folder.

    Empty for a remote service, which cleans up itself when its client disconnects.
    """
    if invocation.remote:
        return []
    marker = str(_marker(folder))
    return [
        state.parent.parent.name
        for state, text in _states(invocation.graph_root, storage_driver)
        if marker in text
    ]


def remove(folder: Path, dialect: Dialect, invocation: Invocation, storage_driver: str) -> None:
    """Remove the containers that ``find`` finds; also after a signal."""
    containers = find(folder, invocation, storage_driver)
    if containers:
        argv = (*dialect.prefix(invocation), "rm", *dialect.rm_flags, *containers)
        may_end = ending(invocation.graph_root)
        shell.run(shell.Command(argv, tidying=True, may_end=may_end), timeout_s=_CLEANING_S)


def find_all(graph_root: str, storage_driver: str) -> list[WorkingContainer]:
    """Return the working containers of all of keynet's builds in a store on this host."""
    found = []
    for state, text in _states(graph_root, storage_driver):
        owner = _OWNER.search(text)
        if owner is not None:
            made = of_timestamp(state.parent.parent.stat().st_mtime)
            found.append(WorkingContainer(state.parent.parent.name, _name(text), owner[1], made))
    return found


def _states(graph_root: str, storage_driver: str) -> Iterator[tuple[Path, str]]:
    """Yield the state of each working container in a store, as the builder has written it."""
    store = Path(graph_root or "/nonexistent")
    for state in store.glob(f"{storage_driver}-containers/*/{_STATE}"):
        with contextlib.suppress(OSError):
            yield state, limited_read.head(state, _LARGEST).decode("utf-8", "replace")


def _unsaved(graph_root: str) -> frozenset[str]:
    """Return the ids of a store's containers of which no builder has saved a record.

    podman's own containers have metadata from the start, and are none of them.
    """
    found = set()
    for listing in (
        file for name in _LISTS for file in Path(graph_root).glob(f"*-containers/{name}")
    ):
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
            for each in json.loads(limited_read.head(listing, _LARGEST)):
                saved = (listing.parent / each["id"] / _STATE).exists()
                if not saved and not each.get("metadata"):
                    found.add(each["id"])
    return frozenset(found)


def _name(state: str) -> str:
    try:
        return str(json.loads(state).get("container-name", ""))
    except (ValueError, AttributeError, RecursionError):
        return ""


def _marker(private: Path) -> Path:
    return private / f"marker-{owners.token()}"
