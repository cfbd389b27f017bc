"""Run a container to its end: live output, its own exit status, nothing of it left.

The container is removed here and not by the engine's ``--rm``: only then can be asked whether it
ran out of memory, and its output be copied.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from keynet.errors import EngineError, EngineUnavailable
from keynet.files import folder_parents
from keynet.files.living_folders import living
from keynet.frozen import frozen
from keynet.process import shell
from keynet.runtime.abilities import TIMEOUT_S, Engine, SystemFacts
from keynet.runtime.engines.questions import Questions
from keynet.runtime.probing.reasons import error_line, known_fix
from keynet.runtime.workspace.container_args import (
    ContainerRun,
    is_read_by_clients,
    run_arguments,
)
from keynet.runtime.workspace.finishing import container_end
from keynet.secret import Secret
from keynet.text import _, fill

if TYPE_CHECKING:
    from keynet.plan import RegistryAccess

__all__ = ["NOT_STARTED", "ContainerCommands", "Outcome", "Pull", "Running", "execute"]

# What engines end with when the container was not started.
NOT_STARTED: Final = 125
# As ``docker stop`` waits before it kills.
_GRACE_S: Final = 10.0
# From an engine that has just failed to answer.
_SILENT_TIMEOUT_S: Final = 5.0

# Pulls an image by name, with credentials and a line at a time; returns "" or what went wrong.
Pull = Callable[[str, "RegistryAccess | None", shell.OnLine], str]
GpuFlags = Callable[[str], tuple[str, ...]]
RunFlags = Callable[[ContainerRun], tuple[str, ...]]
Prepared = Callable[[ContainerRun], AbstractContextManager[ContainerRun]]


@frozen
class ContainerCommands:
    """How one engine runs containers; made by its own wing.

    ``host`` is the engine in its other roles. ``flags`` returns those of a run, ``gpu_flags``
    those of ``--gpus``; ``prepared`` makes what a run needs until its block ends, and yields the
    run that uses it. ``remove`` is the verb that kills and removes at once. ``system`` reports
    what the engine's host offers, which may be some minutes old. The guide of ``questions`` knows
    what fails when a container is started.
    """

    questions: Questions
    host: Engine
    pull: Pull
    gpu_flags: GpuFlags
    system: Callable[[], SystemFacts]
    flags: RunFlags = lambda _run: ()
    prepared: Prepared = contextlib.nullcontext
    remove: tuple[str, ...] = ("rm", "--force", "--volumes")

    @property
    def name(self) -> str:
        """Return the engine's name."""
        return self.questions.guide.name

    def config(self, image: str) -> Mapping[str, Any] | None:
        """Return the config of an image in the engine's store; None if it has no such image.

        Raises:
            EngineUnavailable: The engine does not answer.
        """
        found = self.questions.run("image", "inspect", "--format", "{{json .Config}}", image)
        if found.status != 0:
            failure = self.questions.failure(found, "image inspect")
            if isinstance(failure, EngineUnavailable):
                raise failure
            return None
        with contextlib.suppress(ValueError, RecursionError):
            config = json.loads(found.stdout)
            return config if isinstance(config, dict) else {}
        return {}


@runtime_checkable
class Running(Protocol):
    """A builder whose engine runs containers with limits."""

    def container_commands(self, timeout_s: float = TIMEOUT_S) -> ContainerCommands | None:
        """Return how its engine runs containers; None if it does not.

        Args:
            timeout_s: Of each answer of the engine.
        """
        ...


@frozen
class Outcome:
    """How a run ended.

    ``status`` is the program's, or 125, 126 or 127 where it was not started, with ``said`` for
    the reason and ``hint`` for what to do. ``unwritten`` is why some of its output is missing.
    ``out_of_memory`` says that a process of it was killed for its memory, ``killed`` that it did
    not end after a signal. ``left`` is why the container could not be removed, None if it was.
    """

    status: int
    started: bool = True
    out_of_memory: bool = False
    killed: bool = False
    interrupted: bool = False
    said: str = ""
    hint: str = ""
    left: EngineError | None = None
    unwritten: str = ""


@frozen
class _State:
    """What the engine says of a container that has ended."""

    started: bool = False
    running: bool = False
    out_of_memory: bool = False
    status: int = 0
    known: bool = field(default=True)


def execute(
    commands: ContainerCommands,
    run: ContainerRun,
    *,
    attached: tuple[int, int],
    enforced: frozenset[str],
    output: Path | None = None,
) -> Outcome:
    """Run a container, copy its output and remove it, whatever happens.

    Args:
        attached: The descriptors for its standard output and error.
        enforced: The limits that the engine's host knows.
        output: Where the content of ``run.output`` goes; None for nowhere.

    Raises:
        EngineUnavailable: The engine has stopped during the run.
        EngineError: The output could not be copied; the container is still there then.
    """
    with commands.prepared(run) as prepared:
        return _executed(commands, prepared, attached, enforced, output)


def _executed(
    commands: ContainerCommands,
    run: ContainerRun,
    attached: tuple[int, int],
    enforced: frozenset[str],
    output: Path | None,
) -> Outcome:
    try:
        finished = _attend(commands, run, attached, enforced)
        # podman ends with 0 where a signal came before the container had started.
        clean = finished.status == 0 and not finished.interrupted
        state = _State(started=True) if clean else _state(commands, run.name)
        outcome = _outcome(commands, finished, state)
    except BaseException as error:
        silent = isinstance(error, EngineUnavailable)
        timeout_s = min(_SILENT_TIMEOUT_S, commands.questions.timeout_s)
        with contextlib.suppress(EngineError):
            container_end.remove(
                commands, run.name, timeout_s if silent else container_end.REMOVE_TIMEOUT_S
            )
        raise
    if output is not None and outcome.started:
        container_end.copy_output(commands, run, output)
    try:
        container_end.remove(commands, run.name)
    except EngineError as error:
        return replace(outcome, left=error)
    return outcome


def _attend(
    commands: ContainerCommands,
    run: ContainerRun,
    attached: tuple[int, int],
    enforced: frozenset[str],
) -> shell.Finished:
    """Run it until it has ended, or until its engine's program has."""
    gpus = commands.gpu_flags(run.gpus) if run.gpus else ()
    with _variables(run) as (environment, env_file):
        arguments = run_arguments(
            run, engine_flags=(*commands.flags(run), *gpus), env_file=env_file, enforced=enforced
        )
        command = shell.Command(
            (*commands.questions.prefix, *arguments),
            environment={**commands.questions.environment, **environment},
            attached=attached,
            patience_s=_GRACE_S,
        )
        return shell.run(command, timeout_s=None)


def _outcome(commands: ContainerCommands, finished: shell.Finished, state: _State) -> Outcome:
    if not state.known:
        raise EngineUnavailable(
            fill(
                _("{engine} stopped answering during the run: {said}"),
                engine=commands.name,
                said=error_line(finished.stderr) or _("no message"),
            ),
            _("Start it again, then remove what is left of the run with: keynet clean"),
        )
    if state.running:
        # The engine's program has ended, and the container has not.
        return Outcome(
            128 + 9 if finished.interrupted else NOT_STARTED,
            killed=finished.interrupted,
            interrupted=finished.interrupted,
            said="" if finished.interrupted else error_line(finished.stderr),
        )
    if not state.started:
        status = finished.status if finished.status in (126, 127) else NOT_STARTED
        said = error_line(finished.stderr)
        return Outcome(
            status,
            started=False,
            interrupted=finished.interrupted,
            said=said,
            hint=known_fix(commands.questions.guide, finished.stderr),
        )
    # What the engine's program says after a signal is its own end, not the program's.
    own = finished.interrupted or finished.status < 0
    status = state.status if own else finished.status
    return Outcome(
        status,
        out_of_memory=state.out_of_memory,
        interrupted=finished.interrupted,
        unwritten=finished.unwritten,
    )


@contextlib.contextmanager
def _variables(run: ContainerRun) -> Iterator[tuple[dict[str, Secret], Path | None]]:
    """Yield the variables for the engine's program, and a file with those that it would read."""
    passed = {
        name: Secret(value)
        for name, value in run.environment.items()
        if not is_read_by_clients(name)
    }
    written = {name: value for name, value in run.environment.items() if name not in passed}
    if not written:
        yield passed, None
        return
    with living("run", folder_parents.runtime()) as folder:
        file = folder / "variables"
        lines = "".join(f"{name}={value}\n" for name, value in sorted(written.items()))
        file.write_text(lines, encoding="utf-8")
        yield passed, file


def _state(commands: ContainerCommands, name: str) -> _State:
    try:
        found = commands.questions.run("container", "inspect", "--format", "{{json .State}}", name)
    except EngineUnavailable:
        return _State(known=False)
    if found.status != 0:
        failure = commands.questions.failure(found, "container inspect")
        return _State(known=not isinstance(failure, EngineUnavailable))
    state: Any = {}
    with contextlib.suppress(ValueError, RecursionError):
        state = json.loads(found.stdout)
    if not isinstance(state, dict):
        return _State()
    began = str(state.get("StartedAt") or "")
    return _State(
        started=bool(began) and not began.startswith("0001-"),
        running=bool(state.get("Running")),
        out_of_memory=bool(state.get("OOMKilled")),
        status=int(state.get("ExitCode") or 0),
    )
