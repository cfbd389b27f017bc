"""A check as a value: what was examined, what was found, and how to fix it."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

from keynet.errors import KeynetError
from keynet.frozen import frozen

__all__ = ["BACKEND", "ENGINE", "LOGIN", "Check", "Group", "Repair", "failed"]

# Exit statuses of a push that would fail; see docs/reference/exit-statuses.md.
ENGINE: Final = 4
BACKEND: Final = 5
LOGIN: Final = 6

_NUMBERS: Final = re.compile(r"\d+(?:[.:]\d+)*(?: [kMGT]?B)?")


class Group(StrEnum):
    """What a check is about."""

    MACHINE = "machine"
    ENGINES = "engines"
    PLATFORM = "platform"


@frozen
class Repair:
    """What keynet can do itself, without root.

    ``what`` says it for people: a command or a sentence. ``act`` raises a KeynetError or an
    OSError if it fails; None for a login, which asks questions of its own. ``server_url`` is where
    to log in, "" if that is not known.
    """

    what: str
    act: Callable[[], None] | None
    server_url: str = ""


@frozen
class Check:
    """The result of one check.

    Args:
        ok: False if it keeps keynet from working, or will soon.
        found: One line for people.
        fix: What to do next, of one or more lines; "" if ``ok``.
        status: The exit status of a push that fails because of this; 0 if it does not.
        measured: ``found`` has a number that changes all the time, such as free space.
    """

    name: str
    group: Group
    ok: bool
    found: str
    fix: str = ""
    status: int = 0
    measured: bool = False
    repair: Repair | None = None

    def to_json(self) -> dict[str, Any]:
        """Return one entry of ``checks`` (docs/reference/command-line.md)."""
        return {
            "name": self.name,
            "group": self.group.value,
            "ok": self.ok,
            "found": self.found,
            "fix": self.fix,
        }

    def same_as(self, other: "Check | None") -> bool:
        """Report whether another result differs in nothing but a measured number."""
        if other is None or (self.ok, self.fix) != (other.ok, other.fix):
            return False
        if self.measured:
            return _NUMBERS.sub("", self.found) == _NUMBERS.sub("", other.found)
        return self.found == other.found


def failed(
    name: str, group: Group, error: KeynetError, *, status: int, repair: Repair | None = None
) -> Check:
    """Return the check that an error has ended.

    Args:
        status: For an error whose own exit status is not one of backend, registry or login.
    """
    own = error.exit_status if error.exit_status in (BACKEND, LOGIN) else status
    return Check(name, group, False, error.message, error.hint, own, repair=repair)
