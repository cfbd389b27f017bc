"""Stop a program, to end it at a moment when nothing that it writes is half done."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Final

from keynet.process import descendants

__all__ = ["MayEnd", "halt"]

MayEnd = Callable[[], bool]

# How long it is worth trying, and the time between two tries.
_PATIENCE_S: Final = 3.0
_PAUSE_S: Final = 0.02
# A signal takes effect soon, except on processes that wait for a disk.
_STOPPING_S: Final = 0.05
_STOPPED: Final = frozenset("TtZX")


def halt(group: int, may_end: MayEnd, go_on: Callable[[float], object] = time.sleep) -> None:
    """Stop a process group where it may end as it stands; after some seconds, wherever it is.

    Args:
        group: Its number; this process is not in it.
        may_end: Asked while all of its processes stand still.
        go_on: Called between two tries, with the time that the processes need to get on.
    """
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            os.killpg(group, signal.SIGSTOP)
        except (ProcessLookupError, PermissionError):
            return
        if (_have_stopped(group) and may_end()) or time.monotonic() > until:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGCONT)
        go_on(_PAUSE_S)


def _have_stopped(group: int) -> bool:
    until = time.monotonic() + _STOPPING_S
    while not descendants.states(group) <= _STOPPED:
        if time.monotonic() > until:
            return False
        time.sleep(_STOPPING_S / 20)
    return True
