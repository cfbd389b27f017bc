"""Things that keynet has left on this machine, as values, and what has become of each. Pure."""

import enum
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from keynet.files.dead_folders import PrivateFolder
from keynet.files.owners import Fate, Owners
from keynet.frozen import frozen
from keynet.process.orphans import Orphan
from keynet.runtime import remains
from keynet.runtime.remains import Finder, Remnant

__all__ = ["InEngine", "Kind", "Leftover", "OwnFolder", "Source", "State", "state_of"]

# How long what another machine or container may have made counts as in use.
_FOREIGN: Final = timedelta(days=1)


class Kind(enum.StrEnum):
    """What it is; the values are part of the JSON that keynet prints."""

    PROCESS = "process"
    PROGRAM = "program"
    CONTAINER = "container"
    BUILD = "build container"
    NETWORK = "network"
    IMAGE = "image"
    FOLDER = "folder"
    STORE = "store"
    CACHE = "cache"


class State(enum.StrEnum):
    """What has become of it; the values are part of the JSON that keynet prints.

    ``IN_USE``: a command that runs needs it, or nobody here can know. ``LEFT``: its command is
    dead. ``KEPT``: it makes the next command faster.
    """

    IN_USE = "in use"
    LEFT = "left"
    KEPT = "kept"


@frozen
class InEngine:
    """Something in an engine's store, and who removes it."""

    finder: Finder
    remnant: Remnant


@frozen
class OwnFolder:
    """A folder that keynet keeps from one command to the next."""

    path: Path


Source = InEngine | PrivateFolder | Orphan | OwnFolder


@frozen
class Leftover:
    """One thing that keynet has left; ``size`` is in bytes, None if it is not known.

    ``engine`` is "" for what is not in an engine; ``source`` is what it is removed by.
    """

    kind: Kind
    name: str
    state: State
    source: Source
    engine: str = ""
    created: datetime | None = None
    size: int | None = None

    @classmethod
    def in_engine(cls, source: InEngine, owners: Owners, now: datetime) -> "Leftover":
        """Return what a finder has found."""
        found = source.remnant
        return cls(
            kind=Kind(found.kind),
            name=found.name,
            state=state_of(found, owners, now),
            source=source,
            engine=found.engine,
            created=found.created,
            size=found.size,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``--json`` (docs/commands/ps.md)."""
        return {
            "kind": str(self.kind),
            "name": self.name,
            "engine": self.engine or None,
            "state": str(self.state),
            "created": self.created.isoformat() if self.created else None,
            "size": self.size,
        }


def state_of(found: Remnant, owners: Owners, now: datetime) -> State:
    """Return what has become of something in an engine's store.

    Args:
        owners: Looked for after the engine has listed it.
    """
    if found.owner is None:
        if owners.others:
            return State.IN_USE
        return State.LEFT if found.kind is remains.Kind.NETWORK else State.KEPT
    match owners.fate(found.owner):
        case Fate.ALIVE:
            return State.IN_USE
        case Fate.DEAD:
            return State.LEFT
        case Fate.UNKNOWN:
            old = found.created is not None and now - found.created > _FOREIGN
            return State.LEFT if old and not found.running else State.IN_USE
