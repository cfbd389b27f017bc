"""Programs that outlive the keynet process that started them, because it was killed.

Such a program has the token of its owner in its environment, and its command line names a token or
a private folder. What left its session (an engine's monitor of a container, a helper that serves
all of a user's commands) belongs to the engine, and is not one.
"""

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from keynet.files.owners import PATTERN, VARIABLE
from keynet.frozen import frozen
from keynet.process import descendants, halting
from keynet.process.descendants import Process
from keynet.process.halting import MayEnd

__all__ = ["Orphan", "end", "find"]

_PROC: Final = Path("/proc")
_OWNER: Final = re.compile(rf"(?:\A|\0){VARIABLE}=({PATTERN})(?:\0|\Z)".encode())
_PRIVATE: Final = re.compile(rb"keynet-[a-z]+-[0-9a-f]{16}|[-:=]%b" % PATTERN.encode())
# How long an engine may take to remove what it has begun.
_PATIENCE_S: Final = 5.0
_SHOWN_ARGUMENTS: Final = 2


@frozen
class Orphan:
    """A program without its keynet; ``command`` is the start of its command line."""

    process: Process
    owner: str
    command: str
    started: float


def find(is_dead: Callable[[str], bool]) -> list[Orphan]:
    """Return the programs of this user whose owner is dead; empty where there is no /proc.

    Args:
        is_dead: Reports whether the owner with a token is dead.
    """
    found = []
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            # It has ended meanwhile, or is not this user's.
            with contextlib.suppress(OSError):
                orphan = _look(entry)
                if orphan is not None and is_dead(orphan.owner):
                    found.append(orphan)
    return found


def end(orphans: Iterable[Orphan], may_end: Callable[[str], MayEnd | None]) -> None:
    """Ask the programs to end, and kill those that do not, with all that they started.

    Args:
        may_end: Returns what reports that the programs of an owner may end as they stand; None if
            they may at any moment.
    """
    listed: set[Process] = set()
    for orphan in orphans:
        listed |= {orphan.process} | descendants.descendants(orphan.process.pid)
        holds = may_end(orphan.owner)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            group = os.getpgid(orphan.process.pid)
            if holds is not None and group != os.getpgrp():
                halting.halt(group, holds)
            os.kill(orphan.process.pid, signal.SIGTERM)
            os.kill(orphan.process.pid, signal.SIGCONT)
    descendants.end(listed, patience_s=_PATIENCE_S)


def _look(entry: Path) -> Orphan | None:
    pid = int(entry.name)
    if entry.stat().st_uid != os.geteuid() or os.getsid(pid) == pid:
        return None
    owner = _OWNER.search((entry / "environ").read_bytes())
    command = (entry / "cmdline").read_bytes()
    process = descendants.look(pid)
    if owner is None or process is None or not _PRIVATE.search(command):
        return None
    words = os.fsdecode(command).split("\0")
    shown = " ".join([Path(words[0]).name, *words[1:_SHOWN_ARGUMENTS]])
    return Orphan(process, owner[1].decode(), shown, entry.stat().st_mtime)
