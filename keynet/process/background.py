"""Work in a thread of its own, next to the caller's."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from typing import Generic, TypeVar

from keynet.process.signals import Group

__all__ = ["Task", "background"]

_Result = TypeVar("_Result")


class Task(Generic[_Result]):
    """Work in the background, as ``background`` yields it."""

    def __init__(self, future: Future[_Result]) -> None:
        self._future = future
        self._asked = False

    def result(self) -> _Result:
        """Wait for the work and return its result, or raise its error."""
        self._asked = True
        return self._future.result()

    def raise_unseen(self) -> None:
        """Raise the error of the work unless ``result`` was asked for it."""
        if not self._asked:
            self._future.result()


@contextlib.contextmanager
def background(work: Callable[[], _Result]) -> Iterator[Task[_Result]]:
    """Do ``work`` in a thread, in a copy of the caller's context, until the block ends.

    The end of the block waits for the thread and raises the work's error, unless ``result`` has
    raised it. An error of the block has precedence; it also interrupts the program that the work
    is running (or is about to start) as Ctrl-C would, so that the wait is short. Ctrl-C during
    that wait counts as the second one: the program is killed.
    """
    group = Group()
    future: Future[_Result] = Future()
    task = Task(future)
    thread = threading.Thread(target=group.context().run, args=(_do, work, future))
    try:
        thread.start()
        yield task
        wait([future])
    except BaseException:
        # Work that the thread has not begun, or will never, is cancelled.
        if not future.cancel():
            _interrupt(group, future)
            thread.join()
        raise
    thread.join()
    task.raise_unseen()


def _do(work: Callable[[], _Result], future: Future[_Result]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised to whoever waits
            future.set_exception(error)


def _interrupt(group: Group, future: Future[_Result]) -> None:
    """Interrupt the work and wait for it; not by ``join``.

    Until Python 3.12 a join that Ctrl-C interrupts takes the thread for ended.
    """
    try:
        # A signal that reached keynet may have been passed on to the work's program already.
        if not group.interrupted:
            group.interrupt()
        wait([future])
    except BaseException:
        group.interrupt()
        wait([future])
        raise
