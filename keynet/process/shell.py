"""Run another program: live lines, secrets on standard input, nothing left behind.

The one importer of ``sh``. Programs get a process group of their own, so that a signal to keynet
is forwarded once and in order, and what outlives it is found and ended.

``run`` and ``start`` may be called from any thread, any number at a time, and in a thread where an
event loop runs (which they block). What that rests on:

* ``sh`` forks, and in the copy runs Python until the exec. That is system calls on what the fork
  has copied, and takes no lock that another thread could have held. Nothing that imports, logs or
  formats may be added there (``_preexec_fn``). Python 3.12 and later warn of any fork in a process
  with threads; the warning is filtered, for ``sh`` alone.
* Descriptors are not inheritable, and ``sh`` closes all but the first three in the copy: a program
  never holds the pipes of another one open.
* INT, TERM and HUP: see ``signals``. Each caller gets ``Interrupted`` in its own thread.
* The observer of ``observed`` is a context variable. ``background`` and ``asyncio.to_thread`` copy
  the context; a plain ``threading.Thread`` has to be given ``contextvars.copy_context().run``.
"""

import contextlib
import logging
import os
import re
import selectors
import shlex
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import field
from functools import cache
from types import ModuleType
from typing import Any, Final, Self, cast

from keynet.errors import EngineError, EngineUnavailable, Interrupted
from keynet.files import owners
from keynet.frozen import frozen
from keynet.process import environment, programs, signals
from keynet.process.attached_output import Copy
from keynet.process.halting import MayEnd
from keynet.process.lines import Lines, OnLine, Redact, hide_logins, redactor
from keynet.process.pipes import End, pipe, terminal
from keynet.process.standard_input import Feeder, Writer, open_input
from keynet.process.supervisor import PATIENCE_S, Supervisor
from keynet.secret import Secret
from keynet.text import _, fill

__all__ = [
    "Command",
    "Finished",
    "OnLine",
    "Running",
    "Writer",
    "in_turn",
    "observed",
    "preload",
    "run",
    "start",
]

# The arguments of warnings.filterwarnings, which tests and users may have reset at any time.
_IMPORTING: Final = threading.Lock()
_FORK_WARNING: Final = "This process .* is multi-threaded, use of fork"
_SH: Final = r"sh\Z"

_observer: ContextVar[OnLine | None] = ContextVar("observer", default=None)


@frozen
class Command:
    """A program, its arguments and its input.

    ``environment`` is laid over this process's own; a value of None takes the variable out.
    ``stdin`` is a secret to type in, or a function that writes to the pipe in a thread of
    its own. ``secrets`` are replaced wherever they occur in the output. ``terminal`` lets
    it write to terminals: the engines show their progress only there. One that is
    ``tidying`` receives no signal: it has some seconds to come to its end. One with
    ``may_end`` receives none either: it is killed at the first moment at which that holds, asked
    while the program stands still, or some seconds later.
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str | Secret | None] = field(default_factory=dict, repr=False)
    stdin: Secret | Writer | None = None
    secrets: tuple[Secret, ...] = ()
    terminal: bool = False
    tidying: bool = False
    attached: tuple[int, int] | None = None
    patience_s: float = PATIENCE_S
    may_end: MayEnd | None = field(default=None, repr=False)


@frozen
class Finished:
    """How a program ended: ``status`` is negative when a signal ended it.

    ``interrupted`` says that a signal was passed on to an attached program, ``unwritten`` why not
    all of its output could be passed on, "" if it was.
    """

    status: int
    stdout: str
    stderr: str
    interrupted: bool = False
    unwritten: str = ""


@contextlib.contextmanager
def observed(on_command: OnLine) -> Iterator[None]:
    """Call ``on_command`` with each command line that is about to be run in this block.

    It is quoted as for a shell. Standard input and the environment are not part of it;
    secrets and the logins of URLs are replaced. Programs of other threads are observed if
    their context is a copy of this one's.
    """
    token = _observer.set(on_command)
    try:
        yield
    finally:
        _observer.reset(token)


def in_turn(programs: Iterable[tuple[str, ...]], *, tidying: bool = False) -> Command:
    """Return one command that runs these one after the other, whatever their statuses are."""
    return Command(("/bin/sh", "-c", "; ".join(map(shlex.join, programs))), tidying=tidying)


def run(
    command: Command,
    *,
    timeout_s: float | None = 60.0,
    on_stdout: OnLine | None = None,
    on_stderr: OnLine | None = None,
) -> Finished:
    """Run a program to its end and return what it wrote; no status raises an error.

    The callbacks get each line, without its newline, as it comes and with secrets
    replaced, in this thread. Output is decoded as UTF-8; a carriage return ends no line.

    Raises:
        EngineUnavailable: There is no such program.
        EngineTimeout: It took longer than ``timeout_s`` and was ended with its children.
        EngineError: It could not be started.
        Interrupted: INT, TERM or HUP came; the program and its descendants are gone.
    """
    # Here, too: no signal may come between the two, when nobody would end the program.
    with (
        signals.forwarding(),
        start(command, on_stdout=on_stdout, on_stderr=on_stderr) as running,
    ):
        return running.finish(timeout_s)


def start(
    command: Command, *, on_stdout: OnLine | None = None, on_stderr: OnLine | None = None
) -> "Running":
    """Start a program and return at once; the caller has to ``finish`` or to ``close`` it.

    Its output is read, and signals are passed on to it, while it is finished.

    Raises:
        EngineUnavailable: There is no such program.
        Interrupted: The work that this is part of was interrupted; see ``background``.
    """
    redact = _redact(command)
    on_command = _observer.get()
    if on_command is not None:
        on_command(hide_logins(redact(shlex.join(command.argv))))
    make = terminal if command.terminal else pipe
    with signals.forwarding(), contextlib.ExitStack() as stack:
        inbox = stack.enter_context(signals.inbox(tidying=command.tidying))
        stdout: Lines | Copy = Lines(redact, on_stdout, terminal=command.terminal)
        stderr: Lines | Copy = Lines(redact, on_stderr, terminal=command.terminal)
        if command.attached is not None:
            stdout, stderr = (Copy(fd, inbox.received) for fd in command.attached)
        out_read, out_write = make(stack)
        err_read, err_write = make(stack)
        selector = stack.enter_context(selectors.DefaultSelector())
        child, feeder = _start(command, out_write, err_write)
        streams = {out_read: stdout, err_read: stderr}
        supervisor = Supervisor(
            child,
            inbox,
            streams,
            selector,
            tidying=command.tidying,
            patience_s=command.patience_s,
            may_end=command.may_end,
        )
        waiter = threading.Thread(target=_wait, args=(child, inbox), daemon=True)
        waiter.start()
        stack.callback(waiter.join)
        stack.callback(supervisor.end)
        out_write.close()
        err_write.close()
        return Running(command, supervisor, (stdout, stderr), feeder, stack.pop_all())


class Running:
    """A program under way, as ``start`` returns it; the end of a block closes it."""

    def __init__(
        self,
        command: Command,
        supervisor: Supervisor,
        output: tuple[Lines | Copy, Lines | Copy],
        feeder: Feeder | None,
        stack: contextlib.ExitStack,
    ) -> None:
        self._program = command.argv[0]
        self._attached = command.attached is not None
        self._supervisor = supervisor
        self._output = output
        self._feeder = feeder
        self._stack = stack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def finish(self, timeout_s: float | None = 60.0) -> Finished:
        """Wait for the program's end and return what it wrote; once, and by one thread.

        Raises: see ``run``.
        """
        with signals.forwarding(), self._stack:
            status = self._supervisor.wait(timeout_s, self._program)
        for lines in self._output:
            lines.close()
        interrupted = bool(self._supervisor.inbox.received)
        if interrupted and not self._attached:
            raise Interrupted
        if self._feeder is not None:
            self._feeder.finish()
        stdout, stderr = self._output
        failures = (each.failure for each in self._output if isinstance(each, Copy))
        unwritten = next(filter(None, failures), "")
        return Finished(status, stdout.text, stderr.text, interrupted, unwritten)

    def close(self) -> None:
        """Kill the program and what it started, unless ``finish`` has waited for its end."""
        self._stack.close()


def _redact(command: Command) -> Redact:
    secrets = [*command.secrets]
    secrets += [value for value in command.environment.values() if isinstance(value, Secret)]
    if isinstance(command.stdin, Secret):
        secrets.append(command.stdin)
    return redactor(secrets)


def _start(command: Command, out: End, err: End) -> tuple[Any, Feeder | None]:
    sh = _sh()
    program, *arguments = command.argv
    found = programs.find(program)
    if found is None:
        raise _not_installed(program)
    # sh refuses the option where the descriptor is a terminal already.
    options = {} if command.terminal else {"_tty_out": False}
    stdin, feeder = open_input(command.stdin)
    try:
        with signals.held_back() as release:
            child = sh.Command(found)(
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
                _preexec_fn=release,
                **options,
            )
    except sh.CommandNotFound as error:
        raise _not_installed(program) from error
    except sh.ForkException as error:
        raise EngineError(
            fill(_("{program} could not be started."), program=program),
            _("Check that the file is a program for this machine."),
        ) from error
    finally:
        os.close(stdin)
        if feeder is not None:
            # Also after a failure: nobody reads then, and its thread ends with a broken pipe.
            feeder.start()
    return child, feeder


def _not_installed(program: str) -> EngineUnavailable:
    return EngineUnavailable(
        fill(_("The program {program} is not installed."), program=program),
        _("Install it, or choose another engine with --builder."),
    )


def preload() -> None:
    """Import ahead of time what the first program needs, while no other thread imports."""
    _sh()


@cache
def _import_sh() -> ModuleType:
    # It has a lock taken before and released after each fork. Were it loaded by another thread
    # during a fork, Python would complain of the release to standard error.
    import concurrent.futures.thread  # noqa: F401

    import sh

    for name in ("sh", *(f"sh.{part}" for part in ("command", "process", "streamreader"))):
        # At DEBUG sh logs what it writes to a program.
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.setLevel(logging.ERROR)
    return sh


def _sh() -> ModuleType:
    known = ("ignore", re.compile(_FORK_WARNING, re.I), DeprecationWarning, re.compile(_SH), 0)
    if known not in warnings.filters:
        warnings.filterwarnings("ignore", _FORK_WARNING, DeprecationWarning, _SH)
    # One thread after the other: where the import fails, for too few descriptors, Python 3.13 gives
    # those that wait for it the unfinished module.
    with _IMPORTING:
        return _import_sh()


def _environment(changes: Mapping[str, str | Secret | None]) -> dict[str, str]:
    variables = environment.for_programs(os.environ)
    # Without a folder that this user may write to, what is left behind is not found.
    with contextlib.suppress(OSError):
        variables[owners.VARIABLE] = owners.token()
    for name, value in changes.items():
        if value is None:
            variables.pop(name, None)
        else:
            variables[name] = value.reveal() if isinstance(value, Secret) else value
    return variables


def _wait(child: Any, inbox: signals.Inbox) -> None:
    child.process.wait()
    inbox.end()
