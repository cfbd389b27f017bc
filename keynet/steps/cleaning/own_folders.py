"""keynet's own folders on this machine: private ones of commands, caches and stores."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from keynet.errors import KeynetError
from keynet.files import dead_folders, owners, places
from keynet.files.dead_folders import PrivateFolder
from keynet.files.descent import disk_usage
from keynet.files.living_folders import LOCK
from keynet.files.owners import Owners
from keynet.moments import of_timestamp
from keynet.runtime.engines.podman_like import own_store
from keynet.steps.cleaning.leftover import Kind, Leftover, OwnFolder, State

__all__ = ["find", "private"]


def find(known: Owners) -> Iterator[Leftover]:
    """Yield the folders that outlive commands on purpose, if they exist."""
    kept = State.IN_USE if known.neighbours else State.KEPT
    own = own_store.find()
    if own is not None:
        yield Leftover(Kind.STORE, str(own.path), kept, OwnFolder(own.path), size=own.size)
    with contextlib.suppress(KeynetError):
        cache = places.cache()
        if os.path.isdir(cache):  # noqa: PTH112  False where it is hidden from this user
            yield Leftover(Kind.CACHE, str(cache), kept, OwnFolder(cache), size=disk_usage(cache))


def private() -> Iterator[Leftover]:
    """Yield the private folders of commands that run, and of those that are dead."""
    here = owners.token()
    for folder in dead_folders.find():
        is_process = folder.kind == owners.KIND
        if is_process and owners.of(folder.path) == here:
            continue
        running = is_process and folder.alive
        yield Leftover(
            Kind.PROCESS if running else Kind.FOLDER,
            _command(folder) if running else str(folder.path),
            State.IN_USE if folder.alive else State.LEFT,
            folder,
            created=of_timestamp(folder.created),
            size=None if running else disk_usage(folder.path),
        )


def _command(folder: PrivateFolder) -> str:
    """Return the number of the process that has locked a folder, and its command line."""
    try:
        number = int((folder.path / LOCK).read_text())
        words = Path(f"/proc/{number}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    except (OSError, ValueError):
        return str(folder.path)
    return f"{number}: {' '.join(map(os.fsdecode, words))}"
