"""Set and delete attributes."""

from typing import cast

from keynet.script.interpreter.definitions import Class, Function, Instance, Module, content_of
from keynet.script.interpreter.evaluation.attributes import bound
from keynet.script.interpreter.lineage import class_member
from keynet.script.interpreter.machine import Machine, Native
from keynet.script.interpreter.names import doubt, fix_imported
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    Descriptor,
    External,
    OneOf,
    Unknown,
    Value,
    join,
)

__all__ = ["assign_attribute", "delete_attribute", "remove_attribute", "store_attribute"]


def assign_attribute(run: Machine, value: Value, name: str, new: Value) -> None:
    """Set an attribute, by the ``__setattr__`` of its class or the ``__set__`` of a descriptor."""
    if isinstance(value, Instance) and value.cls is not None:
        own = class_member(value.cls, "__setattr__")
        if own is not MISSING:
            run.call(bound(run, own, value, value.cls), Arguments((name, new)))
            return
        described = class_member(value.cls, name)
        if isinstance(described, Instance) and described.cls is not None:
            setter = class_member(described.cls, "__set__")
            if setter is not MISSING:
                run.call(bound(run, setter, described, described.cls), Arguments((value, new)))
                return
    store_attribute(run, value, name, new)


def store_attribute(  # noqa: PLR0911, PLR0912
    run: Machine, value: Value, name: str, new: Value
) -> None:
    """Set an attribute as ``object`` does; join it with the old value where that is uncertain."""
    match value:
        case Instance() if name in ("__class__", "__dict__"):
            _replace(run, value, name, new)
            return
        case Function() if name in ("__defaults__", "__kwdefaults__"):
            _replace_defaults(run, value, name, new)
            return
        case Instance():
            native = value.native(name)
            if isinstance(new, Unknown) and isinstance(native, Native):
                return
            target = value.attributes
            if value.cls is not None and isinstance(class_member(value.cls, name), Descriptor):
                # What a property's setter stores is not followed.
                new = UNKNOWN
            certain = run.sure_for(value)
            if not certain and name not in target:
                old = native if value.cls is None else class_member(value.cls, name)
                old = native if old is MISSING else old
                new = new if old is MISSING else join(old, new)
        case Function():
            target, certain = value.attributes, _is_sure(run, value)
            if not certain and name not in target:
                new = join(new, UNKNOWN)
        case Class():
            target, certain = value.namespace, _is_sure(run, value)
            if not certain and name not in target:
                old = class_member(value, name)
                new = join(new, UNKNOWN if old is MISSING else old)
        case Module():
            scope = run.load(value)
            if scope is None:
                return
            fix_imported(run, value, name)
            target, certain = scope.names, not run.region and not run.passed_over(value)
        case External(name="sys") if name == "argv":
            run.replace_command_line(new)
            return
        case OneOf():
            for item in value.values:
                if isinstance(item, Instance):
                    old = item.attributes.get(name, MISSING)
                    if old is MISSING and item.cls is not None:
                        old = class_member(item.cls, name)
                    new = run.kept_by(new, item)
                    item.attributes[name] = UNKNOWN if old is MISSING else join(old, new)
            return
        case _:
            return
    run.kept_by(new, value)
    target[name] = new if certain or name not in target else join(target[name], new)


def _replace(run: Machine, value: Instance, name: str, new: Value) -> None:
    """Follow ``value.__class__ = cls`` and ``value.__dict__ = names``, which may be itself."""
    names = content_of(new)
    certain = run.sure_for(value)
    if certain and name == "__class__" and isinstance(new, Class):
        value.cls = new
    elif certain and name == "__dict__" and isinstance(names, dict):
        value.attributes = cast("dict[str, Value]", names)
        run.mirrors[id(names)] = names, value
    else:
        doubt(run, cast("dict[Value, Value]", run.attribute(value, "__dict__")))


def _parameters(function: Function) -> int:
    """Return how many parameters may have a default by their position."""
    given = function.node.args
    return len(given.posonlyargs) + len(given.args)


def _replace_defaults(run: Machine, function: Function, name: str, new: Value) -> None:
    certain = _is_sure(run, function)
    if name == "__kwdefaults__":
        known = isinstance(new, dict) and certain and not run.spoiled(new)
        known = known and isinstance(new, dict) and all(isinstance(name, str) for name in new)
        function.keyword_defaults = (
            cast("dict[str, Value]", new)
            if known
            else dict.fromkeys(function.keyword_defaults, UNKNOWN)
        )
    elif certain and isinstance(new, tuple) and len(new) <= _parameters(function):
        function.defaults = new
    elif certain and new is None:
        function.defaults = ()
    else:
        function.defaults = (UNKNOWN,) * len(function.defaults)


def delete_attribute(run: Machine, value: Value, name: str) -> None:
    """Follow ``del value.name``, by the ``__delattr__`` of its class."""
    cls = value.cls if isinstance(value, Instance) else None
    own = MISSING if cls is None else class_member(cls, "__delattr__")
    if isinstance(value, Instance) and cls is not None and own is not MISSING:
        run.call(bound(run, own, value, cls), Arguments((name,)))
    else:
        remove_attribute(run, value, name)


def remove_attribute(run: Machine, value: Value, name: str) -> None:
    """Delete an attribute as ``object`` does: what its class or a base has is seen again."""
    behind: Value
    match value:
        case Instance():
            target, certain = value.attributes, run.sure_for(value)
            behind = MISSING if value.cls is None else class_member(value.cls, name)
        case Class():
            target, certain = value.namespace, _is_sure(run, value)
            behind = next(
                (class_member(one, name) for one in value.bases if isinstance(one, Class)), MISSING
            )
        case Function():
            target, certain, behind = value.attributes, _is_sure(run, value), MISSING
        case OneOf():
            for one in value.values:
                with run.uncertain():
                    delete_attribute(run, one, name)
            return
        case _:
            return
    if certain:
        target.pop(name, None)
    elif name in target:
        target[name] = join(target[name], UNKNOWN if behind is MISSING else behind)


def _is_sure(run: Machine, value: Function | Class) -> bool:
    return not run.region and not run.passed_over(value)
