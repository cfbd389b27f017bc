"""Notice that an engine does not start a container, while its program is waited for without end.

A program may run for days, so the wait for it has no limit; an engine that hangs would be silent.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Final

from keynet.errors import EngineError, Interrupted
from keynet.process.signals import Group
from keynet.runtime.abilities import Runner

__all__ = ["noticed"]

# The words of docker and of podman.
_NOT_STARTED: Final = frozenset({"", "created", "configured", "initialized"})


@contextlib.contextmanager
def noticed(host: Runner, name: str, within_s: float, notice: Callable[[], None]) -> Iterator[None]:
    """Call ``notice`` once if the container has not started in time, until the block ends.

    Args:
        host: The engine, which is asked once when the time is over.
        name: The container's.
        notice: Called in a thread of its own.
    """
    ended, group = threading.Event(), Group()

    def watch() -> None:
        if ended.wait(within_s):
            return
        with contextlib.suppress(Interrupted):
            if not _has_started(host, name) and not ended.is_set():
                notice()

    thread = threading.Thread(target=group.context().run, args=(watch,), name="keynet-slow-start")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        # The engine may still be asked, whose answer nobody needs: the second time it is killed.
        group.interrupt()
        group.interrupt()
        thread.join()


def _has_started(host: Runner, name: str) -> bool:
    try:
        return host.container(name).state not in _NOT_STARTED
    except EngineError:
        return False
