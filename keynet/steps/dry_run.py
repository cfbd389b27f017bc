"""Check what would be built and pushed, without doing it.

The same checks as before an upload key, but for those that need the platform, and without using
an engine: the registry is asked about the base image, and of engines only one that earlier
commands have found to work, for its own copy. Nothing is tried out, pulled or written.
"""

from keynet.events import Emit
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.plan import BuildPlan
from keynet.steps.preparing import base_image
from keynet.steps.preparing.background_lookup import BackgroundLookup
from keynet.steps.preparing.check_plan import Bases, check_plan
from keynet.steps.preparing.prepare import (
    find_builder,
    known_builders,
    planned,
    platform_registry,
)
from keynet.steps.preparing.request import Request
from keynet.steps.preparing.script import Script
from keynet.steps.stages import Stages

__all__ = ["DryRun", "check", "plan"]


@frozen
class DryRun:
    """A script that was read, and what would be built of it."""

    request: Request
    script: Script
    plan: BuildPlan


def plan(request: Request, emit: Emit, default_platform: Platform | None = None) -> DryRun:
    """Read the script and decide about its image.

    Args:
        default_platform: For settings without one; None for the engine's own.

    Raises:
        ScriptInvalid, ContextInvalid, UsageError, ValidationError: See ``prepare``.
    """
    return DryRun(request, *planned(request, Stages(emit), emit, default_platform))


def check(found: DryRun, emit: Emit) -> None:
    """Emit every warning of a push, and raise the errors that come before the upload key.

    Raises:
        EngineUnavailable: The engine that would be used cannot build this.
        BuildFailed, ContextInvalid, EngineError, ValidationError: See ``check_plan``.
    """
    request = found.request
    access = platform_registry(request)
    lookup = BackgroundLookup(access)
    base_image.start(found.plan, lookup)
    wanted = request.settings.builder
    known = known_builders(found.plan, wanted, access)
    builder = find_builder(wanted, known, found.plan, emit) if known else None
    bases = Bases(lookup, access, builder, pulls=False)
    check_plan(found.plan, found.script, bases, Stages(emit), emit, strict=request.strict)
