"""What one file declares, and what of it is wanted: the values of this room."""

import re
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from keynet.events import Notice
from keynet.frozen import frozen

__all__ = ["Declared", "Selection", "canonical", "flat"]

_NO_PINS: Mapping[str, str] = MappingProxyType({})


@frozen
class Selection:
    """The extras and dependency groups to install, in any spelling."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def has_extra(self, name: str) -> bool:
        """Report whether an extra is wanted."""
        return canonical(name) in map(canonical, self.extras)

    def has_group(self, name: str) -> bool:
        """Report whether a group is wanted."""
        return canonical(name) in map(canonical, self.groups)


@frozen
class Declared:
    """What one file declares.

    ``lines`` and ``constraints`` are lines of a requirements file in the folder of ``name``;
    ``extras`` and ``groups`` are those that the file has. ``project`` is "" or ``.`` with extras
    if the folder itself is a project whose modules must be importable; it gets metadata too if it
    ``is_package``. ``pins`` has the URL of the only index for a package, by canonical name.
    ``notices`` name what could not be used.
    """

    name: str
    lines: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    extras: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    project: str = ""
    is_package: bool = False
    is_locked: bool = False
    pins: Mapping[str, str] = field(default_factory=lambda: _NO_PINS, repr=False)
    notices: tuple[Notice, ...] = field(default=(), repr=False)

    def unknown(self, selection: Selection) -> list[str]:
        """Return the flags of what is wanted, but not in this file."""
        extras, groups = set(map(canonical, self.extras)), set(map(canonical, self.groups))
        return [
            *(f"--extra {name}" for name in selection.extras if canonical(name) not in extras),
            *(f"--group {name}" for name in selection.groups if canonical(name) not in groups),
        ]


def flat(line: str) -> str:
    """Return a line of a requirements file from a string, which may contain line breaks."""
    return " ".join(line.split())


def canonical(name: str) -> str:
    """Return the name of a distribution, extra or group as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]++", "-", name).lower()
