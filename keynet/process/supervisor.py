"""A program under way: read what it writes, pass signals on to it, end what it leaves behind."""

import contextlib
import errno
import os
import selectors
import signal
import time
from collections.abc import Mapping
from typing import Any, Final

from keynet.errors import EngineTimeout
from keynet.process import descendants, halting
from keynet.process.attached_output import Copy
from keynet.process.halting import MayEnd
from keynet.process.lines import Lines
from keynet.process.pipes import End
from keynet.process.signals import ENDED, Inbox
from keynet.text import _, fill

__all__ = ["PATIENCE_S", "Supervisor"]

_CHUNK: Final = 1 << 16
# After the first signal the program may tidy up for so long before it is killed.
PATIENCE_S: Final = 8.0
_DRAIN_S: Final = 0.3
# Python runs a signal's handler before or after a wait, never within: a signal that comes just
# before would be seen with the next output only. That is likely when threads compete.
_LONGEST_WAIT_S: Final = 0.5


class Supervisor:
    """Read a program's output until it has ended; pass signals on; end what stays.

    Used by one thread; ``inbox`` is where the others reach it.
    """

    def __init__(
        self,
        child: Any,
        inbox: Inbox,
        streams: Mapping[End, Lines | Copy],
        selector: selectors.BaseSelector,
        *,
        tidying: bool = False,
        patience_s: float = PATIENCE_S,
        may_end: MayEnd | None = None,
    ) -> None:
        self.inbox = inbox
        self._child = child
        self._descendants: set[descendants.Process] = set()
        self._deadline: float | None = None
        self._ended = False
        self._over = False
        # A program that may not end at any moment gets no signal that would end it.
        self._silent = tidying or may_end is not None
        self._patience_s = patience_s if tidying or may_end is None else 0.0
        self._may_end = may_end
        self._selector = selector
        self._selector.register(inbox.wake, selectors.EVENT_READ, None)
        for end, lines in streams.items():
            self._selector.register(end, selectors.EVENT_READ, lines)

    def wait(self, timeout_s: float | None, program: str) -> int:
        """Wait for the end and return the exit status, negative after a signal.

        Raises:
            EngineTimeout: ``timeout_s`` have passed; the program and its children are gone.
        """
        limit = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._ended:
            self._read(self._next_wait(limit))
            now = time.monotonic()
            if self._deadline is not None and now >= self._deadline:
                self.kill()
            elif limit is not None and now >= limit and not self._ended:
                self.kill()
                raise EngineTimeout(
                    fill(
                        _("{program} did not answer within {seconds} s."),
                        program=program,
                        seconds=round(timeout_s or 0),
                    ),
                    _("Check whether its daemon or the disk hangs. Details: keynet doctor"),
                    timeout_s=timeout_s or 0,
                )
        self._drain()
        if self.inbox.received:
            descendants.end(self._descendants)
        self._over = True
        return int(self._child.process.exit_code)

    def end(self) -> None:
        """Kill the program unless its end was waited for."""
        if not self._over:
            self.kill()

    def kill(self) -> None:
        """Kill the program and everything it started, as soon as it may end."""
        try:
            if self._may_end is not None and not self._ended:
                # What it writes is read meanwhile, or it might never get there.
                halting.halt(self._child.pid, self._may_end, self._read)
        finally:
            self._descendants |= descendants.descendants(self._child.pid)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)
            descendants.end(self._descendants, patience_s=0)
            self._deadline = None

    def _next_wait(self, limit: float | None) -> float:
        now = time.monotonic()
        ends = [moment - now for moment in (limit, self._deadline) if moment is not None]
        return max(0.0, min([_LONGEST_WAIT_S, *ends]))

    def _read(self, wait_s: float) -> bool:
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
        if self._ended:
            return
        # Before the signal: afterwards orphans belong to init and cannot be distinguished.
        self._descendants |= descendants.descendants(self._child.pid)
        if self._deadline is not None:
            if not self._silent:
                self.kill()
            return
        self._deadline = time.monotonic() + self._patience_s
        if self._silent:
            return
        # sh makes children ignore HUP.
        forwarded = signal.SIGTERM if number == signal.SIGHUP else number
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, forwarded)

    def _drain(self) -> None:
        """Read what is still in the pipes, but do not wait for a daemon that holds them open."""
        self._selector.unregister(self.inbox.wake)
        until = time.monotonic() + _DRAIN_S
        while self._selector.get_map() and time.monotonic() < until:
            if not self._read(until - time.monotonic()):
                break


def _read(fd: int) -> bytes:
    """Read what is there; nothing at the end, which a terminal reports as an error."""
    try:
        return os.read(fd, _CHUNK)
    except OSError as error:
        if error.errno == errno.EIO:
            return b""
        raise
