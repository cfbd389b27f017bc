"""Find and end what a program started, also what has left the program's process group."""

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from keynet.frozen import frozen

__all__ = ["Process", "descendants", "end", "look", "states"]

_PROC: Final = Path("/proc")
_PATIENCE_S: Final = 0.5
_PAUSE_S: Final = 0.02


@frozen
class Process:
    """A process; its start time tells it from a later one with the same number."""

    pid: int
    started: str


def descendants(pid: int) -> set[Process]:
    """List the children of ``pid``, their children and so on; empty where there is no /proc."""
    children: dict[int, list[Process]] = {}
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdigit() and (seen := _look(int(entry.name))) is not None:
            parent, process = seen
            children.setdefault(parent, []).append(process)
    found: set[Process] = set()
    waiting = [pid]
    while waiting:
        for process in children.get(waiting.pop(), ()):
            if process not in found:
                found.add(process)
                waiting.append(process.pid)
    return found


def look(pid: int) -> Process | None:
    """Return the process with this number; None if there is none, or it has ended."""
    seen = _look(pid)
    return None if seen is None else seen[1]


def end(listed: Iterable[Process], *, patience_s: float = _PATIENCE_S) -> None:
    """Wait for the listed processes to end, and kill those that are left after ``patience_s``."""
    left = {process for process in listed if _alive(process)}
    until = time.monotonic() + patience_s
    while left and time.monotonic() < until:
        time.sleep(_PAUSE_S)
        left = {process for process in left if _alive(process)}
    for process in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, signal.SIGKILL)


def states(group: int) -> set[str]:
    """Return the states of a process group's threads, as /proc has them: R, S, T and so on."""
    found = set()
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if entry.name.isdigit() and (fields := _stat(entry)) and int(fields[2]) == group:
            with contextlib.suppress(OSError):
                for thread in (entry / "task").iterdir():
                    found |= {each[0] for each in [_stat(thread)] if each}
    return found


def _alive(process: Process) -> bool:
    seen = _look(process.pid)
    return seen is not None and seen[1] == process


def _look(pid: int) -> tuple[int, Process] | None:
    fields = _stat(_PROC / str(pid))
    if not fields or fields[0] == "Z":
        return None
    return int(fields[1]), Process(pid, fields[19])


def _stat(entry: Path) -> list[str]:
    """Return the fields of ``stat`` after the name; none if the process has ended."""
    try:
        stat = (entry / "stat").read_text(errors="replace")
    except OSError:
        return []
    # The name stands in parentheses and may itself hold parentheses and spaces.
    fields = stat.rpartition(")")[2].split()
    return fields if len(fields) >= 20 else []
