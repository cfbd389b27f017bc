"""An interrupt at each line of a piece of work, one after the other."""

import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

__all__ = ["children", "each_interrupt"]


def each_interrupt(work: Callable[[], object], *modules: ModuleType) -> Iterator[int]:
    """Do the work, and interrupt it before one line of these modules, the next one each time.

    What the work raises is dropped. Yields the number of the line, until the work has no more.
    """
    files = {module.__file__ for module in modules}
    number = 0
    while True:
        number += 1
        left = number

        def at_line(_frame: FrameType, event: str, _value: Any) -> Any:
            nonlocal left
            if event == "line":
                left -= 1
                if left == 0:
                    signal.raise_signal(signal.SIGINT)
            return at_line

        def at_call(frame: FrameType, _event: str, _value: Any) -> Any:
            return at_line if frame.f_code.co_filename in files else None

        before = sys.gettrace()
        sys.settrace(at_call)
        try:
            work()
        except BaseException as error:  # noqa: BLE001  whatever an interrupt has become
            interrupted: BaseException | None = error
        else:
            interrupted = None
        finally:
            sys.settrace(before)
        if left > 0:
            assert interrupted is None
            return
        yield number


def children() -> set[int]:
    """Return the processes that this one has started and that are not gone."""
    assert threading.current_thread() is threading.main_thread()
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        # A thread may end meanwhile.
        with contextlib.suppress(FileNotFoundError):
            found |= set(map(int, (task / "children").read_text().split()))
    return found
