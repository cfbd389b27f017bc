"""fire: the parameters of the functions and classes passed to it."""

from dataclasses import replace
from typing import Final

from keynet.script.dialects.command_line import CommandLine
from keynet.script.dialects.fields.declaring import Style, declare_all
from keynet.script.dialects.fields.field import (
    class_fields,
    function_fields,
    function_of,
    note_rest,
)
from keynet.script.interpreter.definitions import Class, Function, Instance
from keynet.script.interpreter.lineage import class_member, lineage
from keynet.script.interpreter.machine import Declared, Dialect, Machine
from keynet.script.interpreter.values import (
    MISSING,
    Arguments,
    BoundMethod,
    Descriptor,
    External,
    OneOf,
    Unknown,
    Value,
)
from keynet.text import _

__all__ = ["FIRE"]

_STYLE: Final = Style(nested=False, enum_names=False)
_DEEPEST: Final = 4


def _fire(run: Machine, given: Arguments) -> Value:
    command_line = CommandLine("fire", given)
    run.created(command_line)
    component = given.get("component", 0)
    if component is MISSING or component is None:
        text = _("Fire() without a component takes everything in the script. Pass it a component.")
        run.note(given.line, text, given.file)
    command_line.found.extend(_of_any(run, component))
    if isinstance(component, Unknown | External) or run.spoiled(component):
        run.note(given.line, _("The component passed to Fire() is unknown."), given.file)
    run.parsed(command_line)
    return Unknown()


def _of_any(run: Machine, component: Value) -> list[Declared]:
    """Return the parameters of all that a component may be; of several, none is required."""
    if not isinstance(component, OneOf):
        return _parameters(run, component)
    found = [declared for one in component.values for declared in _parameters(run, one)]
    return [
        replace(declared, required=False, certain=False, alternative=True) for declared in found
    ]


def _parameters(run: Machine, component: Value, depth: int = 0) -> list[Declared]:  # noqa: PLR0911
    """Return the parameters of a component, then those of its methods or items."""
    if depth > _DEEPEST:
        return []
    if isinstance(component, dict | list | tuple):
        members = component.values() if isinstance(component, dict) else component
        return [one for member in list(members) for one in _parameters(run, member, depth + 1)]
    match component:
        case OneOf():
            return _of_any(run, component)
        case Class():
            return _of_class(run, component)
        case Instance(cls=Class() as cls):
            return _of_methods(run, cls)
    function = function_of(component)
    if function is None:
        return []
    method = isinstance(component, BoundMethod)
    fields = function_fields(run, function, method=method, several=True)
    return list(declare_all(run, fields, _STYLE))


def _of_class(run: Machine, cls: Class) -> list[Declared]:
    initialise = class_member(cls, "__init__")
    if isinstance(initialise, Function):
        note_rest(run, initialise)
        fields = function_fields(run, initialise, method=True)
    else:
        fields = class_fields(run, cls)
    return [*declare_all(run, fields, _STYLE), *_of_methods(run, cls)]


def _of_methods(run: Machine, cls: Class) -> list[Declared]:
    found: list[Declared] = []
    for one in reversed(list(lineage(cls))):
        for name, value in one.namespace.items():
            static = isinstance(value, Descriptor) and value.kind == "staticmethod"
            function = function_of(value.function if isinstance(value, Descriptor) else value)
            skipped = isinstance(value, Descriptor) and value.kind.endswith("property")
            if function is not None and not name.startswith("_") and not skipped:
                note_rest(run, function)
                fields = function_fields(run, function, method=not static)
                found.extend(declare_all(run, fields, _STYLE))
    return found


FIRE: Final = Dialect({"fire.Fire": _fire, "fire.core.Fire": _fire})
