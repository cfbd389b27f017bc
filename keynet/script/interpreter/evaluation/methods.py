"""Methods of strings, lists, tuples, dicts and sets."""

from collections.abc import Callable, Mapping
from typing import Final

from keynet.script.interpreter.evaluation.list_methods import LIST_METHODS
from keynet.script.interpreter.evaluation.operations import MAX_TEXT, concrete
from keynet.script.interpreter.evaluation.set_methods import SET_METHODS, not_followed
from keynet.script.interpreter.evaluation.text_methods import text_method
from keynet.script.interpreter.machine import Handler, Machine, Native
from keynet.script.interpreter.names import assign_item, doubt, mirror, owner_of
from keynet.script.interpreter.values import (
    UNKNOWN,
    Arguments,
    SetValue,
    Unknown,
    Value,
    is_constant,
    join,
    kind_of,
)

__all__ = ["MAX_TEXT", "method"]


def method(value: Value, name: str) -> Value:
    """Return a bound method of a built-in value."""
    match value:
        case str():
            call = text_method(value, name)
        case list():
            call = _bound(_LIST, value, name)
        case dict():
            call = _bound(_DICT, value, name)
        case SetValue():
            call = _bound(SET_METHODS, value, name)
        case tuple():
            call = _bound(_TUPLE, value, name)
        case int() | float() if name in ("real", "imag"):
            return value if name == "real" else 0
        case int() if name in ("bit_count", "bit_length"):
            return Native(name, lambda _run, _given: getattr(value, name)())
        case _:
            return UNKNOWN
    return UNKNOWN if call is None else Native(name, call)


def _bound(table: Mapping[str, Callable[..., Value]], value: Value, name: str) -> Handler | None:
    function = table.get(name)
    if function is None:
        return None

    def call(run: Machine, given: Arguments) -> Value:
        if isinstance(value, (list, tuple, dict)):
            run.limits.spend(len(value) // 8)
        return function(run, value, given)

    return call


def _clear(run: Machine, items: "list[Value] | dict[Value, Value]", given: Arguments) -> Value:
    if run.may_change(items):
        items.clear()
    else:
        run.spoil(items)
    return None


def _copy(run: Machine, items: "list[Value] | dict[Value, Value]", given: Arguments) -> Value:
    if run.spoiled(items):
        return Unknown(kind_of(items))
    return run.fresh(list(items) if isinstance(items, list) else dict(items))


def _index(run: Machine, items: "list[Value] | tuple[Value, ...]", given: Arguments) -> Value:
    wanted = given.get("value", 0)
    if run.spoiled(items) or not concrete(items) or not is_constant(wanted):
        return Unknown("int")
    return items.index(wanted) if wanted in items else Unknown("int")


def _count(run: Machine, items: "list[Value] | tuple[Value, ...]", given: Arguments) -> Value:
    wanted = given.get("value", 0)
    if run.spoiled(items) or not concrete(items) or not is_constant(wanted):
        return Unknown("int")
    return items.count(wanted)


def _get(run: Machine, items: dict[Value, Value], given: Arguments) -> Value:
    key = given.get("key", 0)
    default = given.get("default", 1, None)
    if not is_constant(key):
        return UNKNOWN
    if key in items:
        return items[key]
    return join(default, UNKNOWN) if run.spoiled(items) else default


def _pop_key(run: Machine, items: dict[Value, Value], given: Arguments) -> Value:
    key = given.get("key", 0)
    default = given.get("default", 1, UNKNOWN)
    if not is_constant(key) or not run.may_change(items):
        value = items.get(key, default) if is_constant(key) else UNKNOWN
        if is_constant(key) and key in items:
            items[key] = join(value, UNKNOWN)
        run.spoil(items)
        return value
    if key in items:
        return items.pop(key)
    return UNKNOWN if run.spoiled(items) else default


def _set_default(run: Machine, items: dict[Value, Value], given: Arguments) -> Value:
    key, default = given.get("key", 0), given.get("default", 1, None)
    if not is_constant(key):
        run.spoil(items)
        return UNKNOWN
    if key not in items:
        if not run.may_change(items):
            run.spoil(items)
            default = join(default, UNKNOWN)
        items[key] = run.kept_by(default, items)
    return items[key]


def _get_present(run: Machine, items: dict[Value, Value], given: Arguments) -> Value:
    return run.item(items, given.get("key", 0))


def _set_key(run: Machine, items: dict[Value, Value], given: Arguments) -> Value:
    assign_item(run, items, given.get("key", 0), given.get("value", 1, UNKNOWN))
    return None


def _holds(run: Machine, items: dict[Value, Value], given: Arguments) -> Value:
    key = given.get("key", 0)
    if run.spoiled(items) or not is_constant(key):
        return Unknown("bool")
    return key in items


def _update(run: Machine, items: dict[Value, Value], given: Arguments) -> Value:
    more: dict[Value, Value] = {}
    other = given.get("", 0, {})
    if isinstance(other, dict):
        if run.spoiled(other):
            doubt(run, items)
        more.update(other)
    else:
        pairs = run.iterate(other)
        for pair in pairs if pairs is not None else [None]:
            if isinstance(pair, tuple) and len(pair) == 2 and is_constant(pair[0]):
                more[pair[0]] = pair[1]
            else:
                doubt(run, items)
    more.update(given.keywords)
    run.limits.spend(len(more))
    run.kept_by(tuple(more.values()), items)
    if given.open:
        doubt(run, items)
    owner = owner_of(run, items)
    if owner is not None and all(isinstance(key, str) for key in more):
        for key, value in more.items():
            run.store_attribute(owner, str(key), value)
    elif given.open or not run.may_change(items):
        run.spoil(items)
        for key, value in more.items():
            items[key] = join(items.get(key, UNKNOWN), value)
    else:
        items.update(more)
    mirror(run, items, more)
    return None


def _delete_key(run: Machine, items: dict[Value, Value], given: Arguments) -> Value:
    _pop_key(run, items, Arguments(given.positional[:1]))
    return None


def _number(run: Machine, items: "list[Value] | dict[Value, Value]", given: Arguments) -> Value:
    return Unknown("int") if run.spoiled(items) else len(items)


def _view(kind: str) -> Callable[..., Value]:
    def now(run: Machine, items: dict[Value, Value]) -> list[Value] | None:
        keys = run.iterate(items)
        if keys is None or kind == "keys":
            return keys
        if kind == "values":
            return [items[key] for key in keys]
        return [(key, items[key]) for key in keys]

    def view(run: Machine, items: dict[Value, Value], given: Arguments) -> Value:
        made = now(run, items)
        if made is None:
            return Unknown("list")
        run.fresh(made)
        # It has whatever is added to the dict later.
        run.views[id(made)] = made, lambda run: now(run, items)
        return made

    return view


_LIST: Final[Mapping[str, Callable[..., Value]]] = {
    **LIST_METHODS,
    "__len__": _number,
    "clear": _clear,
    "copy": _copy,
    "count": _count,
    "index": _index,
}
_TUPLE: Final[Mapping[str, Callable[..., Value]]] = {"count": _count, "index": _index}
_DICT: Final[Mapping[str, Callable[..., Value]]] = {
    "__contains__": _holds,
    "__delitem__": _delete_key,
    "__getitem__": _get_present,
    "__init__": _update,
    "__ior__": _update,
    "__len__": _number,
    "__setitem__": _set_key,
    "clear": _clear,
    "copy": _copy,
    "get": _get,
    "items": _view("items"),
    "keys": _view("keys"),
    "move_to_end": not_followed,
    "pop": _pop_key,
    "popitem": not_followed,
    "setdefault": _set_default,
    "update": _update,
    "values": _view("values"),
}
