"""Set and delete attributes."""

from keynet.script.interpreter.definitions import Class, Function, Instance, Module
from keynet.script.interpreter.evaluation.attributes import class_member
from keynet.script.interpreter.machine import Machine, Native
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Descriptor,
    External,
    OneOf,
    Unknown,
    Value,
    join,
)

__all__ = ["assign_attribute", "delete_attribute"]


def assign_attribute(  # noqa: PLR0912
    run: Machine, value: Value, name: str, new: Value
) -> None:
    """Set an attribute; join it with the old value where the assignment is uncertain."""
    match value:
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


def delete_attribute(run: Machine, value: Value, name: str) -> None:
    """Follow ``del value.name``: what its class or a base has is seen again."""
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
