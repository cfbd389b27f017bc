"""Built-in functions that inspect or change objects: isinstance, getattr, type, …"""

import ast
from collections.abc import Callable, Mapping
from typing import Final, cast

from keynet.script.interpreter.definitions import Class, EnumMember, Function, Instance, Module
from keynet.script.interpreter.evaluation import attribute_changes, attributes
from keynet.script.interpreter.lineage import class_member, lineage, outside_bases
from keynet.script.interpreter.machine import Handler, Machine, Native
from keynet.script.interpreter.names import doubt
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    BoundMethod,
    Descriptor,
    External,
    Generic,
    OneOf,
    Partial,
    Unknown,
    Value,
    is_constant,
    join,
    kind_of,
)

__all__ = ["INTROSPECTION"]


def _is_instance(run: Machine, given: Arguments) -> Value:
    value, wanted = given.get("", 0), given.get("", 1)
    options = wanted if isinstance(wanted, tuple) else (wanted,)
    answers = [_is_one(value, option) for option in options]
    if True in answers:
        return True
    return Unknown("bool") if None in answers else False


_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "builtins.str": ("str",),
    "builtins.int": ("int", "bool"),
    "builtins.float": ("float",),
    "builtins.bool": ("bool",),
    "builtins.list": ("list",),
    "builtins.tuple": ("list",),
    "builtins.dict": ("dict",),
}


# What dir() has of a class whose body is empty.
_OF_EVERY_CLASS: Final = frozenset([*dir(object), "__dict__", "__module__", "__weakref__"])
_SEQUENCES: Final = frozenset(
    ["Collection", "Container", "Iterable", "Reversible", "Sequence", "Sized", "object"]
)
_OF_TYPES: Final = frozenset(
    ["builtins.type", "types.UnionType", "types.GenericAlias", "typing._GenericAlias"]
)
_PLAIN_TYPES: Final = frozenset([*_KINDS, "builtins.set", "builtins.bytes", "builtins.NoneType"])


def _is_one(value: Value, option: Value) -> bool | None:  # noqa: PLR0911, PLR0912
    if isinstance(value, EnumMember):
        return _is_member(value, option)
    if isinstance(option, Class):
        if isinstance(value, Instance) and value.cls is not None:
            return any(one is option for one in lineage(value.cls)) or None
        return None if isinstance(value, (Unknown, OneOf, External)) else False
    if isinstance(option, External) and isinstance(value, Instance):
        known = value.is_a(option.name)
        if known is not None:
            return known
    if not isinstance(option, External) or isinstance(value, OneOf):
        return None
    if isinstance(value, Generic):
        return _is_generic(value, option.name)
    if option.name in _OF_TYPES and isinstance(value, (Class, External)):
        # Of a name from outside it is not known whether it is a class.
        plain = isinstance(value, Class) or value.name in _PLAIN_TYPES
        return option.name == "builtins.type" if plain else None
    if option.name == "builtins.NoneType" and not isinstance(value, (Unknown, External)):
        return value is None
    kinds = _KINDS.get(option.name)
    if kinds is None and isinstance(value, Instance):
        return _is_outside(value, option)
    if isinstance(value, (list, tuple)):
        return _is_sequence(value, option.name)
    if kinds is not None and isinstance(value, (Class, Function, Module, BoundMethod, Native)):
        return False
    kind = kind_of(value)
    if kinds is None or not kind or kind == "object":
        return None
    if isinstance(value, Unknown) and kind == "list":
        return None if "list" in kinds else False
    return kind in kinds


def _is_member(value: EnumMember, option: Value) -> bool | None:
    """Report whether a member of an Enum is an instance of a class."""
    if isinstance(option, Class):
        return any(one is option for one in lineage(value.cls))
    if not isinstance(option, External):
        return None
    outside = outside_bases(value.cls)
    if option.name in outside or option.name in ("builtins.object", "enum.Enum"):
        return True
    mixed = any(name.rpartition(".")[2] not in ("Enum", "Flag") for name in outside)
    return None if mixed or option.name not in _PLAIN_TYPES else False


def _is_sequence(value: "list[Value] | tuple[Value, ...]", name: str) -> bool:
    """Report whether a list or tuple is an instance of a class."""
    module, _dot, last = name.rpartition(".")
    if module in ("collections", "collections.abc", "typing") or last == "object":
        mutable = last in ("List", "MutableSequence") and isinstance(value, list)
        return mutable or last in _SEQUENCES or (last == "Tuple" and isinstance(value, tuple))
    return type(value).__name__ == last


def _is_generic(value: Generic, name: str) -> bool | None:
    """Report whether ``list[int]``, ``Optional[int]`` or ``int | None`` is an instance."""
    if name == "types.UnionType":
        return value.name == "types.UnionType"
    return False if name in (*_KINDS, "builtins.NoneType", "builtins.type") else None


def _is_outside(value: Instance, option: External) -> bool | None:
    """Report whether an object is an instance of a class outside the project."""
    outside = [] if value.cls is None else outside_bases(value.cls)
    if option.name in outside:
        return True
    known = value.native("__mro__")
    return option in known if isinstance(known, tuple) else None


def _dir(run: Machine, given: Arguments) -> Value:
    value = given.get("", 0)
    if isinstance(value, Module):
        scope = run.load(value)
        # Reading its modules adds names to a package.
        if scope is None or value.stars or value.package:
            return Unknown("list")
        return run.fresh(sorted(scope.names))
    cls = value.cls if isinstance(value, Instance) and type(value) is Instance else value
    if not isinstance(cls, Class) or outside_bases(cls) or _lists_itself(cls):
        return Unknown("list")
    if any(not isinstance(base, Class) for one in lineage(cls) for base in one.bases):
        return Unknown("list")
    names = {*_OF_EVERY_CLASS, *(name for one in lineage(cls) for name in one.namespace)}
    if any(isinstance(line, ast.AnnAssign) for one in lineage(cls) for line in one.node.body):
        names.add("__annotations__")
    if isinstance(value, Instance):
        if run.spoiled(value.attributes):
            return Unknown("list")
        names |= value.attributes.keys()
    run.limits.spend(len(names))
    return run.fresh(sorted(names))


def _lists_itself(cls: Class) -> bool:
    return class_member(cls, "__dir__") is not MISSING


def _get_attribute(run: Machine, given: Arguments) -> Value:
    name = given.get("", 1)
    if not isinstance(name, str):
        return UNKNOWN
    value = given.get("", 0)
    found = run.attribute(value, name)
    default = given.get("", 2)
    if default is not MISSING and isinstance(found, Unknown):
        if isinstance(value, Instance) and _lacks(run, value):
            return default
        return join(default, found)
    return found


def _lacks(run: Machine, value: Instance) -> bool:
    """Report whether an object has no other attributes than those that are known."""
    cls = value.cls
    if cls is None or outside_bases(cls) or run.spoiled(value.attributes):
        return False
    return all(class_member(cls, name) is MISSING for name in ("__getattr__", "__getattribute__"))


def _has_attribute(run: Machine, given: Arguments) -> Value:
    name, value = given.get("", 1), given.get("", 0)
    if isinstance(name, str) and isinstance(value, (Instance, Class, EnumMember)):
        found = run.attribute(value, name)
        if not isinstance(found, Unknown):
            return True
    return Unknown("bool")


def _set_attribute(run: Machine, given: Arguments) -> Value:
    value, name = given.get("", 0), given.get("", 1)
    if isinstance(name, str) and len(given.positional) == 3:
        run.assign_attribute(value, name, given.positional[2])
    elif isinstance(value, Instance):
        # Any attribute may be meant.
        doubt(run, cast("dict[Value, Value]", attributes.plain_attribute(run, value, "__dict__")))
    return None


def _delete_attribute(run: Machine, given: Arguments) -> Value:
    name = given.get("", 1)
    if isinstance(name, str):
        run.delete_attribute(given.get("", 0), name)
    return None


def _of_object(change: Callable[..., Value]) -> Handler:
    """Follow what ``object`` does where a class has a method of its own for it."""

    def follow(run: Machine, given: Arguments) -> Value:
        value, name = given.get("", 0), given.get("", 1)
        if not isinstance(value, (Instance, Class)):
            return UNKNOWN
        if isinstance(name, str):
            return change(run, value, name, *given.positional[2:3])
        if change is not attributes.plain_attribute and isinstance(value, Instance):
            # Any attribute may be meant.
            doubt(
                run, cast("dict[Value, Value]", attributes.plain_attribute(run, value, "__dict__"))
            )
        return UNKNOWN

    return follow


def _vars(run: Machine, given: Arguments) -> Value:
    value = given.get("", 0)
    known = isinstance(value, (Instance, Class, Module))
    return run.attribute(value, "__dict__") if known else UNKNOWN


def _type(run: Machine, given: Arguments) -> Value:
    value = given.get("", 0)
    if len(given.positional) != 1:
        return UNKNOWN
    if isinstance(value, Instance):
        return value.cls or UNKNOWN
    if isinstance(value, EnumMember):
        return value.cls
    known = kind_of(value) in ("str", "int", "float", "bool", "dict")
    if known or isinstance(value, (list, tuple)):
        name = type(value).__name__ if isinstance(value, (list, tuple)) else kind_of(value)
        return External(f"builtins.{name}")
    return External("builtins.NoneType") if value is None else UNKNOWN


def _callable(run: Machine, given: Arguments) -> Value:
    value = given.get("", 0)
    if isinstance(value, (Function, Class, BoundMethod, Native, Partial)):
        return True
    return False if is_constant(value) or isinstance(value, (list, dict)) else Unknown("bool")


def _descriptor(kind: str) -> Callable[[Machine, Arguments], Value]:
    def wrap(run: Machine, given: Arguments) -> Value:
        return Descriptor(kind, given.get("", 0))

    return wrap


_OF_OBJECT: Final[Mapping[str, Handler]] = {
    "__delattr__": _of_object(attribute_changes.remove_attribute),
    "__getattribute__": _of_object(attributes.plain_attribute),
    "__setattr__": _of_object(attribute_changes.store_attribute),
}
INTROSPECTION: Final[Mapping[str, Handler]] = {
    **{f"builtins.object.{name}": handler for name, handler in _OF_OBJECT.items()},
    **{
        f"builtins.{name}": handler
        for name, handler in {
            "callable": _callable,
            "classmethod": _descriptor("classmethod"),
            "getattr": _get_attribute,
            "hasattr": _has_attribute,
            "isinstance": _is_instance,
            "property": _descriptor("property"),
            "delattr": _delete_attribute,
            "setattr": _set_attribute,
            "staticmethod": _descriptor("staticmethod"),
            "dir": _dir,
            "type": _type,
            "vars": _vars,
        }.items()
    },
}
