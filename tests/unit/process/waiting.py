"""Waiting for what other threads and processes do."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path


def until(fact: Callable[[], bool], *, timeout_s: float = 120) -> None:
    """Return once the fact is true."""
    limit = time.monotonic() + timeout_s
    while not fact():
        assert time.monotonic() < limit
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Report whether the process runs: a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(pids: Iterable[int]) -> None:
    """Wait until none of the processes runs."""
    listed = list(pids)
    assert listed
    until(lambda: not any(map(alive, listed)))
