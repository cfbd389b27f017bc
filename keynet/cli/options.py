"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from keynet.text import _, fill

__all__ = [
    "BUILDERS", "TOKEN_HOST", "build_options", "json_option", "output_options", "pairs",
    "script_argument",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])
BUILDERS = ["auto", "docker", "podman", "buildah", "direct"]
INSTALLERS = ["auto", "uv", "pip"]
TOKEN_HOST = click.option(
    "--token-host",
    "token_hosts",
    metavar="HOST",
    multiple=True,
    help=_("Further host[:port] that may get the password for tokens; may be repeated."),
)


def _in_english(_ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> bool:
    if wanted:
        os.environ["LANGUAGE"] = "en"
    return wanted


def json_option(command: F) -> F:
    """Add ``--json``; what programs read is the same in every language."""
    return click.option(
        "--json", "as_json", is_flag=True, callback=_in_english, help=_("Print the result as JSON.")
    )(command)


def verbose_option(command: F) -> F:
    """Add ``--verbose``."""
    return click.option(
        "--verbose", "-v", is_flag=True, help=_("Also show the commands that keynet runs.")
    )(command)


def pairs(values: tuple[str, ...], flag: str) -> dict[str, str]:
    """Parse ``K=V`` values; the last one of a name wins, as in docker."""
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
    """Add the training script as an argument; the step checks it, not click."""
    return click.argument("entrypoint", type=click.Path(path_type=Path))(command)


def build_options(command: F) -> F:
    """Add the options of ``keynet push`` and ``keynet build`` that define the image."""
    path = click.Path(path_type=Path)
    for option in reversed(
        [
            click.option(
                "--builder",
                type=click.Choice(BUILDERS),
                help=_("Engine to build with.  [default: auto, the first that works]"),
            ),
            click.option(
                "--base-image", metavar="REF",
                help=_("Base image.  [default: from the script, else python:X.Y-slim]"),
            ),
            click.option(
                "--dockerfile", "-f", metavar="FILE", type=path,
                help=_("Use this Containerfile instead of a generated one; - reads stdin."),
            ),
            click.option(
                "--context", metavar="DIR", type=path,
                help=_("Folder to copy into the image.  [default: the project around the script]"),
            ),
            click.option(
                "--requirements", "-r", metavar="FILE", type=path,
                help=_("Requirements file.  [default: the project's own, see the manual]"),
            ),
            click.option(
                "--extra", "extras", metavar="NAME", multiple=True,
                help=_("Extra of the project to install too; may be repeated."),
            ),
            click.option(
                "--group", "groups", metavar="NAME", multiple=True,
                help=_("Dependency group of the project to install too; may be repeated."),
            ),
            click.option(
                "--installer",
                type=click.Choice(INSTALLERS),
                help=_("What installs the dependencies.  [default: auto, uv where it can]"),
            ),
            click.option(
                "--compression",
                type=click.Choice(["gzip", "zstd"]),
                help=_("Of layers built without an engine.  [default: gzip]"),
            ),
            click.option(
                "--cache-from", metavar="REF",
                help=_("Cache of layers in a registry, for builds without an engine."),
            ),
            click.option(
                "--cache-to", metavar="REF",
                help=_("Add the layers of packages to such a cache."),
            ),
            click.option(
                "--build-sdist", is_flag=True, default=None,
                help=_("Without an engine: build packages that have no wheel, on this machine."),
            ),
            click.option("--no-cache", is_flag=True, help=_("Do not use cached layers.")),
            click.option(
                "--strict", is_flag=True,
                help=_("Stop where the image would not train, instead of a warning."),
            ),
            click.option(
                "--platform", metavar="OS/ARCH",
                help=_("Target platform, such as linux/amd64.  [default: the engine's]"),
            ),
            click.option(
                "--build-arg", "build_args", metavar="K=V", multiple=True,
                help=_("Build argument for your own Containerfile; may be repeated."),
            ),
            click.option(
                "--secret", "secrets", metavar="id=ID,src=FILE", multiple=True,
                help=_("File for RUN --mount=type=secret in your Containerfile; may be repeated."),
            ),
            click.option(
                "--label", "labels", metavar="K=V", multiple=True,
                help=_("Label of the image; may be repeated."),
            ),
        ]
    ):  # fmt: skip
        command = option(command)
    return command


def output_options(command: F) -> F:
    """Add ``--json``, ``--verbose`` and ``--quiet``."""
    for option in reversed(
        [
            json_option,
            verbose_option,
            click.option("--quiet", "-q", is_flag=True, help=_("Show only warnings and errors.")),
        ]
    ):
        command = option(command)
    return command
