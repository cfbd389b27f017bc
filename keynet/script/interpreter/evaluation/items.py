"""Evaluate ``value[key]`` and ``value[start:stop]``, and iterate over values."""

from typing import Final

from keynet.script.interpreter.definitions import (
    Class,
    Container,
    EnumMember,
    Function,
    Instance,
)
from keynet.script.interpreter.evaluation.attributes import bound
from keynet.script.interpreter.evaluation.iterators import content
from keynet.script.interpreter.evaluation.operations import MAX_ITEMS
from keynet.script.interpreter.knowledge.constants import machine_dependent
from keynet.script.interpreter.lineage import class_member, outside_bases
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import (
    HERE,
    MISSING,
    UNKNOWN,
    Arguments,
    BoundMethod,
    External,
    Generic,
    Iterator,
    Leftover,
    OneOf,
    Partial,
    SetValue,
    Unknown,
    Value,
    is_constant,
    join,
    join_all,
    kind_of,
    merge_kinds,
)

__all__ = [
    "is_named_tuple",
    "item_of",
    "items_of",
    "iterator_of",
    "slice_of",
    "starts_here",
]

_INDEX_ERROR: Final = External("builtins.IndexError")
_KEY_ERROR: Final = External("builtins.KeyError")
_MOST_VALUES: Final = 64
_MOST_CALLED: Final = 12


def item_of(run: Machine, value: Value, key: Value) -> Value:  # noqa: PLR0911, PLR0912
    """Return one item, Unknown when container, key or content is unknown."""
    match value:
        case dict():
            return _of_dict(run, value, key)
        case Container() if class_attribute_of(value, "__getitem__") is MISSING:
            return _of_container(run, value, key)
        case list() | tuple() | str():
            return _of_sequence(run, value, key)
        case OneOf():
            return join_all([item_of(run, one, key) for one in value.values if one is not None])
        case Class():
            member = value.namespace.get(key) if isinstance(key, str) else None
            if isinstance(member, EnumMember):
                return member
            # A call of Generic[int] is a call of the class.
            return value
        case External(name="os.environ"):
            run.may_raise(_KEY_ERROR)
            return machine_dependent("os.environ")
        case External(name="sys.version_info") if key == 0:
            return 3
        case External(name="sys.modules") if isinstance(key, str):
            return run.import_name(key)
        case External(name="sys.argv"):
            return machine_dependent("sys.argv")
        case External():
            return Generic(value.name, key if isinstance(key, tuple) else (key,))
        case Generic():
            return value
        case Instance() if is_named_tuple(value):
            return item_of(run, list(value.attributes.values()), key)
        case Instance(cls=Class()):
            getter = run.attribute(value, "__getitem__")
            if not isinstance(getter, Unknown):
                return run.call(getter, Arguments((key,)))
        case Unknown():
            return Unknown(why=value.why)
    return UNKNOWN


def _of_container(run: Machine, value: Container, key: Value) -> Value:
    """Return an item of a dict or list of the project, else what ``__missing__`` returns."""
    items, own = value.items, class_attribute_of(value, "__missing__")
    if value.cls is None or own is MISSING or not isinstance(items, dict):
        return item_of(run, items, key)
    known = is_constant(key) and not run.spoiled(items)
    if known and key in items:
        return items[key]
    # It may add the key.
    missing, given = bound(run, own, value, value.cls), Arguments((key,))
    if known:
        return run.call(missing, given)
    with run.uncertain():
        made = run.call(missing, given)
    return join(item_of(run, items, key), made)


def _of_dict(run: Machine, value: dict[Value, Value], key: Value) -> Value:
    if isinstance(key, OneOf):
        return join_all([_of_dict(run, value, one) for one in key.values])
    if is_constant(key) or isinstance(key, (EnumMember, External, BoundMethod)):
        found = value.get(key, MISSING)
        if found is not MISSING:
            return found
    if is_constant(key) and not value and run.fill_registry(value):
        return _of_dict(run, value, key)
    if isinstance(key, Unknown) and 0 < len(value) <= _MOST_CALLED and not run.spoiled(value):
        called = list(value.values())
        if all(isinstance(one, (Function, Class, BoundMethod, Partial)) for one in called):
            return called[0] if len(called) == 1 else OneOf(tuple(called))
    run.may_raise(_KEY_ERROR)
    if isinstance(key, Unknown) and value and len(value) <= _MOST_VALUES and not run.spoiled(value):
        return Unknown(merge_kinds([kind_of(one) for one in value.values()]))
    return UNKNOWN


def _of_sequence(run: Machine, value: list[Value] | tuple[Value, ...] | str, key: Value) -> Value:
    if run.spoiled(value) or not isinstance(key, int) or (key >= 0 and starts_here(value)):
        return Unknown("str" if isinstance(value, str) else "")
    if -len(value) <= key < len(value):
        return value[key]
    run.may_raise(_INDEX_ERROR)
    return UNKNOWN


def items_of(run: Machine, value: Value) -> list[Value] | None:  # noqa: PLR0911
    """Return the items of a value in order, None when they are unknown."""
    if isinstance(value, list) and id(value) in run.views:
        return run.views[id(value)][1](run)
    if isinstance(value, (list, tuple, dict, SetValue)):
        items = list(value.items) if isinstance(value, SetValue) else list(value)
        if run.fill_registry(value):
            return items_of(run, value)
        run.limits.spend(len(items))
        return None if run.spoiled(value) else items
    if isinstance(value, Iterator):
        taken = content(run, value)
        return None if isinstance(taken, Unknown) else items_of(run, taken)
    if isinstance(value, str) and len(value) <= MAX_ITEMS and HERE not in value:
        run.limits.spend(len(value))
        return list(value)
    if isinstance(value, Class):
        return list(run.members(value)) or None
    if isinstance(value, Container) and class_attribute_of(value, "__iter__") is MISSING:
        return items_of(run, value.items)
    if isinstance(value, Instance) and is_named_tuple(value):
        return list(value.attributes.values())
    made = iterator_of(run, value)
    # What __next__ of an object returns is not followed.
    return None if made is value else items_of(run, made)


def iterator_of(run: Machine, value: Value) -> Value:
    """Return what the ``__iter__`` of an object of the project returns, any other value itself."""
    if isinstance(value, Instance) and value.cls is not None:
        method = class_member(value.cls, "__iter__")
        if method is MISSING:
            method = class_member(value.cls, "__aiter__")
        if method is not MISSING and not is_named_tuple(value):
            return run.call(method, Arguments((value,)))
    return value


def class_attribute_of(value: Instance, name: str) -> Value:
    """Return what the class of an object defines in the project, else MISSING."""
    return MISSING if value.cls is None else class_member(value.cls, name)


def is_named_tuple(value: Instance) -> bool:
    """Report whether an object is a named tuple."""
    return value.cls is not None and "typing.NamedTuple" in outside_bases(value.cls)


def starts_here(value: Value) -> bool:
    """Report whether a path, whole or in parts, starts at an unknown folder."""
    if isinstance(value, list):
        value = value[0] if value else None
    return isinstance(value, str) and HERE in value


def slice_of(run: Machine, value: Value, bounds: list[Value]) -> Value:
    """Return a slice of a list, tuple or string."""
    if isinstance(value, Leftover):
        return value
    if run.spoiled(value) or not isinstance(value, (list, tuple, str, bytes)):
        return Unknown(kind_of(value) if isinstance(value, (list, str)) else "")
    known = [bound for bound in bounds if bound is None or isinstance(bound, int)]
    if len(known) != 3 or known[2] == 0:
        return Unknown(kind_of(value))
    if starts_here(value) and any(bound is not None and bound >= 0 for bound in known):
        return Unknown(kind_of(value))
    run.limits.spend(min(len(value), MAX_ITEMS) // 16)
    part = value[slice(*known)]
    return run.fresh(part) if isinstance(part, list) else part
