"""Run a function on a stack of its own.

How deeply a script may be nested is bounded by the frames that are left of Python's stack: what
is read of it must not depend on who asks.
"""

import contextvars
import threading
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = ["run"]

_Result = TypeVar("_Result")
# Some systems give a thread far less than the main one, which is too little for 1,000 frames.
_SIZE: Final = 16 * 1024 * 1024
_starting: Final = threading.Lock()


class _OwnStack(threading.Thread):
    """A thread that begins with an empty stack."""


def run(function: Callable[[], _Result]) -> _Result:
    """Return what a function returns when it is called with an empty stack.

    What it raises is raised here. One that is called by another one shares its stack.
    """
    if isinstance(threading.current_thread(), _OwnStack):
        return function()
    results: list[_Result] = []
    raised: list[BaseException] = []
    context = contextvars.copy_context()

    def call() -> None:
        try:
            results.append(context.run(function))
        except BaseException as error:  # noqa: BLE001 - it is raised again
            raised.append(error)

    thread = _OwnStack(target=call, daemon=True)
    with _starting:
        usual = threading.stack_size(_SIZE)
        try:
            thread.start()
        finally:
            threading.stack_size(usual)
    thread.join()
    if raised:
        raise raised.pop()
    return results.pop()
