"""Methods of sets."""

from collections.abc import Callable, Mapping
from typing import Final

from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import (
    UNKNOWN,
    Arguments,
    SetValue,
    Unknown,
    Value,
    is_constant,
)

__all__ = ["SET_METHODS", "not_followed"]


def _add(run: Machine, value: SetValue, given: Arguments) -> Value:
    item = given.get("item", 0)
    if is_constant(item) and run.may_change(value):
        value.items[item] = None
    else:
        run.spoil(value)
    return None


def _update_set(run: Machine, value: SetValue, given: Arguments) -> Value:
    for more in given.positional:
        items = run.iterate(more)
        if items is None or not all(is_constant(i) for i in items) or not run.may_change(value):
            run.spoil(value)
        else:
            value.items.update(dict.fromkeys(items))
    return None


def _take(run: Machine, value: SetValue, given: Arguments) -> Value:
    item = given.get("item", 0)
    if is_constant(item) and run.may_change(value) and not run.spoiled(value):
        value.items.pop(item, None)
    else:
        run.spoil(value)
    return None


def _clear_set(run: Machine, value: SetValue, given: Arguments) -> Value:
    if run.may_change(value):
        value.items.clear()
    else:
        run.spoil(value)
    return None


def not_followed(run: Machine, container: Value, given: Arguments) -> Value:
    """Stand for a method that is not followed: the content becomes unknown."""
    run.spoil(container)
    return UNKNOWN


def _combine(keep: Callable[[bool, bool], bool]) -> Callable[..., Value]:
    def combine(run: Machine, value: SetValue, given: Arguments) -> Value:
        if len(given.positional) > 1:
            return Unknown("list")
        items = run.iterate(given.get("other", 0, ()))
        mine = run.iterate(value)
        if items is None or mine is None or not all(is_constant(item) for item in items):
            return Unknown("list")
        theirs = set(items)
        every = [*mine, *(item for item in items if item not in value.items)]
        kept = [item for item in every if keep(item in value.items, item in theirs)]
        return run.fresh(SetValue(dict.fromkeys(kept)))

    return combine


SET_METHODS: Final[Mapping[str, Callable[..., Value]]] = {
    "add": _add,
    "clear": _clear_set,
    "difference_update": not_followed,
    "discard": _take,
    "intersection_update": not_followed,
    "pop": not_followed,
    "remove": _take,
    "symmetric_difference": _combine(lambda mine, other: mine is not other),
    "symmetric_difference_update": not_followed,
    "difference": _combine(lambda mine, other: mine and not other),
    "intersection": _combine(lambda mine, other: mine and other),
    "union": _combine(lambda mine, other: mine or other),
    "update": _update_set,
}
