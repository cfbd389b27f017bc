"""Run another program: live lines, secrets on standard input, nothing left behind.

The one importer of ``sh``. Children get a process group of their own, so that a signal to
keynet is forwarded once and in order, and what outlives it is found and ended.
"""

import contextlib
import logging
import os
import selectors
import shlex
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Self, cast

from keynet.errors import EngineError, EngineUnavailable, Interrupted, KeynetError
from keynet.process import environment
from keynet.process.lines import Lines, OnLine, Redact, hide_logins, redactor
from keynet.process.watch import ENDED, End, Signals, Watch, forwarding, pipe, terminal
from keynet.secret import Secret
from keynet.text import _, fill

__all__ = [
    "Command",
    "Finished",
    "OnLine",
    "Running",
    "Writer",
    "in_turn",
    "meanwhile",
    "observed",
    "run",
    "start",
]

Writer = Callable[[BinaryIO], None]

_observer: ContextVar[OnLine | None] = ContextVar("observer", default=None)
_work: ContextVar[list[Callable[[], object]] | None] = ContextVar("work", default=None)


@dataclass(frozen=True, slots=True)
class Command:
    """A program, its arguments and what it is given.

    ``environment`` is laid over this process's own; a value of None takes the variable out.
    ``stdin`` is a secret to type in, or a function that writes to the pipe in a thread of
    its own. ``secrets`` are replaced wherever they occur in the output. ``terminal`` lets
    it write to terminals: the engines tell how far they are only there. One that is
    ``tidying`` hears of a second signal only: after the first it may come to its end.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str | Secret | None] = field(default_factory=dict, repr=False)
    stdin: Secret | Writer | None = None
    secrets: tuple[Secret, ...] = ()
    terminal: bool = False
    tidying: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended: ``status`` is negative when a signal ended it."""

    status: int
    stdout: str
    stderr: str


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


@contextlib.contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do ``work`` beside the first program that is run in this block, once that has started.

    It may import, which a thread may not: other programs would fork beside that thread. Where
    nothing is run, it is not done.
    """
    token = _work.set([work])
    try:
        yield
    finally:
        _work.reset(token)


def in_turn(programs: Iterable[tuple[str, ...]], *, tidying: bool = False) -> Command:
    """Give one command that runs these one after the other, whatever their statuses are."""
    return Command(("/bin/sh", "-c", "; ".join(map(shlex.join, programs))), tidying=tidying)


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
    with start(command, on_stdout=on_stdout, on_stderr=on_stderr) as running:
        return running.finish(timeout_s, beside=_work.get() or [])


def start(
    command: Command, *, on_stdout: OnLine | None = None, on_stderr: OnLine | None = None
) -> "Running":
    """Run it beside what the caller does, who has to ``finish`` or to ``close`` it.

    One at a time: to start another one would fork beside this one's threads.

    Raises:
        EngineUnavailable: There is no such program.
    """
    redact = _redact(command)
    on_command = _observer.get()
    if on_command is not None:
        on_command(hide_logins(redact(shlex.join(command.argv))))
    stdout = Lines(redact, on_stdout, terminal=command.terminal)
    stderr = Lines(redact, on_stderr, terminal=command.terminal)
    make = terminal if command.terminal else pipe
    signals = Signals()
    with contextlib.ExitStack() as stack:
        wake_read, wake_write = pipe(stack)
        out_read, out_write = make(stack)
        err_read, err_write = make(stack)
        selector = stack.enter_context(selectors.DefaultSelector())
        with forwarding(signals, wake_write):
            child, feeder = _start(command, out_write, err_write)
        out_write.close()
        err_write.close()
        streams = {out_read: stdout, err_read: stderr}
        watch = Watch(child, signals, wake_read, streams, selector, tidying=command.tidying)
        waiter = threading.Thread(target=_wait, args=(child, wake_write), daemon=True)
        waiter.start()
        stack.callback(waiter.join)
        stack.callback(watch.end)
        return Running(
            command.argv[0], watch, wake_write, (stdout, stderr), feeder, stack.pop_all()
        )


class Running:
    """A program under way, as ``start`` gives it; the end of a block closes it."""

    def __init__(
        self,
        program: str,
        watch: Watch,
        wake: End,
        output: tuple[Lines, Lines],
        feeder: "_Feeder | None",
        stack: contextlib.ExitStack,
    ) -> None:
        self._program = program
        self._watch = watch
        self._wake = wake
        self._output = output
        self._feeder = feeder
        self._stack = stack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def finish(
        self, timeout_s: float | None = 60.0, *, beside: list[Callable[[], object]] | None = None
    ) -> Finished:
        """Do and take away what is ``beside``, wait for its end and give what it wrote.

        Raises: see ``run``.
        """
        with self._stack, forwarding(self._watch.signals, self._wake):
            while beside:
                beside.pop()()
            status = self._watch.until_end(timeout_s, self._program)
        for lines in self._output:
            lines.close()
        if self._watch.signals.received:
            raise Interrupted
        if self._feeder is not None:
            self._feeder.finish()
        stdout, stderr = self._output
        return Finished(status, stdout.text, stderr.text)

    def close(self) -> None:
        """End it and what it started, unless that was waited for."""
        self._stack.close()


def _redact(command: Command) -> Redact:
    secrets = [*command.secrets]
    secrets += [value for value in command.environment.values() if isinstance(value, Secret)]
    if isinstance(command.stdin, Secret):
        secrets.append(command.stdin)
    return redactor(secrets)


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


def _start(command: Command, out: End, err: End) -> tuple[Any, _Feeder | None]:
    import sh

    for name in ("sh", *(f"sh.{part}" for part in ("command", "process", "streamreader"))):
        # At DEBUG sh writes down what it feeds to a child.
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.ERROR)
    program, *arguments = command.argv
    stdin, feeder = _stdin(command.stdin)
    try:
        start = sh.Command(program)
        if not command.terminal:
            # sh refuses to hear of it where the descriptor is a terminal already.
            start = start.bake(_tty_out=False)
        child = start(
            *arguments,
            _bg=True,
            _bg_exc=False,
            _new_group=True,
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
            fill(_("The program {program} is not installed."), program=program),
            _("Install it, or choose another engine with --builder."),
        ) from error
    except sh.ForkException as error:
        raise EngineError(
            fill(_("{program} could not be started."), program=program),
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
    variables = environment.for_programs(os.environ)
    for name, value in changes.items():
        if value is None:
            variables.pop(name, None)
        else:
            variables[name] = value.reveal() if isinstance(value, Secret) else value
    return variables


def _wait(child: Any, wake: End) -> None:
    child.process.wait()
    # The pipe may be closed by now when the caller gave up waiting.
    with contextlib.suppress(OSError):
        os.write(wake.fd, bytes([ENDED]))
