"""Run a training script or an image here, with limits, before it is pushed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from keynet.errors import KeynetError
from keynet.events import Emit, Notice, StepStarted
from keynet.runtime.engine import Candidate, Saver
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.probing.choosing import AUTO
from keynet.runtime.workspace import container_run, slow_start
from keynet.runtime.workspace.container_run import Outcome
from keynet.steps.running import container_plan, output_folder, run_engines, run_texts
from keynet.steps.running.container_plan import RunOptions
from keynet.steps.running.run_engines import Chosen
from keynet.text import _

if TYPE_CHECKING:
    from keynet.plan import RegistryAccess
    from keynet.settings import Settings
    from keynet.steps.preparing.request import Request

__all__ = ["RunOptions", "own_registry", "run_image", "run_script"]


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
    from keynet.steps.preparing.built import built_image
    from keynet.steps.preparing.prepare import prepare
    from keynet.steps.running import loading
    from keynet.steps.stages import Stages

    stages = Stages(emit)
    known = engines() if candidates is None else candidates
    if options.output is not None:
        request = replace(request, outputs=(options.output,))
    with output_folder.created(options.output):
        if request.settings.builder not in (AUTO, *(each.name for each in known)):
            # Built without an engine: any engine runs it.
            engine = loading.running_engine(known, emit)
            prepared = prepare(request, stages, emit)
            chosen, image = loading.build_and_load(prepared, engine, options.settings, stages, emit)
            with run_engines.held(chosen.commands, image):
                return _run(chosen, image.id, options, emit, image.name, script=True)
        offered = run_engines.only_running(known)
        prepared = prepare(request, stages, emit, offered)
        builder = prepared.builder
        assert isinstance(builder, Saver)
        with ExitStack() as stack:
            with built_image(builder, prepared, stages, emit) as built:
                image = builder.local(built)
                chosen = run_engines.ask(builder, image.id, options.settings)
                stack.enter_context(run_engines.held(chosen.commands, image))
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
    with output_folder.created(options.output):
        offered = engines() if candidates is None else candidates
        chosen = run_engines.choose(builder, offered, image, options.settings, emit)
        if chosen.config is None:
            run_engines.find_image(chosen.commands, image, access(), emit)
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
    commands, facts, network = chosen.commands, chosen.facts, options.settings.network
    run = container_plan.container(image, chosen.config or {}, facts, options, shown, script=script)
    if not chosen.has_network:
        commands.host.ensure_network(network)
    missing = container_plan.missing_limits(run.limits, facts)
    for line in run_texts.warnings(commands.name, run.limits, missing, facts):
        emit(Notice(line))
    emit(StepStarted("run", _("Running"), run_texts.described(shown, run, missing)))
    within_s = options.settings.timeout_s
    late = Notice(run_texts.not_started(commands.name, within_s))
    with slow_start.noticed(commands.host, run.name, within_s, lambda: emit(late)):
        outcome = container_run.execute(
            commands,
            run,
            attached=options.attached,
            enforced=container_plan.LIMITS - missing,
            output=options.output,
        )
    for notice in run_texts.ended(outcome, run.limits, missing):
        emit(notice)
    return outcome
