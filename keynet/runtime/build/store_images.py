"""Images in an engine's store: what their config says, and whether a build gave the right one."""

import json
from collections.abc import Callable
from typing import Any, Final

from keynet.errors import EngineError
from keynet.oci import base_config
from keynet.oci.platform import Platform
from keynet.plan import BaseFacts, BuildPlan, Recipe
from keynet.process import shell
from keynet.runtime.engine import WorkingEngine
from keynet.text import _, fill

__all__ = [
    "document",
    "expected_platform",
    "facts_or_pull",
    "failure",
    "fits",
    "inspect",
    "user_of",
    "wrong_platform",
]

_TIMEOUT_S: Final = 120.0


def inspect(command: shell.Command) -> BaseFacts | None:
    """Return the facts of an image; None if the engine does not have it.

    Args:
        command: Prints the image as JSON: an object, or a list of one.
    """
    found = document(shell.run(command, timeout_s=_TIMEOUT_S))
    return base_config.read_inspected(found) if found else None


def document(found: shell.Finished) -> dict[str, Any]:
    """Return what such a command has printed; empty if it failed."""
    if found.status != 0:
        return {}
    try:
        printed = json.loads(found.stdout)
    except (ValueError, RecursionError):
        return {}
    if isinstance(printed, list):
        printed = printed[0] if printed else None
    return printed if isinstance(printed, dict) else {}


def facts_or_pull(command: shell.Command, pull: Callable[[], object]) -> BaseFacts | None:
    """Return the facts of an image; pull it if the engine lacks it.

    Args:
        command: See ``inspect``.
        pull: Pulls the image as the build would; its failure is not an error.

    Returns:
        None if the image cannot be pulled. The build then reports what is wrong.
    """
    found = inspect(command)
    if found is None:
        pull()
        found = inspect(command)
    return found


def user_of(plan: BuildPlan, command: shell.Command, pull: Callable[[], object]) -> str | None:
    """Return the base image's user, "" for root; None if the image cannot be pulled.

    Args:
        command: See ``inspect``.
        pull: See ``facts_or_pull``.
    """
    facts = plan.base_facts or facts_or_pull(command, pull)
    return facts.user if facts is not None else None


def expected_platform(plan: BuildPlan, engine: WorkingEngine) -> Platform | None:
    """Return the platform that the built image must have; None where any is right.

    A Containerfile whose FROM names a platform itself may give an image of that platform.
    """
    if isinstance(plan.recipe, Recipe) or not any(
        each.name == "FROM" and each.arguments.startswith("--platform")
        for each in plan.recipe.instructions
    ):
        if plan.platforms:
            return plan.platforms[0]
        return Platform("linux", engine.architecture) if engine.architecture else None
    return None


def failure(finished: shell.Finished) -> str:
    """Return the output of a failed command, never empty; "" if it succeeded."""
    if finished.status == 0:
        return ""
    return finished.stderr.strip() or finished.stdout.strip() or f"exit status {finished.status}"


def fits(command: shell.Command, wanted: Platform | None) -> bool:
    """Report whether an image has this platform; True where it is not known.

    Args:
        command: See ``inspect``.
    """
    facts = inspect(command) if wanted is not None else None
    return facts is None or wanted is None or facts.platform.matches(wanted)


def wrong_platform(engine: WorkingEngine, built: Platform, wanted: Platform) -> EngineError:
    """Return the error of a build whose image has another platform than it should."""
    return EngineError(
        fill(
            _("{engine} built an image for {built}, not for {wanted}, so it is not used."),
            engine=engine.how,
            built=built,
            wanted=wanted,
        ),
        fill(
            _(
                "Its store has images of another platform under the same names. Choose that "
                "platform with --platform, or remove them: {engine} image prune"
            ),
            engine=engine.name,
        ),
    )
