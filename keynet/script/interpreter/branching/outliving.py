"""What outlives a call, loop, turn or body of ``try`` that may be left early.

What only its names hold is copied where it is left: what comes after that place changes the
original. Whatever else can be reached from outside lives on. These are methods of the interpreter,
as functions.
"""

import operator
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from keynet.script.interpreter.definitions import Class, Function, Instance
from keynet.script.interpreter.machine import Machine, Young
from keynet.script.interpreter.values import (
    SCALARS,
    Arguments,
    BoundMethod,
    Coroutine,
    Descriptor,
    External,
    Iterator,
    OneOf,
    Partial,
    SetValue,
    Unknown,
    Value,
    is_constant,
)

__all__ = ["keep", "kept_by", "parted", "parted_names", "unchanged"]

_HOLDING_NOTHING = SCALARS | {External, Unknown}


class _Follower(Machine, Protocol):
    """``copies`` has each copy that was made, by its identity, with what it was made of."""

    copies: dict[int, tuple[Value, Value]]


def keep(run: _Follower, value: Value, frame: int) -> None:
    """Record that a value can be reached from outside a frame's successors.

    Args:
        frame: The call, loop, turn or body of ``try`` in which something holds it now.
    """
    if type(value) in _HOLDING_NOTHING or not run.frames:
        return
    waiting, seen = [value], set[int]()
    while waiting:
        one = waiting.pop()
        if type(one) in _HOLDING_NOTHING or id(one) in seen:
            continue
        seen.add(id(one))
        run.limits.spend(1)
        young = run.young.get(id(one))
        if young is not None:
            if young.frame <= frame:
                continue
            young.frame = frame
        elif isinstance(one, (list, dict, SetValue, Function)):
            # What is old holds nothing that is younger.
            continue
        waiting.extend(_held(run, one, frame))


def kept_by(run: _Follower, value: Value, holder: object) -> Value:
    """Record that something holds a value from now on; return the value."""
    if run.frames and type(value) not in _HOLDING_NOTHING:
        young = run.young.get(id(holder))
        keep(run, value, 0 if young is None else young.frame)
    return value


def _held(run: _Follower, value: Value, frame: int) -> Iterable[Value]:  # noqa: PLR0912
    """Iterate over what can be reached from a value by one step."""
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, (list, tuple)):
        yield from value
    elif isinstance(value, OneOf):
        yield from value.values
    elif isinstance(value, Function):
        yield from value.attributes.values()
        yield from value.parameter_defaults().values()
        scope = value.scope
        while scope.frame.number > frame:
            yield from scope.names.values()
            if scope.parent is None:
                break
            scope = scope.parent
    elif isinstance(value, BoundMethod):
        yield from (value.function, value.receiver)
    elif isinstance(value, Partial):
        yield from (value.function, value.arguments)
    elif isinstance(value, Arguments):
        yield from (*value.positional, *value.keywords.values())
    elif isinstance(value, Descriptor):
        yield value.function
    elif isinstance(value, Iterator):
        yield from (*value.holds, value.rest)
    elif isinstance(value, Coroutine):
        yield from (*value.holds, *value.parts, value.result)
    elif isinstance(value, Class):
        yield from value.namespace.values()
    elif isinstance(value, Instance):
        yield from value.attributes.values()
        for part in getattr(value, "__dict__", {}).values():
            yield part
            # What a dialect keeps in a list of its own is not known by itself.
            if isinstance(part, (list, dict)) and id(part) not in run.young:
                yield from part.values() if isinstance(part, dict) else part


def parted_names(run: _Follower, names: Mapping[str, Value], frame: int) -> dict[str, Value]:
    """Return names as they are where a frame may be left, which then goes on without it."""
    run.limits.spend(1 + len(names) // 16)
    alive = [value for value in names.values() if type(value) not in _HOLDING_NOTHING]
    if not alive or not run.young:
        return dict(names)
    _let_live(run, alive, frame)
    made: dict[int, Value] = {}
    return {name: _copied(run, value, frame, made) for name, value in names.items()}


def parted(run: _Follower, value: Value, frame: int) -> Value:
    """Return what leaves a frame early; what comes after this place does not change it."""
    if type(value) in _HOLDING_NOTHING or not run.young:
        return value
    _let_live(run, [value], frame)
    return _copied(run, value, frame, {})


def _let_live(run: _Follower, values: list[Value], frame: int) -> None:
    """Record that what cannot be copied outlives a frame."""
    waiting, seen = list(values), set[int]()
    while waiting:
        one = waiting.pop()
        if type(one) in _HOLDING_NOTHING or id(one) in seen:
            continue
        seen.add(id(one))
        run.limits.spend(1)
        if isinstance(one, (tuple, OneOf)) or _is_copied(run, one, frame):
            waiting.extend(_held(run, one, frame))
        else:
            keep(run, one, frame - 1)


def _is_copied(run: _Follower, value: Value, frame: int) -> bool:
    """Report whether a container is gone with a frame but for what its names hold."""
    if not isinstance(value, (list, dict, SetValue)) or run.spoiled(value):
        return False
    young = run.young.get(id(value))
    return young is not None and young.frame >= frame


def _copied(run: _Follower, value: Value, frame: int, made: dict[int, Value]) -> Value:
    """Return a copy of a container with those in it; ``made`` has the ones copied before."""
    if type(value) in _HOLDING_NOTHING:
        return value
    if id(value) in made:
        return made[id(value)]
    if isinstance(value, (tuple, OneOf)):
        items = value.values if isinstance(value, OneOf) else value
        copies = tuple(_copied(run, item, frame, made) for item in items)
        if all(map(operator.is_, copies, items)):
            return value
        return _as_copy(run, OneOf(copies) if isinstance(value, OneOf) else copies, value)
    if not _is_copied(run, value, frame):
        return value
    run.limits.spend(1)
    young = run.young[id(value)]
    copy: SetValue | dict[Value, Value] | list[Value]
    if isinstance(value, SetValue):
        copy = SetValue(dict(value.items))
    else:
        copy = {} if isinstance(value, dict) else []
    made[id(value)] = copy
    if isinstance(copy, dict) and isinstance(value, dict):
        copy.update({key: _copied(run, item, frame, made) for key, item in value.items()})
    elif isinstance(copy, list) and isinstance(value, list):
        copy.extend(_copied(run, item, frame, made) for item in value)
    run.young[id(copy)] = Young(copy, young.region, run.frames[-1], run.time)
    return _as_copy(run, copy, value)


def _as_copy(run: _Follower, copy: Value, value: Value) -> Value:
    run.copies[id(copy)] = copy, _original(run, value)
    return copy


def _original(run: _Follower, value: Value) -> Value:
    return run.copies.get(id(value), (None, value))[1]


def unchanged(run: _Follower, one: Value, other: Value) -> bool:
    """Report whether two values are the same one, copied and not changed since."""
    if is_constant(one):
        return type(one) is type(other) and one == other
    if one is other or not run.copies:
        return one is other
    if _original(run, one) is not _original(run, other) or run.spoiled(one) or run.spoiled(other):
        return False
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return _all_unchanged(run, one, other)
    first = one.items if isinstance(one, SetValue) else one
    second = other.items if isinstance(other, SetValue) else other
    if not isinstance(first, dict) or not isinstance(second, dict):
        return False
    return list(first) == list(second) and _all_unchanged(run, first.values(), second.values())


def _all_unchanged(run: _Follower, ones: Collection[Value], others: Collection[Value]) -> bool:
    run.limits.spend(len(ones) // 4)
    return len(ones) == len(others) and all(
        unchanged(run, one, other) for one, other in zip(ones, others, strict=True)
    )
