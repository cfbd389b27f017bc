"""Check base image and packages of a plan before anything is spent on it."""

from collections.abc import Callable
from functools import partial

from keynet.events import Emit
from keynet.frozen import frozen
from keynet.plan import BuildPlan, RegistryAccess
from keynet.process.background import background
from keynet.runtime.engine import AnyBuilder, Resolving
from keynet.steps.checking import (
    broken_archives,
    git_check,
    local_wheels,
    python_less_bases,
    training_checks,
)
from keynet.steps.checking.installable.package_trial import PackageTrial
from keynet.steps.preparing import base_image
from keynet.steps.preparing.background_lookup import BackgroundLookup
from keynet.steps.preparing.script import Script
from keynet.steps.stages import Stages
from keynet.text import _

__all__ = ["Bases", "check_plan"]


@frozen
class Bases:
    """Where base images are looked for.

    ``builder`` is None where none was chosen: then no store of an engine is asked. ``pulls`` if it
    may pull what no registry is known to have.
    """

    lookup: BackgroundLookup
    access: RegistryAccess | None
    builder: AnyBuilder | None
    pulls: bool = True


def check_plan(
    plan: BuildPlan,
    script: Script,
    bases: Bases,
    stages: Stages,
    emit: Emit,
    *,
    strict: bool,
    meanwhile: Callable[[], None] | None = None,
) -> BuildPlan:
    """Return the plan with what is known of its base image, and with its packages if chosen.

    Args:
        strict: Raise an error for what is a warning otherwise.
        meanwhile: Done while the engine and registries are asked about the base image.

    Raises:
        EngineError, ValidationError: See ``base_image.check``, ``onbuild_check`` and
            ``python_less_bases``.
        ContextInvalid: See ``local_wheels`` and ``broken_archives``.
        BuildFailed: The packages cannot be installed on the base image.
        ContextInvalid: The image would not train, and ``strict``.
    """
    builder, access = bases.builder, bases.access
    trial = PackageTrial()
    begin = _nothing
    if not isinstance(builder, Resolving):
        from keynet.process import shell

        begin = partial(trial.begin, plan)
        # Its first question to the engine would wait for what the other threads import.
        shell.preload()
    with (
        stages.stage("base", _("Checking base image")) as stage,
        background(meanwhile or _nothing),
        background(begin),
    ):
        plan = base_image.check(plan, builder, bases.lookup, access, emit, pulls=bases.pulls)
        stage.detail = base_image.describe(plan, builder)
    if plan.base_facts is not None and plan.base_facts.onbuild:
        from keynet.steps.checking import onbuild_check

        onbuild_check.check(plan, emit)
    python_less_bases.check(plan, emit, strict=strict)
    local_wheels.check(plan)
    broken_archives.check(plan)
    if builder is not None and isinstance(builder, Resolving):
        with stages.stage("packages", _("Choosing packages")) as stage:
            plan, stage.detail = builder.resolve(plan, access, emit)
    training_checks.check(plan, script.loaded, trial, emit, strict=strict)
    if not isinstance(builder, Resolving):
        git_check.check(plan, emit)
        trial.check(plan, emit)
    return plan


def _nothing() -> None:
    """Do nothing meanwhile."""
