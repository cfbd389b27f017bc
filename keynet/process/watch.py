"""Until a program has ended: read what it writes, pass signals on, end what it leaves behind."""

import contextlib
import errno
import os
import selectors
import signal
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

from keynet.errors import EngineError
from keynet.process import descendants
from keynet.process.lines import Lines
from keynet.text import _, fill

__all__ = ["ENDED", "End", "Signals", "Watch", "forwarding", "pipe", "terminal"]

# The byte on the wake-up pipe that says the child has ended; others are signal numbers.
ENDED: Final = 0
_CHUNK: Final = 1 << 16
_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# After the first signal: the engine may tidy up this long before it is told again, then killed.
_PATIENCE_S: Final = 8.0
_DRAIN_S: Final = 0.3
# Rows and columns: a line a layer, and names that are not cut.
_TERMINAL_SIZE: Final = (500, 200)


class End:
    """One end of a pipe, closed once."""

    __slots__ = ("_open", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._open = True

    def fileno(self) -> int:
        """Give the descriptor, for selectors."""
        return self.fd

    def close(self) -> None:
        """Close it unless that was done."""
        if self._open:
            self._open = False
            os.close(self.fd)


def pipe(stack: contextlib.ExitStack) -> tuple[End, End]:
    """Make a pipe and give its reading and its writing end; the stack closes both."""
    read, write = (End(fd) for fd in os.pipe())
    stack.callback(read.close)
    stack.callback(write.close)
    return read, write


def terminal(stack: contextlib.ExitStack) -> tuple[End, End]:
    """Make a terminal, wide enough for an engine's progress; else as ``pipe``."""
    read, write = (End(fd) for fd in os.openpty())
    stack.callback(read.close)
    stack.callback(write.close)
    termios.tcsetwinsize(write.fd, _TERMINAL_SIZE)
    return read, write


@dataclass(slots=True)
class Signals:
    """The numbers of the signals that came, in order."""

    received: list[int] = field(default_factory=list)


@contextlib.contextmanager
def forwarding(signals: Signals, wake: End) -> Iterator[None]:
    """Note INT, TERM and HUP instead of dying of them, while a child is waited for."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def note(number: int, _frame: FrameType | None) -> None:
        signals.received.append(number)
        os.write(wake.fd, bytes([number]))

    before = {number: signal.getsignal(number) for number in _FORWARDED}
    # A signal that the caller ignores (nohup) stays ignored.
    mine = [number for number in _FORWARDED if before[number] is not signal.SIG_IGN]
    for number in mine:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number in mine:
            signal.signal(number, before[number])


class Watch:
    """Read a child's output until it has ended; pass signals on; end what stays.

    ``over`` says that nothing is left of it to be read or ended.
    """

    def __init__(
        self,
        child: Any,
        signals: Signals,
        wake: End,
        streams: Mapping[End, Lines],
        selector: selectors.BaseSelector,
        *,
        tidying: bool = False,
    ) -> None:
        self.signals = signals
        self.over = False
        self._child = child
        self._descendants: set[descendants.Process] = set()
        self._deadline: float | None = None
        self._ended = False
        self._tidying = tidying
        self._selector = selector
        self._wake = wake
        self._selector.register(wake, selectors.EVENT_READ, None)
        for end, lines in streams.items():
            self._selector.register(end, selectors.EVENT_READ, lines)

    def until_end(self, timeout_s: float | None, program: str) -> int:
        """Wait for the child and give its exit status, negative after a signal.

        Raises:
            EngineError: ``timeout_s`` have passed; the child and its children are gone.
        """
        limit = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._ended:
            self._read(self._next_wait(limit))
            now = time.monotonic()
            if self._deadline is not None and now >= self._deadline:
                self.kill()
            elif limit is not None and now >= limit and not self._ended:
                self.kill()
                raise EngineError(
                    fill(
                        _("{program} did not answer within {seconds} s."),
                        program=program,
                        seconds=round(timeout_s or 0),
                    ),
                    _("See whether its daemon or its disk hangs; keynet doctor shows more."),
                )
        self._drain()
        if self.signals.received:
            descendants.end(self._descendants)
        self.over = True
        return int(self._child.process.exit_code)

    def end(self) -> None:
        """Kill it unless its end was waited for."""
        if not self.over:
            self.kill()

    def kill(self) -> None:
        """End the child and everything it started, at once."""
        self._descendants |= descendants.descendants(self._child.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        descendants.end(self._descendants, patience_s=0)
        self._deadline = None

    def _next_wait(self, limit: float | None) -> float | None:
        ends = [moment for moment in (limit, self._deadline) if moment is not None]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _read(self, wait_s: float | None) -> bool:
        ready = self._selector.select(wait_s)
        for key, _mask in ready:
            chunk = _read(key.fd)
            if key.data is None:
                for number in chunk:
                    self._take(number)
            elif chunk:
                key.data.feed(chunk)
            else:
                self._selector.unregister(key.fileobj)
        return bool(ready)

    def _take(self, number: int) -> None:
        if number == ENDED:
            self._ended = True
            return
        # Before the signal: afterwards orphans belong to init and cannot be told apart.
        self._descendants |= descendants.descendants(self._child.pid)
        if self._deadline is not None:
            self.kill()
            return
        self._deadline = time.monotonic() + _PATIENCE_S
        if self._tidying:
            return
        # sh makes children ignore HUP.
        forwarded = signal.SIGTERM if number == signal.SIGHUP else number
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, forwarded)

    def _drain(self) -> None:
        """Read what is still in the pipes; a daemon that holds them open ends the wait."""
        self._selector.unregister(self._wake)
        until = time.monotonic() + _DRAIN_S
        while self._selector.get_map() and time.monotonic() < until:
            if not self._read(until - time.monotonic()):
                break


def _read(fd: int) -> bytes:
    """Read what is there; nothing at the end, which a terminal tells as an error."""
    try:
        return os.read(fd, _CHUNK)
    except OSError as error:
        if error.errno == errno.EIO:
            return b""
        raise
