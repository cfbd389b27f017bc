"""Which process of keynet has made something outside of its own folders, and whether it still runs.

An engine's containers and temporary images outlive a process that is killed. Their names, labels or
options hold the token of their process: the id of a private folder, which the process keeps locked
as long as it lives. So another process can tell what was left behind from what is in use, even if
the folder is gone.

The other part of a token stands for the place of the folder: user, folder, file systems and
machine. The owner of a token from another place may run in another container or on another machine
that uses the same daemon, so nobody here can know whether it lives.
"""

import contextlib
import enum
import hashlib
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self

from keynet.errors import KeynetError
from keynet.files import dead_folders, folder_parents, limited_read, places
from keynet.files.living_folders import living
from keynet.frozen import frozen

__all__ = ["KIND", "PATTERN", "VARIABLE", "Fate", "Owners", "note", "notes", "of", "token"]

# The kind of the private folder that each process has.
KIND: Final = "process"
# The pattern of a token, for names that hold one.
PATTERN: Final = "[0-9a-f]{24}"
# Passes the token to the programs of a process, which outlive it if it is killed.
VARIABLE: Final = "KEYNET_OWNER"

_PLACE_LENGTH: Final = 8
_MACHINE: Final = Path("/etc/machine-id")
_MOUNTS: Final = Path("/proc/self/ns/mnt")

_NOTES: Final = "notes"
_LARGEST: Final = 1_000_000

# The folder of each process, by its id, since a copy by fork is another process.
_own: dict[int, Path] = {}
_folders = contextlib.ExitStack()
_lock = threading.Lock()


class Fate(enum.Enum):
    """What has become of the owner of a token."""

    ALIVE = enum.auto()
    DEAD = enum.auto()
    UNKNOWN = enum.auto()


@frozen
class Owners:
    """The processes of keynet that are alive, as far as this one can see.

    Look at the engines first, then at the owners: a process has its token before it makes anything.
    """

    places: frozenset[str]
    alive: frozenset[str]
    # Those whose cache is also this process's.
    neighbours: frozenset[str] = frozenset()

    @classmethod
    def now(cls) -> Self:
        """Return those of this moment."""
        folders = [folder for folder in dead_folders.find() if folder.kind == KIND]
        alive = frozenset(of(folder.path) for folder in folders if folder.alive)
        cache = _cache_note()
        neighbours = {owner for owner, lines in notes().items() if cache in lines}
        places_ = frozenset(map(_place, folder_parents.find()))
        return cls(places_, alive, cls(places_, alive).others & neighbours)

    @property
    def others(self) -> frozenset[str]:
        """Return the tokens of the processes that are alive, but for this one."""
        own = _own.get(os.getpid())
        return self.alive - ({of(own)} if own else set())

    def fate(self, owner: str) -> Fate:
        """Return what has become of the owner with this token."""
        if owner in self.alive:
            return Fate.ALIVE
        known = re.fullmatch(PATTERN, owner) and owner[:_PLACE_LENGTH] in self.places
        return Fate.DEAD if known else Fate.UNKNOWN


def token() -> str:
    """Return the token of this process, whose folder is created at the first call.

    Raises:
        OSError: The folder cannot be created.
    """
    return of(_folder())


def note(text: str) -> None:
    """Write down the name of something that this process makes and that cannot hold its token.

    Raises:
        OSError: The folder cannot be created, or its disk is full.
    """
    with (_folder() / _NOTES).open("a", encoding="utf-8") as file:
        file.write(f"{text}\n")


def notes() -> Mapping[str, list[str]]:
    """Return what processes have written down, by their tokens; of dead ones as well."""
    found = {}
    for folder in dead_folders.find():
        if folder.kind == KIND:
            with contextlib.suppress(OSError):
                text = limited_read.head(folder.path / _NOTES, _LARGEST, regular_only=True)
                found[of(folder.path)] = text.decode("utf-8", "replace").splitlines()
    return found


def of(folder: Path) -> str:
    """Return the token of the process with this private folder."""
    return _place(folder.parent) + folder.name.rpartition("-")[2]


def _folder() -> Path:
    with _lock:
        known = _own.get(os.getpid())
        if known is None:
            known = _folders.enter_context(living(KIND, folder_parents.runtime()))
            (known / _NOTES).write_text(f"{_cache_note()}\n", encoding="utf-8")
            _own[os.getpid()] = known
        return known


def _cache_note() -> str:
    """Return the note that a process has this process's cache; "" without one."""
    try:
        folder = os.fspath(places.real(places.cache()))
    except KeynetError:
        return ""
    return f"cache {folder.encode('utf-8', 'surrogateescape')!r}"


def _place(parent: Path) -> str:
    facts = [str(os.geteuid()), os.fsdecode(places.real(parent)), os.uname().nodename]
    with contextlib.suppress(OSError):
        facts.append(_MACHINE.read_text(errors="replace").strip())
    with contextlib.suppress(OSError):
        facts.append(str(_MOUNTS.stat().st_ino))
    text = "\0".join(facts).encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).hexdigest()[:_PLACE_LENGTH]
