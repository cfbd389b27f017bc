"""Methods of lists."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from keynet.script.interpreter.definitions import Class, Function, Instance
from keynet.script.interpreter.evaluation.operations import MAX_ITEMS, concrete
from keynet.script.interpreter.evaluation.set_methods import not_followed
from keynet.script.interpreter.lineage import class_member
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.names import assign_item
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    OneOf,
    Unknown,
    Value,
    is_constant,
)

__all__ = ["LIST_METHODS"]


def _append(run: Machine, items: list[Value], given: Arguments) -> Value:
    if run.may_change(items) and len(items) < MAX_ITEMS and given.positional:
        items.append(run.kept_by(given.positional[0], items))
    else:
        run.spoil(items)
        _add_perhaps(run, items, given.positional[:1])
    return None


def _add_perhaps(run: Machine, items: list[Value], more: Iterable[Value]) -> None:
    """Keep what a list may have, too: it may declare arguments when it is called."""
    for one in more:
        # Lists that hold others many times over take exponential time to compare.
        plain = isinstance(one, (External, Unknown))
        there = one in items if plain else any(one is other for other in items)
        if not is_constant(one) and not there and len(items) < MAX_ITEMS:
            items.append(run.kept_by(one, items))


def _extend(run: Machine, items: list[Value], given: Arguments) -> Value:
    more = run.iterate(given.get("iterable", 0))
    if more is not None and run.may_change(items) and len(items) + len(more) <= MAX_ITEMS:
        items.extend(run.kept_by(one, items) for one in more)
    else:
        run.spoil(items)
        _add_perhaps(run, items, more or ())
    return None


def _insert(run: Machine, items: list[Value], given: Arguments) -> Value:
    index = given.get("index", 0)
    if isinstance(index, int) and len(given.positional) == 2 and run.may_change(items):
        held = run.kept_by(given.positional[1], items)
        items.insert(max(min(index, MAX_ITEMS), -MAX_ITEMS), held)
    else:
        run.spoil(items)
        _add_perhaps(run, items, given.positional[1:2])
    return None


def _pop(run: Machine, items: list[Value], given: Arguments) -> Value:
    index = given.get("index", 0, -1)
    if isinstance(index, int) and run.may_change(items) and not run.spoiled(items):
        try:
            return items.pop(index)
        except (IndexError, OverflowError):
            return UNKNOWN
    run.spoil(items)
    return UNKNOWN


def _remove(run: Machine, items: list[Value], given: Arguments) -> Value:
    wanted = given.get("value", 0)
    at = _place(items, wanted) if _is_itself(wanted) else None
    if run.may_change(items) and is_constant(wanted) and concrete(items):
        if wanted in items:
            items.remove(wanted)
    elif run.may_change(items) and at is not None:
        del items[at]
    else:
        run.spoil(items)
    return None


def _is_itself(value: Value) -> bool:
    """Report whether a value is equal to itself alone."""
    if isinstance(value, Instance):
        return value.cls is None or class_member(value.cls, "__eq__") is MISSING
    return isinstance(value, (Class, Function))


def _place(items: list[Value], wanted: Value) -> int | None:
    """Return where an object is in a list, None if it may be at several places."""
    if any(isinstance(one, (Unknown, OneOf)) for one in items):
        return None
    return next((at for at, one in enumerate(items) if one is wanted), None)


def _reverse(run: Machine, items: list[Value], given: Arguments) -> Value:
    if run.may_change(items):
        items.reverse()
    else:
        run.spoil(items)
    return None


def _sort(run: Machine, items: list[Value], given: Arguments) -> Value:
    ordered = run.call(External("builtins.sorted"), given.before(items))
    if isinstance(ordered, list) and run.may_change(items):
        items[:] = ordered
    else:
        run.spoil(items)
    return None


def _fill(run: Machine, items: list[Value], given: Arguments) -> Value:
    """Follow ``list.__init__``."""
    return _extend(run, items, given) if given.positional else None


def _pop_first(run: Machine, items: list[Value], given: Arguments) -> Value:
    return _pop(run, items, Arguments((0,)))


def _insert_first(run: Machine, items: list[Value], given: Arguments) -> Value:
    return _insert(run, items, Arguments((0, *given.positional)))


def _set_index(run: Machine, items: list[Value], given: Arguments) -> Value:
    assign_item(run, items, given.get("", 0), given.get("", 1, UNKNOWN))
    return None


def _add_in_place(run: Machine, items: list[Value], given: Arguments) -> Value:
    _extend(run, items, given)
    return items


def _at(run: Machine, items: list[Value], given: Arguments) -> Value:
    return run.item(items, given.get("", 0))


LIST_METHODS: Final[Mapping[str, Callable[..., Value]]] = {
    "__delitem__": _pop,
    "__getitem__": _at,
    "__iadd__": _add_in_place,
    "__imul__": not_followed,
    "__init__": _fill,
    "__setitem__": _set_index,
    "append": _append,
    # These three are of a deque.
    "appendleft": _insert_first,
    "extendleft": not_followed,
    "popleft": _pop_first,
    "extend": _extend,
    "insert": _insert,
    "pop": _pop,
    "remove": _remove,
    "reverse": _reverse,
    "sort": _sort,
}
