"""Read ``--build-arg K=V`` and refuse secrets, which would stay in the image's history."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from keynet.confidential import is_suspicious
from keynet.errors import UsageError
from keynet.text import _, fill, printable

__all__ = ["check_length", "parse"]

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
# Linux starts no program with an argument of more than 128 KiB, or with 2 MiB in all.
_LONGEST: Final = 120_000
_MOST: Final = 1_000_000


def check_length(option: str, name: str, text: str) -> int:
    """Return the length of a value that an engine gets as an argument, in bytes.

    Args:
        option: Of the engine and of keynet, for the error.

    Raises:
        UsageError: No program can be started with it.
    """
    size = len(text.encode("utf-8", "surrogateescape"))
    if size > _LONGEST:
        raise UsageError(
            fill(
                _("{option} {name} is longer than {limit} bytes, and engines cannot take it."),
                option=option,
                name=printable(name, 100),
                limit=_LONGEST,
            ),
            _("Put long values into a file of the context."),
        )
    return size


def parse(arguments: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return build arguments in the order given; the last of a name counts.

    As with docker, ``NAME`` alone takes its value from the environment, and is ignored when
    it is not set there.

    Raises:
        UsageError: The name is not valid, or name or value look like a secret, or are too long
            for an engine. The value is not shown.
    """
    parsed: dict[str, str] = {}
    size = 0
    for argument in arguments:
        name, equals, value = argument.partition("=")
        size += check_length("--build-arg", name, argument)
        if size > _MOST:
            raise UsageError(
                fill(_("The build arguments are longer than {limit} bytes."), limit=_MOST),
                _("Put long values into a file of the context."),
            )
        if not re.fullmatch(_NAME, name):
            raise UsageError(
                fill(_("--build-arg {name!r}: the name is not valid."), name=printable(name, 100)),
                _("Write it as --build-arg NAME=VALUE."),
            )
        if not equals:
            if name not in environment:
                continue
            value = environment[name]
        if is_suspicious(name, value, "variable"):
            raise UsageError(
                fill(
                    _(
                        "The build argument {name} looks like a secret; build arguments stay "
                        "readable in the image's history."
                    ),
                    name=name,
                ),
                fill(
                    _(
                        "Pass it as --secret id={id},src=FILE and use it by "
                        "RUN --mount=type=secret,id={id} in your Containerfile."
                    ),
                    id=name.lower(),
                ),
            )
        parsed[name] = value
    return parsed
