"""The table of what keynet has left, for ``keynet ps`` and ``keynet clean``."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from keynet.cli.tables import print_rows
from keynet.steps.cleaning.leftover import Kind, Leftover, State
from keynet.text import N_, _, fill, size

__all__ = ["age_of", "print_leftovers"]

_KINDS: Final = {
    Kind.PROCESS: N_("process"),
    Kind.PROGRAM: N_("program"),
    Kind.CONTAINER: N_("container"),
    Kind.BUILD: N_("build container"),
    Kind.NETWORK: N_("network"),
    Kind.IMAGE: N_("image"),
    Kind.FOLDER: N_("folder"),
    Kind.STORE: N_("store"),
    Kind.CACHE: N_("cache"),
}
_STATES: Final = {State.IN_USE: N_("in use"), State.LEFT: N_("left"), State.KEPT: N_("kept")}
_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR


def print_leftovers(found: Sequence[Leftover], *, err: bool = False) -> None:
    """Print them with kind, name, engine, age, size and what has become of them."""
    now = datetime.now(UTC)
    print_rows(
        [_("Kind"), _("Name"), _("Engine"), _("Age"), _("Size"), _("State")],
        [
            (
                _(_KINDS[each.kind]),
                each.name,
                each.engine,
                age_of(each.created, now),
                "" if each.size is None else size(each.size),
                _(_STATES[each.state]),
            )
            for each in found
        ],
        err=err,
    )


def age_of(created: datetime | None, now: datetime) -> str:
    """Return how long ago something was made: ``3 min``; "" if nobody knows."""
    if created is None:
        return ""
    seconds = max(0, int((now - created).total_seconds()))
    for unit, text in ((_DAY, _("{n} d")), (_HOUR, _("{n} h")), (_MINUTE, _("{n} min"))):
        if seconds >= unit:
            return fill(text, n=seconds // unit)
    return fill(_("{n} s"), n=seconds)
