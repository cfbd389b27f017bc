"""Turn a request into a plan and a builder: all of a build that fails cheaply."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keynet.errors import (
    EngineUnavailable,
    KeynetError,
    ScriptInvalid,
    UsageError,
    ValidationError,
)
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Dependencies, Recipe, RegistryAccess, UserContainerfile
from keynet.recipe import buildargs, containerfile, context, hostnetwork, ignore
from keynet.recipe.dependencies import default_python, finding
from keynet.runtime.engine import AnyBuilder, Candidate
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.probing import choosing
from keynet.steps.preparing import base_image
from keynet.steps.preparing import script as scripts
from keynet.steps.preparing.background_lookup import BackgroundLookup
from keynet.steps.preparing.request import Request
from keynet.steps.preparing.script import Script
from keynet.steps.stages import Stages
from keynet.text import _, fill, ngettext

__all__ = ["Prepared", "find_builder", "plan_build", "prepare"]

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
    default_platform: Platform | None = None,
) -> Prepared:
    """Check script, context, engine and base image, before the platform is called.

    Args:
        candidates: The builders to choose from; None for docker, podman and buildah.
        default_platform: For settings without one; None for the engine's own.

    Raises:
        ScriptInvalid: See ``script.read``.
        ContextInvalid, UsageError, ValidationError: See ``plan_build``.
        EngineUnavailable: See ``find_builder``.
        EngineError, ValidationError: See ``base_image.check``.
    """
    script = scripts.read(request.entrypoint, stages, emit)
    with stages.stage("context", _("Checking context")) as stage:
        plan = plan_build(request, script, emit, default_platform)
        count = len(plan.files)
        stage.detail = fill(ngettext("{count} file", "{count} files", count), count=count)
    access = _platform_registry(request)
    lookup = BackgroundLookup(access)
    base_image.start(plan, lookup)
    with stages.stage("engine", _("Choosing engine")) as stage:
        offered = engines() if candidates is None else candidates
        builder = find_builder(request.settings.builder, offered, plan, emit)
        stage.detail = builder.engine.how
    with stages.stage("base", _("Checking base image")) as stage:
        plan = base_image.check(plan, builder, lookup, access, emit)
        stage.detail = base_image.describe(plan, builder)
    return Prepared(script, plan, builder)


def plan_build(
    request: Request, script: Script, emit: Emit, default_platform: Platform | None = None
) -> BuildPlan:
    """Decide everything about the image, without doing anything.

    Args:
        default_platform: See ``prepare``.

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
        dependencies, warnings = finding.find(
            request.context, settings.requirements, request.environment
        )
        name = settings.base_image or _decorated(script)
        base = (
            Reference.parse(name)
            if name is not None
            else _default_base(request, script, dependencies, emit)
        )
        recipe = Recipe(
            base, _command(entrypoint), dependencies=dependencies, base_name=_short(base, name)
        )
        notices += warnings
        if dependencies.files:
            notices += detected.notices
    for notice in notices:
        emit(notice)
    return BuildPlan(
        context=request.context,
        files=scanned.files,
        recipe=recipe,
        platforms=_platforms(settings.platform) or _one(default_platform),
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
    asked: list[tuple[AnyBuilder, list[str]]] = []

    def lacks(found: AnyBuilder) -> list[str]:
        asked.append((found, found.unsupported(plan)))
        return asked[-1][1]

    builder = choosing.choose(name, candidates, emit=emit, needs_run=plan.needs_run, lacking=lacks)
    known = [reasons for each, reasons in asked if each is builder]
    lacking = known[0] if known else builder.unsupported(plan)
    if lacking:
        raise EngineUnavailable(
            fill(
                _("{engine} cannot build this: {reasons}."),
                engine=builder.engine.how,
                reasons="; ".join(lacking),
            ),
            _("Use another engine with --builder. Engines that work here: keynet doctor"),
        )
    if builder.engine.slow:
        emit(Notice(_slow(builder), "note"))
    return builder


def _slow(builder: AnyBuilder) -> str:
    return fill(
        _(
            "{engine} is slow here: its store (vfs) copies every file for every layer. Faster: "
            "fuse-overlayfs, or a kernel and a disk on which overlay works. See keynet doctor"
        ),
        engine=builder.engine.name,
    )


def _decorated(script: Script) -> str | None:
    """Return the base image of the script's decorator.

    Raises:
        ScriptInvalid: It is only known when the script runs.
    """
    if not script.unknown_base_line:
        return script.base_image
    raise ScriptInvalid(
        fill(
            _("{path}:{line}: the base image of the decorator is only known when the script runs."),
            path=script.path,
            line=script.unknown_base_line,
        ),
        _('Name it with --base-image, or write it as a string: base_image="python:3.11-slim".'),
    )


def _default_base(
    request: Request, script: Script, dependencies: Dependencies, emit: Emit
) -> Reference:
    """Return Python's own image, of a version that project and script admit."""
    constraints = default_python.context_constraints(request.context)
    if dependencies.requires_python:
        source = dependencies.source.name if dependencies.source else script.name
        constraints.append(default_python.Constraint(dependencies.requires_python, source))
    if script.python is not None:
        constraints.append(script.python)
    (major, minor), reason = default_python.choose(constraints)
    base = Reference.parse(f"python:{major}.{minor}-slim")
    if reason:
        text = fill(
            _("Base image {base}, since {source} excludes Python 3.10."), base=base, source=reason
        )
        emit(Notice(text, "note"))
    return base


def _short(base: Reference, name: str | None) -> str:
    """Return a name that the engine completes itself, or ""."""
    return "" if name is None or name == str(base) else name


def _command(entrypoint: str) -> tuple[str, ...]:
    # Python would take a leading dash for an option.
    return ("python", f"./{entrypoint}" if entrypoint.startswith("-") else entrypoint)


def _one(platform: Platform | None) -> tuple[Platform, ...]:
    return () if platform is None else (platform,)


def _platform_registry(request: Request) -> RegistryAccess | None:
    """Return the access to the platform's registry; None without a usable login."""
    try:
        return request.settings.registry_access()
    except KeynetError:
        return None


def _platforms(text: str | None) -> tuple[Platform, ...]:
    try:
        return tuple(Platform.parse(each) for each in text.split(",")) if text else ()
    except ValidationError as error:
        raise UsageError(error.message, error.hint) from error
