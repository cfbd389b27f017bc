"""Copy the output of a container out of it, and remove it."""

from __future__ import annotations

import re
import shlex
import time
from typing import TYPE_CHECKING, Final

from keynet.errors import EngineError, EngineUnavailable, Interrupted, KeynetError
from keynet.process import shell
from keynet.runtime.probing.reasons import error_line, known_fix
from keynet.text import _, fill, stacked

if TYPE_CHECKING:
    from pathlib import Path

    from keynet.runtime.workspace.container_args import ContainerRun
    from keynet.runtime.workspace.container_run import ContainerCommands

__all__ = ["REMOVE_TIMEOUT_S", "copy_output", "remove"]

REMOVE_TIMEOUT_S: Final = 60.0
_COPY_TIMEOUT_S: Final = 24 * 3600.0
_GONE: Final = re.compile(r"no such container|no container with", re.IGNORECASE)


def copy_output(commands: ContainerCommands, run: ContainerRun, output: Path) -> None:
    """Copy what is in the output folder; the files belong to the caller.

    Raises:
        EngineError: It could not be copied; the container is still there.
    """
    # Engines take a relative path with a colon for a place in a container, "-" for their output.
    argv = ("cp", f"{run.name}:{run.output}/.", str(output.absolute()))
    said = ""
    try:
        done = shell.run(
            shell.Command(
                (*commands.questions.prefix, *argv),
                environment=commands.questions.environment,
                tidying=True,
            ),
            timeout_s=_COPY_TIMEOUT_S,
        )
        if done.status != 0:
            said = error_line(done.stderr) or _("no message")
    except Interrupted:
        said = _("it was interrupted")
    except KeynetError as error:
        said = error.message
    if said:
        copy = shlex.join((*commands.questions.prefix, *argv))
        raise EngineError(
            fill(
                _("The output of {name} could not be copied to {folder}: {said}"),
                name=run.name,
                folder=output,
                said=said,
            ),
            fill(
                _(
                    "It is still in the container. Copy it with: {copy}\n"
                    "Then remove the container with: keynet clean"
                ),
                copy=copy,
            ),
        )


def remove(commands: ContainerCommands, name: str, timeout_s: float = REMOVE_TIMEOUT_S) -> None:
    """Kill and remove the container; one that does not exist is not an error.

    Raises:
        EngineUnavailable: The engine does not answer.
        EngineError: It refuses.
    """
    argv = (*commands.questions.prefix, *commands.remove, name)
    command = shell.Command(argv, environment=commands.questions.environment, tidying=True)
    said = ""
    for tries_left in (1, 0):
        try:
            done = shell.run(command, timeout_s=timeout_s)
        except EngineError as error:
            said = error.message
            break
        if done.status == 0 and not _GONE.search(done.stderr):
            return
        said = done.stderr
        if not _GONE.search(said):
            break
        said = ""
        if tries_left:
            # A daemon may still be making what its client was killed for.
            time.sleep(0.2)
    if said:
        fix = known_fix(commands.questions.guide, said)
        raise EngineUnavailable(
            fill(
                _("{engine} could not remove the container {name}: {said}"),
                engine=commands.name,
                name=name,
                said=error_line(said) or said,
            ),
            stacked(fix, _("Then remove the container with: keynet clean"))
            if fix
            else _("When the engine answers again, remove it with: keynet clean"),
        )
