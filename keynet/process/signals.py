"""INT, TERM and HUP: passed on to every program that runs, whichever thread started it.

Python runs handlers in the main thread alone. While that thread starts a program or waits for one,
its handler puts a signal's number into the inbox of each running program; whoever waits for a
program finds the number there, in its own thread. At any other time the handlers are those of the
host: a notebook, a test runner, a program that uses keynet as a library.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar, copy_context
from types import FrameType
from typing import Final

from keynet.errors import Interrupted
from keynet.files import uninterrupted
from keynet.process.pipes import End, pipe

__all__ = ["ENDED", "Group", "Inbox", "forwarding", "held_back", "inbox", "interrupting", "reset"]

# The byte in an inbox that says the program has ended; others are signal numbers.
ENDED: Final = 0
_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# For so long after the first signal the command line cleans up, and another one does not stop it.
_CLEANING_S: Final = 10.0

# The handler may interrupt the main thread while that holds the lock: it has to be reentrant.
_lock = threading.RLock()
_inboxes: set["Inbox"] = set()
_groups: ContextVar[tuple["Group", ...]] = ContextVar("groups", default=())
# When the first signal came; empty before.
_first: list[float] = []


class Inbox:
    """What concerns one running program: signals to pass on to it, and that it has ended.

    ``received`` has the numbers of the signals in order; ``wake`` is the end of a pipe on which
    they can be waited for, a byte each. The program of a ``tidying`` one may come to its end.
    """

    def __init__(
        self, wake: End, write: End, groups: tuple["Group", ...], *, tidying: bool
    ) -> None:
        self.tidying = tidying
        self.wake = wake
        self.received: list[int] = []
        self.groups = groups
        self._write = write

    def interrupt(self, number: int) -> None:
        """Add a signal that is to be passed on."""
        self.received.append(number)
        for group in self.groups:
            group.interrupted = True
        os.write(self._write.fd, bytes([number]))

    def hurry(self, number: int) -> None:
        """Add a signal that has to wait, until what the program tidies is done."""
        os.write(self._write.fd, bytes([number]))

    def end(self) -> None:
        """Add that the program has ended, unless nobody waits for that any more.

        An interrupt may have cut that wait short; the pipe's descriptor may be another file's then.
        """
        with _lock:
            if self in _inboxes:
                os.write(self._write.fd, bytes([ENDED]))


class Group:
    """The programs of one piece of work, in whichever of its threads they are started."""

    def __init__(self) -> None:
        self.interrupted = False
        self._pending = False

    def context(self) -> Context:
        """Copy the caller's context; programs that are started in the copy are of this group."""
        context = copy_context()
        context.run(_groups.set, (*_groups.get(), self))
        return context

    def interrupt(self) -> None:
        """Interrupt the programs that run as Ctrl-C would; if none does, the next one."""
        with _lock:
            running = [each for each in _inboxes if self in each.groups]
            for each in running:
                each.interrupt(signal.SIGINT)
            self.interrupted = True
            self._pending = not running

    def take_pending(self) -> bool:
        """Report, once, whether an interrupt found no program to stop."""
        pending, self._pending = self._pending, False
        return pending


@contextlib.contextmanager
def inbox(*, tidying: bool = False) -> Iterator[Inbox]:
    """Open the inbox of a program that is about to be started, until the block ends.

    Raises:
        Interrupted: The work that the program is part of was interrupted before.
    """
    with contextlib.ExitStack() as stack:
        opened = Inbox(*pipe(stack), _groups.get(), tidying=tidying)
        with _lock:
            if [group for group in opened.groups if group.take_pending()]:
                raise Interrupted
            _inboxes.add(opened)
        try:
            yield opened
        finally:
            with _lock:
                _inboxes.discard(opened)


@contextlib.contextmanager
def forwarding() -> Iterator[None]:
    """Pass signals on to the running programs, instead of dying of them, within the block.

    In any thread but the main one, and in steps that no signal may divide, the block changes
    nothing.
    """
    if threading.current_thread() is not threading.main_thread() or uninterrupted.is_active():
        yield
        return
    before = {number: signal.getsignal(number) for number in _FORWARDED}
    # What the caller ignores (nohup) stays ignored; None is a handler that is not Python's.
    replaced = [number for number in _FORWARDED if before[number] not in {signal.SIG_IGN, None}]
    try:
        for number in replaced:
            signal.signal(number, _forward)
        yield
    finally:
        # The handler of INT, which raises, is the last one: the others are back when it does.
        for number in reversed(replaced):
            signal.signal(number, before[number])


@contextlib.contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """Hold signals back while this thread forks; yield what the child calls before its exec.

    Until the exec the child is a copy of this program: Ctrl-C at the terminal would run Python's
    handlers in it, too, and the copy would go on as if it were keynet.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)

    def release() -> None:
        for number in _FORWARDED:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    try:
        yield release
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def interrupting(number: int, frame: FrameType | None) -> None:
    """Handle a signal of a command line: interrupt it once.

    The second one comes while everything is cleaned up. It ends the programs that still run, and
    nothing that cleans up. Only much later ones interrupt again.

    Raises:
        KeyboardInterrupt: It is the first, or the first for a long time.
    """
    if _first and time.monotonic() - _first[0] < _CLEANING_S:
        _forward(number, frame)
        return
    _first[:] = [time.monotonic()]
    raise KeyboardInterrupt


def reset() -> None:
    """Forget earlier signals: another command line begins."""
    _first.clear()


def _forward(number: int, _frame: FrameType | None) -> None:
    if not _first:
        _first.append(time.monotonic())
    with _lock:
        for each in _inboxes:
            each.interrupt(number)


def _hurry(number: int) -> None:
    with _lock:
        for each in _inboxes:
            if each.tidying:
                each.hurry(number)


uninterrupted.on_signal(_hurry)
