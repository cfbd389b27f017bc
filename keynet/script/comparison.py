"""Compare two lists of hyperparameters, as read from scripts or pushed images."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from keynet.frozen import frozen

__all__ = ["Change", "Comparison", "compare"]

_FIELDS: Final = ("type", "default", "required", "choices")
_Argument = Mapping[str, Any]


@frozen
class Change:
    """One field of an argument that both have: ``type``, ``default``, ``required``, ``choices``."""

    name: str
    field: str
    old: Any
    new: Any


@frozen
class Comparison:
    """What differs: arguments that only one has, and changed fields; each in source order."""

    added: tuple[_Argument, ...] = ()
    removed: tuple[_Argument, ...] = ()
    changed: tuple[Change, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether both take the same values under the same names."""
        return not (self.added or self.removed or self.changed)

    def to_json(self) -> dict[str, Any]:
        """Return ``{"equal", "added", "removed", "changed"}``; changes are grouped by name."""
        changed: dict[str, dict[str, Any]] = {}
        for change in self.changed:
            fields = changed.setdefault(change.name, {"name": change.name})
            fields[change.field] = {"old": change.old, "new": change.new}
        return {
            "equal": self.equal,
            "added": [dict(argument) for argument in self.added],
            "removed": [dict(argument) for argument in self.removed],
            "changed": list(changed.values()),
        }


def compare(old: Sequence[_Argument], new: Sequence[_Argument]) -> Comparison:
    """Return what changed from one list of arguments in the JSON form to another.

    Order, help texts and the order of choices do not count.
    """
    before = {str(argument.get("name")): argument for argument in reversed(old)}
    after = {str(argument.get("name")): argument for argument in reversed(new)}
    return Comparison(
        added=tuple(after[name] for name in reversed(after) if name not in before),
        removed=tuple(before[name] for name in reversed(before) if name not in after),
        changed=tuple(
            Change(name, field, before[name].get(field), after[name].get(field))
            for name in reversed(after)
            if name in before
            for field in _FIELDS
            if _comparable(field, before[name].get(field))
            != _comparable(field, after[name].get(field))
        ),
    )


def _comparable(field: str, value: Any) -> str:
    """Return a text that is the same for equal values; True is not 1, and 1 is 1.0."""
    if field == "required":
        value = bool(value)
    if field == "choices" and isinstance(value, list):
        value = sorted({str(choice) for choice in value})
    return json.dumps(_numbers(value), sort_keys=True)


def _numbers(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    return value
