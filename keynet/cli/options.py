"""Options that several commands share, and how their values are read."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from keynet.text import _, fill

__all__ = ["build_options", "output_options", "pairs", "script_argument"]

F = TypeVar("F", bound=Callable[..., Any])
BUILDERS = ["auto", "docker", "podman", "buildah"]


def pairs(values: tuple[str, ...], flag: str) -> dict[str, str]:
    """Read ``K=V`` values; a later one of the same name wins, as with docker."""
    found: dict[str, str] = {}
    for value in values:
        key, equals, content = value.partition("=")
        if not equals or not key:
            raise click.BadParameter(
                fill(_("{value!r} is not of the form NAME=VALUE."), value=value),
                param_hint=flag,
            )
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise click.BadParameter(
                fill(_("{value!r} is not UTF-8."), value=value), param_hint=flag
            ) from error
        found[key] = content
    return found


def script_argument(command: F) -> F:
    """Take the training script; what it may be is checked by the step, with better words."""
    return click.argument("entrypoint", type=click.Path(path_type=Path))(command)


def build_options(command: F) -> F:
    """Take what decides an image, as ``keynet push`` and ``keynet build`` do."""
    path = click.Path(path_type=Path)
    for option in reversed(
        [
            click.option(
                "--builder",
                type=click.Choice(BUILDERS),
                help=_("The engine that builds.  [default: auto, the first that works]"),
            ),
            click.option("--base-image", metavar="REF", help=_("Image to start from.")),
            click.option(
                "--dockerfile", "-f", metavar="FILE", type=path,
                help=_("Your own Containerfile, used as it is."),
            ),
            click.option(
                "--context", metavar="DIR", type=path,
                help=_("Folder that is copied into the image.  [default: the current one]"),
            ),
            click.option(
                "--requirements", "-r", metavar="FILE", type=path,
                help=_("What to install.  [default: requirements.txt or pyproject.toml]"),
            ),
            click.option("--no-cache", is_flag=True, help=_("Build every layer anew.")),
            click.option("--platform", metavar="OS/ARCH", help=_("For example linux/amd64.")),
            click.option("--build-arg", "build_args", metavar="K=V", multiple=True),
            click.option(
                "--secret", "secrets", metavar="id=ID,src=FILE", multiple=True,
                help=_("A file for RUN --mount=type=secret of your Containerfile."),
            ),
            click.option("--label", "labels", metavar="K=V", multiple=True),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


def output_options(command: F) -> F:
    """Take ``--json``, ``--verbose`` and ``--quiet``."""
    for option in reversed(
        [
            click.option("--json", "as_json", is_flag=True, help=_("Print one JSON object.")),
            click.option("--verbose", "-v", is_flag=True, help=_("Show the engine's commands.")),
            click.option("--quiet", "-q", is_flag=True, help=_("Show warnings and errors only.")),
        ]
    ):
        command = option(command)
    return command
