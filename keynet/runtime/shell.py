"""Run another program: live lines, secrets on standard input, nothing left behind.

The one importer of ``sh``. Children get a process group of their own, so that a signal to
keynet is forwarded once and in order, and what outlives it is found and ended.
"""

import base64
import contextlib
import logging
import os
import re
import selectors
import shlex
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, BinaryIO, Final, cast
from urllib.parse import quote

from keynet.errors import EngineError, EngineUnavailable, Interrupted, KeynetError
from keynet.runtime import processes
from keynet.secret import Secret
from keynet.text import _, printable

__all__ = ["Command", "Finished", "OnLine", "Writer", "observed", "run"]

_CHUNK: Final = 1 << 16
_KEPT_LINES: Final = 20_000
_LONGEST_LINE: Final = 1 << 20
_FORWARDED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_ENDED: Final = 0
_HIDDEN: Final = "***"
# After the first signal: the engine may tidy up this long before it is told again, then killed.
_PATIENCE_S: Final = 8.0
_DRAIN_S: Final = 0.3

# user:password@ of a URL, which a proxy or an index may have in a build argument.
_URL_LOGIN: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")

OnLine = Callable[[str], None]
Writer = Callable[[BinaryIO], None]

_observer: ContextVar[OnLine | None] = ContextVar("observer", default=None)


@dataclass(frozen=True, slots=True)
class Command:
    """A program, its arguments and what it is given.

    ``environment`` is laid over this process's own; a value of None takes the variable out.
    ``stdin`` is a secret to type in, or a function that writes to the pipe in a thread of
    its own. ``secrets`` are replaced wherever they occur in the output.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str | Secret | None] = field(default_factory=dict, repr=False)
    stdin: Secret | Writer | None = None
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended: ``status`` is negative when a signal ended it."""

    status: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """Both streams' lines, standard output first, without empty ones."""
        return [line for line in (*self.stdout.split("\n"), *self.stderr.split("\n")) if line]


@contextlib.contextmanager
def observed(on_command: OnLine) -> Iterator[None]:
    """Hand each command line to ``on_command`` before it is run in this block.

    It is quoted as for a shell. What is typed in and the environment are no part of it;
    secrets and the logins of URLs are replaced.
    """
    token = _observer.set(on_command)
    try:
        yield
    finally:
        _observer.reset(token)


def run(
    command: Command,
    *,
    timeout_s: float | None = 60.0,
    on_stdout: OnLine | None = None,
    on_stderr: OnLine | None = None,
) -> Finished:
    """Run it to its end and give what it wrote; every status is an answer, none an error.

    The callbacks get each line, without its newline, as it comes and with secrets
    replaced, in this thread. Output is decoded as UTF-8; a carriage return ends no line.

    Raises:
        EngineUnavailable: There is no such program.
        EngineError: It took longer than ``timeout_s`` and was ended with its children.
        Interrupted: INT, TERM or HUP came; the program and its descendants are gone.
    """
    redact = _redactor(command)
    on_command = _observer.get()
    if on_command is not None:
        on_command(_URL_LOGIN.sub(_HIDDEN, redact(shlex.join(command.argv))))
    stdout = _Lines(redact, on_stdout)
    stderr = _Lines(redact, on_stderr)
    with contextlib.ExitStack() as stack:
        wake_read, wake_write = _pipe(stack)
        out_read, out_write = _pipe(stack)
        err_read, err_write = _pipe(stack)
        signals = stack.enter_context(_forwarding(wake_write))
        selector = stack.enter_context(selectors.DefaultSelector())
        child, feeder = _start(command, out_write, err_write)
        out_write.close()
        err_write.close()
        watch = _Watch(child, signals, wake_read, {out_read: stdout, err_read: stderr}, selector)
        waiter = threading.Thread(target=_wait, args=(child, wake_write), daemon=True)
        waiter.start()
        try:
            status = watch.until_end(timeout_s, command.argv[0])
        except BaseException:
            watch.kill()
            raise
        finally:
            waiter.join()
    stdout.close()
    stderr.close()
    if signals.received:
        raise Interrupted
    if feeder is not None:
        feeder.finish()
    return Finished(status, stdout.text, stderr.text)


class _End:
    """One end of a pipe, closed once."""

    __slots__ = ("_open", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._open = True

    def fileno(self) -> int:
        return self.fd

    def close(self) -> None:
        if self._open:
            self._open = False
            os.close(self.fd)


def _pipe(stack: contextlib.ExitStack) -> tuple[_End, _End]:
    read, write = (_End(fd) for fd in os.pipe())
    stack.callback(read.close)
    stack.callback(write.close)
    return read, write


class _Lines:
    """Collect bytes into lines, keep the newest and hand each on."""

    def __init__(self, redact: Callable[[str], str], on_line: OnLine | None) -> None:
        self._redact = redact
        self._on_line = on_line
        self._rest = b""
        self._kept: deque[str] = deque(maxlen=_KEPT_LINES)

    def feed(self, chunk: bytes) -> None:
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._add(line)
        if len(self._rest) > _LONGEST_LINE:
            self.close()

    def close(self) -> None:
        rest, self._rest = self._rest, b""
        if rest:
            self._add(rest)

    @property
    def text(self) -> str:
        return "\n".join(self._kept)

    def _add(self, line: bytes) -> None:
        text = self._redact(line.decode("utf-8", errors="replace"))
        self._kept.append(text)
        if self._on_line is not None:
            self._on_line(text)


def _redactor(command: Command) -> Callable[[str], str]:
    secrets = [*command.secrets]
    secrets += [value for value in command.environment.values() if isinstance(value, Secret)]
    if isinstance(command.stdin, Secret):
        secrets.append(command.stdin)
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)

    def redact(text: str) -> str:
        for form in forms:
            text = text.replace(form, _HIDDEN)
        return text

    return redact


def _forms(secret: Secret) -> Iterator[str]:
    value = secret.reveal().strip()
    if value:
        yield value
        yield quote(value, safe="")
        yield base64.b64encode(value.encode()).decode()


@dataclass(slots=True)
class _Signals:
    received: list[int] = field(default_factory=list)


@contextlib.contextmanager
def _forwarding(wake: _End) -> Iterator[_Signals]:
    """Note INT, TERM and HUP instead of dying of them, while a child runs."""
    signals = _Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
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
        yield signals
    finally:
        for number in mine:
            signal.signal(number, before[number])


class _Feeder(threading.Thread):
    """Write a child's standard input; a child that stops reading is no failure of ours."""

    def __init__(self, writer: Writer, descriptor: int) -> None:
        super().__init__(daemon=True)
        self._writer = writer
        self._descriptor = descriptor
        self._failure: OSError | KeynetError | None = None

    def run(self) -> None:
        try:
            with os.fdopen(self._descriptor, "wb") as pipe:
                self._writer(pipe)
        except BrokenPipeError:
            return
        except (OSError, KeynetError) as failure:
            self._failure = failure

    def finish(self) -> None:
        """Wait for the end and raise what went wrong."""
        self.join()
        if self._failure is not None:
            raise self._failure


def _start(command: Command, out: _End, err: _End) -> tuple[Any, _Feeder | None]:
    import sh

    for name in ("sh", *(f"sh.{part}" for part in ("command", "process", "streamreader"))):
        # At DEBUG sh writes down what it feeds to a child.
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.ERROR)
    program, *arguments = command.argv
    stdin, feeder = _stdin(command.stdin)
    try:
        child = sh.Command(program)(
            *arguments,
            _bg=True,
            _bg_exc=False,
            _new_group=True,
            _tty_out=False,
            _truncate_exc=False,
            _return_cmd=True,
            _in=cast(Any, stdin),
            _out=out.fd,
            _err=err.fd,
            _env=_environment(command.environment),
            _ok_code=list(range(-65, 256)),
        )
    except sh.CommandNotFound as error:
        raise EngineUnavailable(
            _("The program {program} is not installed.").format(program=printable(program)),
            _("Install it, or choose another engine with --builder."),
        ) from error
    except sh.ForkException as error:
        raise EngineError(
            _("{program} could not be started.").format(program=printable(program)),
            _("See whether the file is a program for this machine."),
        ) from error
    finally:
        os.close(stdin)
        if feeder is not None:
            # Not before the fork: forking a process with threads is not safe. When the
            # start failed, nobody reads and the thread ends with a broken pipe.
            feeder.start()
    return child, feeder


def _stdin(source: Secret | Writer | None) -> tuple[int, _Feeder | None]:
    """Give the descriptor that the child reads, and who writes to its other end."""
    if source is None:
        return os.open(os.devnull, os.O_RDONLY), None
    read, write = os.pipe()
    if not isinstance(source, Secret):
        return read, _Feeder(source, write)
    # A secret is far smaller than a pipe's buffer: written before the child is there.
    os.write(write, source.reveal().encode() + b"\n")
    os.close(write)
    return read, None


def _environment(changes: Mapping[str, str | Secret | None]) -> dict[str, str]:
    environment = dict(os.environ)
    for name, value in changes.items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value.reveal() if isinstance(value, Secret) else value
    return environment


def _wait(child: Any, wake: _End) -> None:
    child.process.wait()
    # The pipe may be closed by now when the caller gave up waiting.
    with contextlib.suppress(OSError):
        os.write(wake.fd, bytes([_ENDED]))


class _Watch:
    """Read a child's output until it has ended; pass signals on; end what stays."""

    def __init__(
        self,
        child: Any,
        signals: _Signals,
        wake: _End,
        streams: Mapping[_End, _Lines],
        selector: selectors.BaseSelector,
    ) -> None:
        self._child = child
        self._signals = signals
        self._descendants: set[processes.Process] = set()
        self._deadline: float | None = None
        self._ended = False
        self._selector = selector
        self._wake = wake
        self._selector.register(wake, selectors.EVENT_READ, None)
        for end, lines in streams.items():
            self._selector.register(end, selectors.EVENT_READ, lines)

    def until_end(self, timeout_s: float | None, program: str) -> int:
        limit = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._ended:
            self._read(self._next_wait(limit))
            now = time.monotonic()
            if self._deadline is not None and now >= self._deadline:
                self.kill()
            elif limit is not None and now >= limit and not self._ended:
                self.kill()
                raise EngineError(
                    _("{program} did not answer within {seconds} s.").format(
                        program=printable(program), seconds=round(timeout_s or 0)
                    ),
                    _("See whether its daemon or its disk hangs; keynet doctor shows more."),
                )
        self._drain()
        if self._signals.received:
            processes.end(self._descendants)
        return int(self._child.process.exit_code)

    def kill(self) -> None:
        """End the child and everything it started, at once."""
        self._descendants |= processes.descendants(self._child.pid)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, signal.SIGKILL)
        processes.end(self._descendants, patience_s=0)
        self._deadline = None

    def _next_wait(self, limit: float | None) -> float | None:
        ends = [moment for moment in (limit, self._deadline) if moment is not None]
        return max(0.0, min(ends) - time.monotonic()) if ends else None

    def _read(self, wait_s: float | None) -> bool:
        ready = self._selector.select(wait_s)
        for key, _mask in ready:
            chunk = os.read(key.fd, _CHUNK)
            if key.data is None:
                for number in chunk:
                    self._take(number)
            elif chunk:
                key.data.feed(chunk)
            else:
                self._selector.unregister(key.fileobj)
        return bool(ready)

    def _take(self, number: int) -> None:
        if number == _ENDED:
            self._ended = True
            return
        # Before the signal: afterwards orphans belong to init and cannot be told apart.
        self._descendants |= processes.descendants(self._child.pid)
        if self._deadline is not None:
            self.kill()
            return
        # sh makes children ignore HUP.
        forwarded = signal.SIGTERM if number == signal.SIGHUP else number
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._child.pid, forwarded)
        self._deadline = time.monotonic() + _PATIENCE_S

    def _drain(self) -> None:
        """Read what is still in the pipes; a daemon that holds them open ends the wait."""
        self._selector.unregister(self._wake)
        until = time.monotonic() + _DRAIN_S
        while self._selector.get_map() and time.monotonic() < until:
            if not self._read(until - time.monotonic()):
                break
