"""Limits of a run as one value, and how they are written. Pure."""

import math
import re
from collections.abc import Iterable
from typing import Final

from keynet.errors import InvalidRunSettings
from keynet.frozen import frozen
from keynet.text import _, fill, printable

__all__ = [
    "NO_NEW_PRIVILEGES",
    "SMALLEST_MEMORY",
    "Limits",
    "invalid_value",
    "parse_cpus",
    "parse_memory",
    "parse_security_options",
    "shown_memory",
]

NO_NEW_PRIVILEGES: Final = "no-new-privileges"
# Below, docker refuses to start a container.
SMALLEST_MEMORY: Final = 6 * 1024**2

_FEWEST_CPUS: Final = 0.01
_MOST_CPUS: Final = 100_000.0
_LARGEST_MEMORY: Final = 2**63 - 1
_UNITS: Final = {"": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_SIZE: Final = re.compile(r"(\d{1,20}(?:\.\d{1,20})?) ?(b|[kmgtp](?:i?b)?)?", re.I | re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,20}(?:\.\d{0,20})?|\.\d{1,20}", re.ASCII)
# Names of docker's and podman's --security-opt, with whether a value follows.
_OPTIONS: Final = {
    "apparmor": True,
    "label": True,
    "mask": True,
    "no-new-privileges": False,
    "proc-opts": True,
    "seccomp": True,
    "systempaths": True,
    "unmask": True,
}


@frozen
class Limits:
    """What a run may use: ``cpus`` and ``memory`` (bytes) are None for no limit.

    ``read_only`` is the root file system, not the volumes. ``security_options`` are spelled as
    for ``--security-opt``.
    """

    cpus: float | None = 1.0
    memory: int | None = 512 * 1024**2
    privileged: bool = False
    read_only: bool = True
    security_options: tuple[str, ...] = (NO_NEW_PRIVILEGES,)

    def __post_init__(self) -> None:
        if self.cpus is not None:
            parse_cpus(self.cpus, "cpus")
        if self.memory is not None:
            parse_memory(self.memory, "memory")
        parse_security_options(self.security_options, "security_options")


def parse_cpus(value: object, source: str) -> float:
    """Return a number of CPUs: ``1``, ``0.5``, ``"1.5"``.

    Args:
        value: A number, or a text as a flag or a variable has it.
        source: Where it comes from, for the error.

    Raises:
        InvalidRunSettings: Not a number, or less than 0.01.
    """
    number = math.nan
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        number = float(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if abs(value) <= _MOST_CPUS else math.inf
    if _FEWEST_CPUS <= number <= _MOST_CPUS:
        return number
    raise invalid_value(
        source, value, _("is not a number of CPUs"), _("Use a number from 0.01 up: 1, 0.5, 2.")
    )


def parse_memory(value: object, source: str) -> int:
    """Return a size in bytes: ``"512m"``, ``"1.5 GiB"``, ``536870912``.

    Units are powers of 1024, as docker and podman read them: ``1 GB`` is ``1 GiB``.

    Args:
        value: A number of bytes, or a text as a flag or a variable has it.
        source: Where it comes from, for the error.

    Raises:
        InvalidRunSettings: Not a size, or less than 6 MiB.
    """
    size = -1
    if isinstance(value, str):
        if match := _SIZE.fullmatch(value.strip()):
            size = _bytes(match[1], match[2] or "")
    elif isinstance(value, int) and not isinstance(value, bool):
        size = value
    if SMALLEST_MEMORY <= size <= _LARGEST_MEMORY:
        return size
    reason = _("is not a size of memory")
    if 0 <= size < SMALLEST_MEMORY:
        reason = _("is less memory than a container can start with (6 MiB)")
    elif size > _LARGEST_MEMORY:
        reason = _("is more memory than there can be")
    raise invalid_value(source, value, reason, _("Use a number and a unit: 512m, 2g, 1.5 GiB."))


def parse_security_options(values: Iterable[object], source: str) -> tuple[str, ...]:
    """Return options of ``--security-opt``, each once, in the order in which they are given.

    Raises:
        InvalidRunSettings: An option that neither docker nor podman has, or one without its
            value.
    """
    found: list[str] = []
    for value in values:
        text = value.strip() if isinstance(value, str) else ""
        name, _mark, argument = text.replace(":", "=", 1).partition("=")
        if name not in _OPTIONS or "\0" in text or (_OPTIONS[name] and not argument):
            raise invalid_value(
                source,
                value,
                _("is not a security option"),
                fill(_("Known options: {names}."), names=", ".join(sorted(_OPTIONS))),
            )
        if name == NO_NEW_PRIVILEGES and argument not in ("", "true", "false"):
            raise invalid_value(
                source, value, _("is not a security option"), _("Use no-new-privileges alone.")
            )
        if text not in found:
            found.append(text)
    return tuple(found)


def invalid_value(source: str, value: object, reason: str, hint: str) -> InvalidRunSettings:
    """Return the error for a setting's value.

    Args:
        source: Where the value comes from: a flag, a variable, a file and its key.
        reason: How the sentence goes on after the value.
    """
    return InvalidRunSettings(
        fill(
            _("{source}: {value} {reason}."),
            source=source,
            value=repr(printable(value, 60)) if isinstance(value, str) else printable(value, 60),
            reason=reason,
        ),
        hint,
    )


def shown_memory(size: int) -> str:
    """Return a size as ``parse_memory`` reads it, for people: ``512m``, ``1.5g``, ``7777b``."""
    for unit, power in (("g", 3), ("m", 2), ("k", 1)):
        number = size / 1024**power
        if number >= 1 and (number * 4).is_integer():
            return f"{number:g}{unit}" if number < 100_000 else f"{number:.0f}{unit}"
    return f"{size}b"


def _bytes(number: str, unit: str) -> int:
    whole, _point, fraction = number.partition(".")
    factor: int = 1024 ** _UNITS[unit[:1].lower()]
    return int(whole) * factor + (int(fraction) * factor // 10 ** len(fraction) if fraction else 0)
