"""Run a training script or an image here, with limits, before it is pushed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from keynet.errors import InvalidRunSettings, KeynetError, RunNotStarted
from keynet.events import Emit, Notice, StepStarted
from keynet.files import owners
from keynet.frozen import frozen
from keynet.runtime.abilities import SystemFacts
from keynet.runtime.engine import Candidate, Saver
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.probing.choosing import AUTO
from keynet.runtime.workspace import container_run, slow_start
from keynet.runtime.workspace.container_args import OUTPUT, ContainerRun
from keynet.runtime.workspace.container_run import ContainerCommands, Outcome
from keynet.runtime.workspace.labels import Labels
from keynet.runtime.workspace.limits import SMALLEST_MEMORY, Limits, shown_memory
from keynet.runtime.workspace.runtime_settings import RuntimeSettings
from keynet.runtime.workspace.safe_names import container_name, new_id
from keynet.steps import running
from keynet.steps.running import Chosen
from keynet.text import _, fill, ngettext, printable, stacked

if TYPE_CHECKING:
    from keynet.plan import RegistryAccess
    from keynet.settings import Settings
    from keynet.steps.preparing.request import Request

__all__ = ["RunOptions", "own_registry", "run_image", "run_script"]

_LIMITS: Final = frozenset({"cpus", "memory"})
_KILLED: Final = 128 + 9
_QUARTER: Final = 256 * 1024**2
_UNBUFFERED: Final = "PYTHONUNBUFFERED"


@frozen
class RunOptions:
    """How to run, besides what is run.

    ``arguments`` are the program's; ``output`` is the folder that gets what the program wrote
    to ``output_from`` in the container. ``attached`` are the descriptors for the program's
    standard output and error.
    """

    settings: RuntimeSettings = field(default_factory=RuntimeSettings)
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    mounts: tuple[str, ...] = ()
    gpus: str = ""
    output: Path | None = None
    output_from: str = OUTPUT
    attached: tuple[int, int] = (1, 2)


def run_script(
    request: Request,
    options: RunOptions,
    emit: Emit,
    candidates: Sequence[Candidate] | None = None,
) -> Outcome:
    """Build a training script, or take the cached image, and run it.

    Memory that no setting names is half of the host's.

    Raises:
        KeynetError: The build failed, or the image cannot be run; see ``run_image``.
    """
    # An image needs nothing of what reads a script.
    from keynet.steps import loading
    from keynet.steps.preparing.built import built_image
    from keynet.steps.preparing.prepare import prepare
    from keynet.steps.stages import Stages

    stages = Stages(emit)
    known = engines() if candidates is None else candidates
    if options.output is not None:
        request = replace(request, outputs=(options.output,))
    with _output_folder(options.output):
        if request.settings.builder not in (AUTO, *(each.name for each in known)):
            # Built without an engine: any engine runs it.
            engine = loading.running_engine(known, emit)
            prepared = prepare(request, stages, emit)
            chosen, image_id, name = loading.build_and_load(
                prepared, engine, options.settings, stages, emit
            )
            return _run(chosen, image_id, options, emit, name, script=True)
        offered = running.only_running(known)
        prepared = prepare(request, stages, emit, offered)
        builder = prepared.builder
        assert isinstance(builder, Saver)
        with built_image(builder, prepared, stages, emit) as built:
            image = builder.local(built)
        chosen = running.ask(builder, image.id, options.settings)
        return _run(chosen, image.id, options, emit, image.name, script=True)


def run_image(
    image: str,
    options: RunOptions,
    emit: Emit,
    *,
    builder: str = "auto",
    access: Callable[[], RegistryAccess | None] = lambda: None,
    candidates: Sequence[Candidate] | None = None,
) -> Outcome:
    """Run an image of an engine's store, which pulls it if it has to.

    Args:
        access: Returns the platform's registry, for an image of it; asked if one is pulled.

    Raises:
        ValidationError: Not a valid name of an image.
        EngineUnavailable: No engine that runs containers works here.
        LocalImageNotFound: Neither the engine nor a registry has the image.
        InvalidRunSettings: A mount or the output folder cannot be used.
    """
    with _output_folder(options.output):
        offered = engines() if candidates is None else candidates
        chosen = running.choose(builder, offered, image, options.settings, emit)
        if chosen.config is None:
            running.find_image(chosen.commands, image, access(), emit)
            chosen = replace(chosen, config=chosen.commands.config(image))
        return _run(chosen, image, options, emit, image, script=False)


def own_registry(merged: Settings) -> RegistryAccess | None:
    """Return the platform's registry; None without a usable login."""
    try:
        return merged.registry_access()
    except KeynetError:
        return None


def _run(
    chosen: Chosen,
    image: str,
    options: RunOptions,
    emit: Emit,
    shown: str,
    *,
    script: bool,
) -> Outcome:
    commands, facts, config = chosen.commands, chosen.facts, chosen.config or {}
    workspace, network = new_id(), options.settings.network
    if not chosen.has_network:
        chosen.commands.host.ensure_network(network)
    limits = _limits(options.settings, facts, script=script)
    missing = _missing(limits, facts)
    command = _command(config, options.arguments, script=script)
    if config and not (command or config.get("Entrypoint") or config.get("Cmd")):
        raise RunNotStarted(
            fill(_("The image {name} has no command of its own."), name=printable(shown, 200)),
            _("Name the program: keynet run IMAGE -- PROGRAM"),
        )
    run = ContainerRun(
        image=image,
        name=container_name(workspace),
        labels=Labels.now(workspace, printable(shown, 200)),
        limits=limits,
        network=network,
        command=command,
        environment=_environment(config, command, options.environment),
        mounts=options.mounts,
        gpus=options.gpus,
        output=options.output_from if options.output is not None else "",
        owner=owners.token(),
        user=str(config.get("User") or ""),
        working_folder=str(config.get("WorkingDir") or ""),
    )
    for line in _warnings(commands, limits, missing, facts):
        emit(Notice(line))
    emit(StepStarted("run", _("Running"), _described(shown, run, missing)))
    within_s = options.settings.timeout_s
    late = Notice(_not_started(commands.name, within_s))
    with slow_start.noticed(commands.host, run.name, within_s, lambda: emit(late)):
        outcome = container_run.execute(
            commands,
            run,
            attached=options.attached,
            enforced=_LIMITS - missing,
            output=options.output,
        )
    if outcome.unwritten:
        text = _("Not all of the program's output could be written: {why}.")
        emit(Notice(fill(text, why=outcome.unwritten)))
    if outcome.left is not None:
        emit(Notice(stacked(outcome.left.message, outcome.left.hint)))
    if outcome.hint and outcome.status != container_run.NOT_STARTED:
        emit(Notice(outcome.hint))
    if outcome.out_of_memory:
        emit(Notice(_out_of_memory(limits)))
    elif outcome.status == _KILLED and not outcome.interrupted and "memory" not in missing:
        # podman before 5 does not always report it.
        emit(Notice(_probably_out_of_memory(limits)))
    return outcome


def _limits(settings: RuntimeSettings, facts: SystemFacts, *, script: bool) -> Limits:
    if script and "memory" not in settings.sources and facts.memory:
        half = facts.memory // 2
        # A number that people read at a glance.
        step = _QUARTER if half > _QUARTER else 1024**2
        return replace(settings.limits, memory=max(half // step * step, SMALLEST_MEMORY))
    return settings.limits


def _missing(limits: Limits, facts: SystemFacts) -> frozenset[str]:
    """Return the limits that are wanted and that the engine's host cannot enforce."""
    wanted = {name for name in _LIMITS if getattr(limits, name) is not None}
    return frozenset(wanted - facts.limits)


def _command(
    config: Mapping[str, Any], arguments: tuple[str, ...], *, script: bool
) -> tuple[str, ...]:
    """Return what replaces the image's command; empty for the image's own.

    Arguments of a script, and options without a program, are added to the command of an image
    that has no entrypoint.
    """
    own = tuple(str(each) for each in config.get("Cmd") or ())
    added = script or arguments[:1] == () or arguments[0].startswith("-")
    if not arguments or not own or config.get("Entrypoint") or not added:
        return arguments
    if own[:2] == ("/bin/sh", "-c") and len(own) == 3:
        # The shell form: its text gets them as words of their own.
        return (*own[:2], f"{own[2]} {shlex.join(arguments)}")
    return (*own, *arguments)


def _environment(
    config: Mapping[str, Any], command: tuple[str, ...], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables, with one that makes Python write its output at once."""
    words = [*(config.get("Entrypoint") or ()), *(command or config.get("Cmd") or ())]
    names = {str(each).partition("=")[0] for each in config.get("Env") or ()}
    is_python = any("python" in os.path.basename(str(each)) for each in words[:1])  # noqa: PTH119
    if is_python and _UNBUFFERED not in names:
        return {_UNBUFFERED: "1", **given}
    return dict(given)


def _described(shown: str, run: ContainerRun, missing: frozenset[str]) -> str:
    """Return the line that starts a run: what runs, its limits, and the flags that change them."""
    limits = run.limits
    parts = [printable(shown, 300)]
    if limits.cpus is not None and "cpus" not in missing:
        counted = ngettext("{number} CPU (--cpus)", "{number} CPUs (--cpus)", ceil(limits.cpus))
        parts.append(fill(counted, number=f"{limits.cpus:g}"))
    if limits.memory is not None and "memory" not in missing:
        parts.append(fill(_("{size} memory (--memory)"), size=shown_memory(limits.memory)))
    if limits.read_only:
        writable = ", ".join(run.volumes)
        parts.append(fill(_("read-only but {folders}"), folders=writable))
    parts.append(fill(_("network {name} (--network)"), name=run.network))
    if run.gpus:
        parts.append(fill(_("GPUs {which} (--gpus)"), which=run.gpus))
    return ", ".join(parts)


def _warnings(
    commands: ContainerCommands, limits: Limits, missing: frozenset[str], facts: SystemFacts
) -> list[str]:
    found = []
    if limits.privileged:
        found.append(
            _("Privileged: the container can do on its host whatever root can. Use with care.")
        )
    if missing:
        flags = ", ".join(sorted(f"--{name}" for name in missing))
        old = facts.rootless and facts.cgroup_version == 1
        why = _("rootless on cgroups v1") if old else _("its host does not offer them")
        found.append(
            fill(
                _("{engine} cannot enforce these limits here ({why}): {flags}. Running without."),
                engine=commands.name,
                why=why,
                flags=flags,
            )
        )
    return found


def _not_started(engine: str, within_s: float) -> str:
    return fill(
        _(
            "{engine} has not started the container within {time} s. Still waiting; Ctrl-C gives "
            "up. Its state: keynet doctor"
        ),
        engine=engine,
        time=round(within_s),
    )


def _out_of_memory(limits: Limits) -> str:
    if limits.memory is None:
        return _("A process was killed because the machine has no memory left.")
    return fill(
        _("Out of memory: a process was killed at the limit of {size}. Raise it: --memory {more}"),
        size=shown_memory(limits.memory),
        more=shown_memory(limits.memory * 2),
    )


def _probably_out_of_memory(limits: Limits) -> str:
    if limits.memory is None:
        return _("The program was killed (SIGKILL), probably because memory ran out.")
    return fill(
        _("Killed, probably at the limit of {size} memory. Raise it: --memory {more}"),
        size=shown_memory(limits.memory),
        more=shown_memory(limits.memory * 2),
    )


@contextmanager
def _output_folder(folder: Path | None) -> Iterator[None]:
    """Create the output folder before anything is run; remove it empty if that fails.

    Raises:
        InvalidRunSettings: It cannot be created or written to.
    """
    if folder is None:
        yield
        return
    made = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    why = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            why = os.strerror(13)
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        raise InvalidRunSettings(
            fill(_("--output {folder} cannot be used: {why}."), folder=folder, why=why),
            _("Choose a folder that you may write to."),
        )
    try:
        yield
    except BaseException:
        for each in made:
            with suppress(OSError):
                each.rmdir()
        raise
