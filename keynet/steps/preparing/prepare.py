"""Turn a request into a plan and a builder: all of a build that fails cheaply."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keynet.errors import EngineUnavailable, UsageError, ValidationError
from keynet.events import Emit
from keynet.files import places
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Dependencies, HostNetwork, Recipe, UserContainerfile
from keynet.recipe import buildargs, containerfile, context, hostnetwork, ignore
from keynet.recipe.dependencies import finding
from keynet.recipe.dependencies.declared import Selection
from keynet.recipe.dependencies.finding import Search
from keynet.runtime.engine import AnyBuilder, Candidate
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.probing import choosing
from keynet.steps.preparing import script as scripts
from keynet.steps.preparing.request import Request
from keynet.steps.preparing.script import Script
from keynet.steps.stages import Stages
from keynet.text import _, fill, ngettext

__all__ = ["Prepared", "find_builder", "plan_build", "prepare"]

_DEFAULT_BASE: Final = "python:3.10-slim"
_MANAGED: Final = {"keynet.managed": "true"}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked script with its plan, and the builder for it."""

    script: Script
    plan: BuildPlan
    builder: AnyBuilder


def prepare(
    request: Request,
    stages: Stages,
    emit: Emit,
    candidates: Sequence[Candidate] | None = None,
) -> Prepared:
    """Check script, context and engine, before the platform is called.

    Args:
        candidates: The builders to choose from; None for docker, podman and buildah.

    Raises:
        ScriptInvalid: See ``script.read``.
        ContextInvalid, UsageError, ValidationError: See ``plan_build``.
        EngineUnavailable: See ``find_builder``.
    """
    script = scripts.read(request.entrypoint, stages, emit)
    with stages.stage("context", _("Checking context")) as stage:
        plan = plan_build(request, script, emit)
        count = len(plan.files)
        stage.detail = fill(ngettext("{count} file", "{count} files", count), count=count)
    if isinstance(plan.recipe, Recipe):
        with stages.stage("dependencies", _("Dependencies")) as stage:
            stage.detail = _found(plan.recipe.dependencies, plan.context)
    with stages.stage("engine", _("Choosing engine")) as stage:
        offered = engines() if candidates is None else candidates
        builder = find_builder(request.settings.builder, offered, plan, emit)
        stage.detail = builder.engine.how
    return Prepared(script, plan, builder)


def plan_build(request: Request, script: Script, emit: Emit) -> BuildPlan:
    """Decide everything about the image, without doing anything.

    Raises:
        ContextInvalid: The context, its ignore file, requirements or Containerfile is not valid.
        ValidationError: The base image's name is not valid.
        UsageError: A platform or build argument is not valid.
    """
    settings = request.settings
    user_file = containerfile.read(settings.dockerfile) if settings.dockerfile else None
    rules = ignore.load(request.context, settings.dockerfile)
    scanned = context.scan(request.context, rules)
    entrypoint = context.locate_entrypoint(request.context, script.path, rules)
    detected = hostnetwork.detect(request.environment, places.home())
    notices = scanned.notices
    recipe: Recipe | UserContainerfile
    if user_file is not None:
        recipe = user_file
    else:
        base = Reference.parse(settings.base_image or script.base_image or _DEFAULT_BASE)
        dependencies, warnings = finding.find(_search(request, script, detected.network))
        recipe = Recipe(base, _command(entrypoint), dependencies=dependencies)
        notices += warnings
        if dependencies.files:
            notices += detected.notices
    for notice in notices:
        emit(notice)
    return BuildPlan(
        context=request.context,
        files=scanned.files,
        recipe=recipe,
        platforms=_platforms(settings.platform),
        labels={**settings.labels, **_MANAGED},
        # Checked here because of [tool.keynet]: a secret would stay in the image's history.
        build_args=buildargs.parse(
            (f"{name}={value}" for name, value in settings.build_args.items()),
            request.environment,
        ),
        secrets=request.secrets,
        no_cache=request.no_cache,
        host_network=detected.network,
    )


def _search(request: Request, script: Script, network: HostNetwork) -> Search:
    """Return what decides where the dependencies are looked for."""
    settings = request.settings
    return Search(
        request.context,
        script.path,
        script.content,
        requirements=settings.requirements,
        is_trusted=request.requirements_named,
        selection=Selection(settings.extras, settings.groups),
        environment=request.environment,
        hosts=hostnetwork.index_hosts(network),
    )


def _found(dependencies: Dependencies, context: Path) -> str:
    """Return where the dependencies come from and how many there are, for people."""
    source = dependencies.source
    if source is None or not dependencies.files:
        return _("none")
    if source.is_relative_to(context):
        source = source.relative_to(context)
    return fill(_("{source}, {count}"), source=source, count=dependencies.count)


def find_builder(
    name: str, candidates: Sequence[Candidate], plan: BuildPlan, emit: Emit
) -> AnyBuilder:
    """Return a builder that works here and supports this plan.

    Raises:
        EngineUnavailable: No engine works, or the chosen one lacks something the plan needs.
    """
    builder = choosing.choose(name, candidates, emit=emit, needs_run=plan.needs_run)
    lacking = builder.unsupported(plan)
    if lacking:
        raise EngineUnavailable(
            fill(
                _("{engine} cannot build this: {reasons}."),
                engine=builder.engine.how,
                reasons="; ".join(lacking),
            ),
            _("Use another engine with --builder. Engines that work here: keynet doctor"),
        )
    return builder


def _command(entrypoint: str) -> tuple[str, ...]:
    # Python would take a leading dash for an option.
    return ("python", f"./{entrypoint}" if entrypoint.startswith("-") else entrypoint)


def _platforms(text: str | None) -> tuple[Platform, ...]:
    try:
        return tuple(Platform.parse(each) for each in text.split(",")) if text else ()
    except ValidationError as error:
        raise UsageError(error.message, error.hint) from error
