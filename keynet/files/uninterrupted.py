"""Steps that no signal may divide, such as the removal of a folder with a password.

A signal leaves the programs of such steps some seconds; see ``process.shell``.
"""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

__all__ = ["is_active", "on_signal", "uninterrupted"]

_INTERRUPTING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Blocks that the main thread is in, outermost first: the signals that wait for the end of each.
_blocks: list[list[int]] = []
_listeners: list[Callable[[int], None]] = []


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let INT, TERM and HUP wait until the end of a short block, then handle the first of them.

    Python runs handlers in the main thread alone, so in any other the block changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    # Of this block alone: a signal may come while its end puts the handlers back.
    def wait(number: int, _frame: FrameType | None) -> None:
        waiting.append(number)
        for listener in _listeners:
            listener(number)

    before = {number: signal.getsignal(number) for number in _INTERRUPTING}
    # What the caller ignores (nohup) stays ignored; None is a handler that is not Python's.
    replaced = [number for number in before if before[number] not in {signal.SIG_IGN, None}]
    outer = len(_blocks)
    try:
        _blocks.append(waiting)
        for number in replaced:
            signal.signal(number, wait)
        yield
    finally:
        del _blocks[outer:]
        # INT last: its handler raises, and no other one must be left to wait for this block.
        for number in reversed(replaced):
            signal.signal(number, before[number])
        if waiting:
            signal.raise_signal(waiting[0])


def is_active() -> bool:
    """Report whether this is the main thread, and in such a block."""
    return bool(_blocks) and threading.current_thread() is threading.main_thread()


def on_signal(listener: Callable[[int], None]) -> None:
    """Call ``listener`` with the number of each signal that has to wait."""
    _listeners.append(listener)
