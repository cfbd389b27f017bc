"""Turn a request into a plan and a builder: all of a build that fails cheaply."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from keynet import credentials
from keynet.errors import EngineUnavailable, UsageError, ValidationError
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Dependencies, Recipe, UserContainerfile
from keynet.recipe import buildargs, containerfile, context, hostnetwork, ignore
from keynet.recipe.credential_files import Logins
from keynet.recipe.dependencies import finding
from keynet.recipe.start import Start
from keynet.runtime.engine import AnyBuilder, Candidate
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.probing import choosing
from keynet.steps.preparing import script as scripts
from keynet.steps.preparing import starting
from keynet.steps.preparing.request import Request
from keynet.steps.preparing.script import Script
from keynet.steps.stages import Stages
from keynet.text import _, fill, ngettext, size

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
        stage.detail = _summary(plan)
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
    within = request.context if "dockerfile" in request.from_project else None
    user_file = containerfile.read(settings.dockerfile, within) if settings.dockerfile else None
    rules = ignore.load(request.context, settings.dockerfile)
    scanned = context.scan(request.context, rules, _logins(request.environment))
    entrypoint = context.locate_entrypoint(request.context, script.path, rules)
    detected = hostnetwork.detect(request.environment, places.home())
    notices = scanned.notices
    recipe: Recipe | UserContainerfile
    if user_file is not None:
        recipe = user_file
    else:
        base = Reference.parse(settings.base_image or script.base_image or _DEFAULT_BASE)
        dependencies, warnings = finding.find(
            request.context, settings.requirements, request.environment
        )
        start = starting.decide(request.context, entrypoint, script.imports, scanned.files)
        recipe = _recipe(base, start, dependencies)
        notices += start.notices
        notices += tuple(_unused(request.context))
        notices += warnings
        if dependencies.files:
            notices += detected.notices
    for notice in notices:
        emit(notice)
    for key, value in settings.labels.items():
        buildargs.check_length("--label", key, f"{key}={value}")
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


def _summary(plan: BuildPlan) -> str:
    """Return the context's folder with its number of files and its size."""
    count = sum(not file.is_folder for file in plan.files)
    return fill(
        ngettext("{folder}, {count} file, {size}", "{folder}, {count} files, {size}", count),
        folder=places.real(plan.context),
        count=count,
        size=size(sum(file.size for file in plan.files)),
    )


def _logins(environment: Mapping[str, str]) -> Logins:
    """Return this host's own login files, which variables may put anywhere."""
    named = [environment.get(variable) for variable in ("REGISTRY_AUTH_FILE", "NETRC")]
    files = [Path(name) for name in named if name]
    if folder := environment.get("DOCKER_CONFIG"):
        files.append(Path(folder, "config.json"))
    return Logins((credentials.path(environment), *files))


def _unused(folder: Path) -> Iterator[Notice]:
    """Yield a notice of the Containerfile that looks as if it should be used."""
    name = context.unused_containerfile(folder)
    if name is not None:
        yield Notice(
            fill(
                _("{name} in the context is not used. To build with it: --dockerfile {path}"),
                name=name,
                path=folder / name,
            ),
            "note",
        )


def _recipe(base: Reference, start: Start, dependencies: Dependencies) -> Recipe:
    """Return the recipe whose script finds its modules, by an environment if there is one."""
    if not dependencies.files:
        return Recipe(base, start.alone, dependencies=dependencies)
    paths = tuple(dict.fromkeys((*dependencies.import_paths, *start.import_paths)))
    return Recipe(base, start.command, dependencies=replace(dependencies, import_paths=paths))


def _platforms(text: str | None) -> tuple[Platform, ...]:
    try:
        return tuple(Platform.parse(each) for each in text.split(",")) if text else ()
    except ValidationError as error:
        raise UsageError(error.message, error.hint) from error
