"""Read the options of one run: variables, GPUs, the output folder. Pure."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from keynet.errors import InvalidRunSettings
from keynet.runtime.workspace.container_args import OUTPUT, is_read_by_clients
from keynet.text import _, fill, printable

__all__ = ["output_folder", "parse_gpus", "parse_variables"]

_GPUS: Final = re.compile(r"all|[A-Za-z0-9][A-Za-z0-9:._-]*(?:,[A-Za-z0-9][A-Za-z0-9:._-]*)*")


def parse_variables(texts: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return variables of ``NAME=VALUE``, or of ``NAME`` with the value that it has here.

    One without a value that is not set here is left out, as docker does.

    Raises:
        InvalidRunSettings: No name, or a value that cannot be passed.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        # podman takes NAME* for every variable of this shell that begins so.
        if not re.fullmatch(r"[^\s*]+", name) or not name.isprintable():
            raise InvalidRunSettings(
                fill(
                    _("--env {text} has no valid name of a variable."),
                    text=repr(printable(name, 60)),
                ),
                _("For example: --env SEED=1, or --env HF_TOKEN for the value of this shell."),
            )
        if not equals:
            if name not in environment:
                continue
            value = environment[name]
        if "\0" in value or ("\n" in value and is_read_by_clients(name)):
            raise InvalidRunSettings(
                fill(_("The value of --env {name} has a line break."), name=printable(name, 60)),
                _("Pass it in a file: --mount file:/run/value:ro"),
            )
        found[name] = value
    return found


def parse_gpus(text: str) -> str:
    """Return ``all``, or numbers or ids of GPUs with commas between.

    Raises:
        InvalidRunSettings: Something else.
    """
    wanted = text.strip().removeprefix("device=")
    if _GPUS.fullmatch(wanted):
        return wanted
    raise InvalidRunSettings(
        fill(_("--gpus {text} is not valid."), text=repr(printable(text, 60))),
        _("Use --gpus all, or the numbers of GPUs: --gpus 0,1"),
    )


def output_folder(text: str) -> tuple[Path, str]:
    """Return the folder here, and the one in the container, of ``DIR`` or ``DIR:FROM``.

    Raises:
        InvalidRunSettings: ``FROM`` is not the absolute path of a folder.
    """
    folder, colon, inside = text.rpartition(":/")
    if not colon:
        folder, inside = text, OUTPUT
    else:
        inside = f"/{inside.strip('/')}"
    if not folder or inside == "/" or ":" in inside or ".." in inside.split("/"):
        raise InvalidRunSettings(
            fill(_("--output {text} is not valid."), text=repr(printable(text, 200))),
            _("For example: --output results, or --output results:/workspace/outputs"),
        )
    return Path(folder), inside
