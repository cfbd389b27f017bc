"""Steps that no signal may divide, such as the removal of a folder with a password."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

__all__ = ["uninterrupted"]

_INTERRUPTING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Let INT, TERM and HUP wait until the end of a short block, then handle the first of them.

    Python runs handlers in the main thread alone, so in any other the block changes nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def wait(number: int, _frame: FrameType | None) -> None:
        waiting.append(number)

    before = {number: signal.getsignal(number) for number in _INTERRUPTING}
    # What the caller ignores (nohup) stays ignored; None is a handler that is not Python's.
    replaced = [number for number in before if before[number] not in {signal.SIG_IGN, None}]
    try:
        for number in replaced:
            signal.signal(number, wait)
        yield
    finally:
        for number in replaced:
            signal.signal(number, before[number])
        if waiting:
            signal.raise_signal(waiting[0])
