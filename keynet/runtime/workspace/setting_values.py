"""Read single values of runtime settings, as flags, variables and TOML have them. Pure."""

import math
from typing import Final

from keynet.errors import InvalidRunSettings, KeynetError
from keynet.oci.reference import Reference
from keynet.runtime.workspace.limits import invalid_value, parse_security_options
from keynet.text import _, fill

__all__ = ["image", "seconds", "security_options", "shell", "switch", "text"]

_LONGEST_S: Final = 86_400.0
_SHORTEST_S: Final = 0.1
_SWITCHES: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def text(value: object, source: str) -> str:
    """Return a text that is not empty and has no control characters."""
    if isinstance(value, str) and value.strip() and value.isprintable():
        return value.strip()
    raise invalid_value(source, value, _("is not a text"), _("Use one line of text, not empty."))


def switch(value: object, source: str) -> bool:
    """Return a boolean: ``true``, ``"1"``, ``"no"``."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and (found := _SWITCHES.get(value.strip().lower())) is not None:
        return found
    raise invalid_value(source, value, _("is neither true nor false"), _("Use true or false."))


def seconds(value: object, source: str) -> float:
    """Return a number of seconds: ``30``, ``2.5``, ``"30s"``."""
    number = math.nan
    if isinstance(value, str):
        written = value.strip().removesuffix("s")
        if written.replace(".", "", 1).isdecimal() and written.isascii():
            number = float(written)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(min(value, 2 * _LONGEST_S))
    if _SHORTEST_S <= number <= _LONGEST_S:
        return number
    raise invalid_value(
        source, value, _("is not a number of seconds"), _("Use a number from 0.1 to 86400.")
    )


def image(value: object, source: str) -> str:
    """Return the name of an image."""
    name = text(value, source)
    try:
        Reference.parse(name)
    except KeynetError as error:
        raise InvalidRunSettings(
            fill(_("{source}: {why}"), source=source, why=error.message), error.hint
        ) from error
    return name


def shell(value: object, source: str) -> str:
    """Return the path of a program in an image."""
    path = text(value, source)
    if path.startswith("/"):
        return path
    raise invalid_value(source, value, _("is not an absolute path"), _("Use a path like /bin/sh."))


def security_options(value: object, source: str) -> tuple[str, ...]:
    """Return security options: a list, or a text with commas or blanks between them."""
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    if isinstance(value, list | tuple):
        return parse_security_options(value, source)
    raise invalid_value(source, value, _("is not a list"), _('Use a list: ["no-new-privileges"].'))
