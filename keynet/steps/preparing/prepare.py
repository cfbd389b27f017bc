"""Turn a request into a plan and a builder: all of a build that fails cheaply."""

from collections.abc import Callable, Sequence
from pathlib import Path

from keynet.errors import (
    EngineUnavailable,
    KeynetError,
    UsageError,
)
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.plan import (
    BuildPlan,
    Dependencies,
    Recipe,
    RegistryAccess,
)
from keynet.runtime.engine import AnyBuilder, Candidate, Unusable
from keynet.runtime.probing import choosing
from keynet.steps.checking import python_requirement
from keynet.steps.cleaning import sweeping
from keynet.steps.preparing import base_image
from keynet.steps.preparing import script as scripts
from keynet.steps.preparing.background_lookup import BackgroundLookup
from keynet.steps.preparing.check_plan import Bases, check_plan
from keynet.steps.preparing.planning import plan_build
from keynet.steps.preparing.request import Request
from keynet.steps.preparing.script import Script
from keynet.steps.stages import Stages
from keynet.text import _, fill, ngettext, size

__all__ = [
    "Prepared",
    "find_builder",
    "known_builders",
    "planned",
    "platform_registry",
    "prepare",
]


@frozen
class Prepared:
    """A checked script with its plan, and the builder for it.

    ``access`` is to the platform's registry, which may hold base images; None without a usable
    login.
    """

    script: Script
    plan: BuildPlan
    builder: AnyBuilder
    access: RegistryAccess | None


def prepare(
    request: Request,
    stages: Stages,
    emit: Emit,
    candidates: Sequence[Candidate] | None = None,
    default_platform: Platform | None = None,
    *,
    meanwhile: Callable[[], None] | None = None,
) -> Prepared:
    """Check script, context, engine and base image, before the platform is called.

    Args:
        candidates: The builders to choose from; None for the engines and direct.
        default_platform: For settings without one; None for the engine's own.
        meanwhile: Done while the engine and registries are asked about the base image.

    Raises:
        ScriptInvalid: See ``script.read``.
        ContextInvalid, UsageError, ValidationError: See ``planning.plan_build``.
        EngineUnavailable: See ``find_builder``.
        ContextInvalid: See ``python_requirement``.
        BuildFailed, ContextInvalid, EngineError, ValidationError: See ``check_plan``.
    """
    sweeping.sweep()
    script, plan = planned(request, stages, emit, default_platform)
    access = platform_registry(request)
    lookup = BackgroundLookup(access)
    base_image.start(plan, lookup)
    with stages.stage("engine", _("Choosing engine")) as stage:
        offered = (
            _builders(plan, request.settings.builder, access) if candidates is None else candidates
        )
        builder = find_builder(request.settings.builder, offered, plan, emit)
        stage.detail = builder.engine.how
    bases = Bases(lookup, access, builder)
    plan = check_plan(plan, script, bases, stages, emit, strict=request.strict, meanwhile=meanwhile)
    return Prepared(script, plan, builder, access)


def planned(
    request: Request, stages: Stages, emit: Emit, default_platform: Platform | None
) -> tuple[Script, BuildPlan]:
    """Read the script and decide about its image, without an engine or a registry.

    Raises:
        ScriptInvalid, ContextInvalid, UsageError, ValidationError: See ``prepare``.
    """
    script = scripts.read(request.entrypoint, stages, emit)
    with stages.stage("context", _("Checking context")) as stage:
        plan = plan_build(request, script, emit, default_platform)
        stage.detail = _summary(plan)
    if isinstance(plan.recipe, Recipe):
        with stages.stage("dependencies", _("Dependencies")) as stage:
            stage.detail = _found(plan.recipe.dependencies, plan.context)
            python_requirement.check(plan.recipe.dependencies)
    return script, plan


def _builders(plan: BuildPlan, wanted: str, access: RegistryAccess | None) -> tuple[Candidate, ...]:
    """Return every builder, in the order of ``auto``: engines with a slow store come last.

    Raises:
        UsageError: An engine is wanted, and the plan has what engines do not know.
    """
    from keynet.direct.direct_candidate import DirectCandidate

    direct = DirectCandidate(plan, access)
    flag = _of_direct(plan)
    if flag is None and wanted != direct.name:
        from keynet.runtime.engines.engine_candidates import engines

        return (*engines(), direct)
    if flag is not None and wanted not in (choosing.AUTO, direct.name):
        raise UsageError(
            fill(
                _("{flag} is for --builder {direct}, not for {wanted}."),
                flag=flag,
                direct=direct.name,
                wanted=wanted,
            ),
            fill(_("Leave it out, or use --builder {direct}."), direct=direct.name),
        )
    return (direct,)


def known_builders(
    plan: BuildPlan, wanted: str, access: RegistryAccess | None
) -> tuple[Candidate, ...]:
    """Return the builders that are known to work, without trying one; none if that is unknown.

    Raises:
        UsageError: An engine is wanted, and the plan has what engines do not know.
    """
    *engines, direct = _builders(plan, wanted, access)
    known = [each for each in engines if _has_worked(each, plan)]
    if engines and not any(wanted in (choosing.AUTO, each.name) for each in known):
        return ()
    return (*known, direct)


def _has_worked(candidate: Candidate, plan: BuildPlan) -> bool:
    found = candidate.remembered()
    if found is None or isinstance(found, Unusable):
        return False
    return found.engine.can_run or not plan.needs_run


def _of_direct(plan: BuildPlan) -> str | None:
    """Return a flag that only the builder without an engine understands, if one is given."""
    if plan.compression != "gzip":
        return f"--compression {plan.compression}"
    if plan.cache_from is not None:
        return "--cache-from"
    return "--cache-to" if plan.cache_to is not None else None


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


def _summary(plan: BuildPlan) -> str:
    """Return the context's folder with its number of files and its size."""
    count = sum(not file.is_folder for file in plan.files)
    return fill(
        ngettext("{folder}, {count} file, {size}", "{folder}, {count} files, {size}", count),
        folder=places.real(plan.context),
        count=count,
        size=size(sum(file.size for file in plan.files)),
    )


def _slow(builder: AnyBuilder) -> str:
    return fill(
        _(
            "{engine} is slow here: its store (vfs) copies every file for every layer. Faster: "
            "fuse-overlayfs, or a kernel and a disk on which overlay works. See keynet doctor"
        ),
        engine=builder.engine.name,
    )


def platform_registry(request: Request) -> RegistryAccess | None:
    """Return the access to the platform's registry; None without a usable login."""
    try:
        return request.settings.registry_access()
    except KeynetError:
        return None
