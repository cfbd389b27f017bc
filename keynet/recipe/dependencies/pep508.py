"""Requirements of PEP 508, checked, and what their markers mean in an image.

Images run Linux and CPython; which Python and machine they have is known only to the base.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Final

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion

from keynet.recipe.dependencies.declared import flat
from keynet.recipe.dependencies.folder import invalid
from keynet.text import printable

__all__ = ["PLACES", "both", "condition", "holds", "parse", "parsed", "specifiers", "usable"]

_PYTHONS: Final = tuple(f"3.{minor}" for minor in range(7, 16))
_MACHINES: Final = ("x86_64", "aarch64")
# Every Python and machine that an image may have.
PLACES: Final = tuple((python, machine) for python in _PYTHONS for machine in _MACHINES)
_LONGEST: Final = 20_000


def parsed(line: str, path: Path) -> Requirement:
    """Parse a requirement of a file.

    Raises:
        ContextInvalid: It is not valid.
    """
    try:
        return parse(line)
    except InvalidRequirement as error:
        raise invalid(path, printable(error, 300)) from error


def parse(line: str) -> Requirement:
    """Parse a requirement.

    Raises:
        InvalidRequirement: It is not valid.
    """
    if len(line) > _LONGEST:
        raise InvalidRequirement("the requirement is too long")
    try:
        return Requirement(flat(line))
    except (RecursionError, ValueError) as error:
        raise InvalidRequirement(printable(error, 300)) from error


def specifiers(text: str) -> SpecifierSet | None:
    """Parse version specifiers; None if they are not valid."""
    try:
        return SpecifierSet(text) if len(text) < _LONGEST else None
    except InvalidSpecifier:
        return None


def usable(requires_python: str) -> list[tuple[str, str]]:
    """Return those of ``PLACES`` that a ``requires-python`` admits; all if it is not valid."""
    admitted = specifiers(requires_python)
    kept = [
        place
        for place in PLACES
        if admitted is None or admitted.contains(f"{place[0]}.9", prereleases=True)
    ]
    return kept or list(PLACES)


@lru_cache(maxsize=100_000)
def holds(marker: str, place: tuple[str, str], extras: frozenset[str] = frozenset()) -> bool:
    """Report whether a marker is true in one of ``PLACES``; an invalid one is.

    Args:
        extras: Values of ``extra``; it is enough if the marker is true for one of them.
    """
    parsed_marker = _marker(marker)
    if parsed_marker is None:
        return True
    python, machine = place
    environment = {
        "implementation_name": "cpython",
        "implementation_version": f"{python}.9",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "6.0",
        "platform_system": "Linux",
        "platform_version": "#1",
        "python_full_version": f"{python}.9",
        "python_version": python,
        "sys_platform": "linux",
    }
    try:
        return any(
            parsed_marker.evaluate({**environment, "extra": extra}) for extra in {"", *extras}
        )
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion):
        return True


@lru_cache(maxsize=20_000)
def _marker(text: str) -> Marker | None:
    try:
        return Marker(text) if text and len(text) < _LONGEST else None
    except (InvalidMarker, RecursionError):
        return None


def both(*markers: str) -> str:
    """Return a marker that is true where all of these are; "" is true everywhere."""
    kept = list(dict.fromkeys(marker for marker in markers if marker))
    return kept[0] if len(kept) == 1 else " and ".join(f"({marker})" for marker in kept)


def condition(places: Iterable[tuple[str, str]], among: list[tuple[str, str]]) -> str:
    """Return a marker that is true in some of the places ``among``, and in no other of them."""
    wanted = set(places)
    if wanted >= set(among):
        return ""
    alternatives = []
    for machine in _MACHINES:
        pythons = [python for python, other in among if other == machine]
        chosen = [python for python in pythons if (python, machine) in wanted]
        if not chosen:
            continue
        marker = " or ".join(f'python_version == "{python}"' for python in chosen)
        if chosen == pythons:
            marker = ""
        alternatives.append((marker, machine))
    if len(alternatives) == len(_MACHINES) and len({marker for marker, _ in alternatives}) == 1:
        return alternatives[0][0]
    return " or ".join(
        "(" + both(marker, f'platform_machine == "{machine}"') + ")"
        for marker, machine in alternatives
    )
