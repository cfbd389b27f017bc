"""What a run needs, decided from its options, the image and the engine's host."""

import os
import shlex
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Any, Final

from keynet.errors import RunNotStarted
from keynet.files import owners
from keynet.frozen import frozen
from keynet.runtime.abilities import SystemFacts
from keynet.runtime.workspace.container_args import OUTPUT, ContainerRun
from keynet.runtime.workspace.labels import Labels
from keynet.runtime.workspace.limits import SMALLEST_MEMORY, Limits
from keynet.runtime.workspace.runtime_settings import RuntimeSettings
from keynet.runtime.workspace.safe_names import container_name, new_id
from keynet.text import _, fill, printable

__all__ = ["LIMITS", "RunOptions", "container", "missing_limits"]

# Those that a host may be unable to enforce.
LIMITS: Final = frozenset({"cpus", "memory"})
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


def container(
    image: str,
    config: Mapping[str, Any],
    facts: SystemFacts,
    options: RunOptions,
    shown: str,
    *,
    script: bool,
) -> ContainerRun:
    """Return the container that runs an image.

    Args:
        config: The image's; empty if it is not known.
        shown: The image's name for people.
        script: The image is a script's: its memory is half of the host's by default, and all
            arguments are the script's.

    Raises:
        RunNotStarted: Neither the image nor the options name a program.
    """
    command = _command(config, options.arguments, script=script)
    if config and not (command or config.get("Entrypoint") or config.get("Cmd")):
        raise RunNotStarted(
            fill(_("The image {name} has no command of its own."), name=printable(shown, 200)),
            _("Name the program: keynet run IMAGE -- PROGRAM"),
        )
    workspace = new_id()
    return ContainerRun(
        image=image,
        name=container_name(workspace),
        labels=Labels.now(workspace, printable(shown, 200)),
        limits=_limits(options.settings, facts, script=script),
        network=options.settings.network,
        command=command,
        environment=_environment(config, command, options.environment),
        mounts=options.mounts,
        gpus=options.gpus,
        output=options.output_from if options.output is not None else "",
        owner=owners.token(),
        user=str(config.get("User") or ""),
        working_folder=str(config.get("WorkingDir") or ""),
    )


def missing_limits(limits: Limits, facts: SystemFacts) -> frozenset[str]:
    """Return the limits that are wanted and that the engine's host cannot enforce."""
    wanted = {name for name in LIMITS if getattr(limits, name) is not None}
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


def _limits(settings: RuntimeSettings, facts: SystemFacts, *, script: bool) -> Limits:
    if script and "memory" not in settings.sources and facts.memory:
        half = facts.memory // 2
        # A number that people read at a glance.
        step = _QUARTER if half > _QUARTER else 1024**2
        return replace(settings.limits, memory=max(half // step * step, SMALLEST_MEMORY))
    return settings.limits
