"""Read annotations: the type, choices and metadata of a parameter or field."""

import ast
from dataclasses import replace
from typing import Final

from keynet.frozen import frozen
from keynet.script.conversion import converter_kind, element_kind, is_strange
from keynet.script.interpreter.definitions import Class, Scope
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import (
    UNKNOWN,
    External,
    Generic,
    OneOf,
    Unknown,
    Value,
)
from keynet.text import _, fill, printable

__all__ = ["Described", "describe", "describe_value", "notes_on"]

_MANY: Final = frozenset(
    ["List", "list", "Sequence", "Iterable", "Tuple", "tuple", "Set", "set", "FrozenSet",
     "frozenset", "Collection", "MutableSequence"]
)  # fmt: skip
_LONGEST: Final = 1_000
_DEEPEST: Final = 12


@frozen
class Described:
    """The type of a parameter; ``kind`` is "" for any type that is not reported.

    ``many`` is set for a list; ``extras`` is the metadata of ``Annotated``; ``known`` is False
    for an annotation that is missing or not understood, and ``unknown`` is set where its value
    is not known; ``type`` is the innermost type.
    """

    kind: str = ""
    choices: Value = None
    optional: bool = False
    many: bool = False
    extras: tuple[Value, ...] = ()
    known: bool = True
    unknown: bool = False
    type: Value = UNKNOWN


def describe(run: Machine, node: ast.expr | None, scope: Scope) -> Described:
    """Read the annotation of a parameter or field."""
    if node is None:
        return Described(known=False)
    return describe_value(run, run.evaluate(node, scope), scope)


def describe_value(run: Machine, value: Value, scope: Scope, depth: int = 0) -> Described:  # noqa: PLR0911
    """Read an annotation that is already evaluated."""
    run.limits.spend(1)
    if depth > _DEEPEST:
        return Described(known=False)
    if isinstance(value, str):
        return _from_text(run, value, scope, depth)
    if isinstance(value, Generic):
        return _generic(run, value, scope, depth)
    if value is None:
        return Described(optional=True)
    if isinstance(value, Class):
        members = run.members(value)
        if members:
            values = [member.value for member in members]
            return Described(element_kind(values) or "str", list(members), type=value)
        return Described(converter_kind(run, value), type=value)
    if isinstance(value, External):
        last = value.name.rpartition(".")[2]
        if last in _MANY:
            return Described("str", many=True, type=value)
        if last in ("Any", "Optional", "Union"):
            return Described(known=False, type=value)
        return Described(converter_kind(run, value), type=value)
    unknown = isinstance(value, OneOf | Unknown)
    return Described(known=False, unknown=unknown, type=value)


def notes_on(run: Machine, described: Described) -> list[str]:
    """Return a note on a type from outside the project, which may be an enum."""
    if not isinstance(described.type, External) or described.choices is not None:
        return []
    name = described.type.name
    if not described.known or "." not in name or not is_strange(run, described.type):
        return []
    text = _("The type of {name}, {type}, is not read: its choices are unknown.")
    return [fill(text, name="{name}", type=printable(name, 100))]


def _from_text(run: Machine, text: str, scope: Scope, depth: int) -> Described:
    if len(text) > _LONGEST:
        return Described(known=False)
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Described(known=False)
    return describe_value(run, run.evaluate(node, scope), scope, depth + 1)


def _generic(run: Machine, value: Generic, scope: Scope, depth: int) -> Described:  # noqa: PLR0911
    last = value.name.rpartition(".")[2]
    arguments = value.arguments
    if not arguments:
        return Described(known=False)
    if last == "Annotated":
        inner = describe_value(run, arguments[0], scope, depth + 1)
        return replace(inner, extras=(*inner.extras, *arguments[1:]))
    if last == "Literal":
        flat = _literals(arguments)
        return Described(element_kind(list(flat)) or "str", list(flat), type=value)
    if last in ("Optional", "Union", "UnionType"):
        return _union(run, arguments, scope, depth, optional=last == "Optional")
    if last in _MANY:
        parts = [
            describe_value(run, part, scope, depth + 1)
            for part in arguments
            if part != External("builtins.Ellipsis")
        ]
        kinds = {part.kind for part in parts}
        first = parts[0] if parts else Described("str")
        if any(part.choices is not first.choices for part in parts):
            first = replace(first, choices=None)
        return replace(first, kind=kinds.pop() if len(kinds) == 1 else "str", many=True)
    if last in ("ClassVar", "Final", "Required", "NotRequired", "InitVar", "Type", "type"):
        return describe_value(run, arguments[0], scope, depth + 1)
    if len(arguments) == 1 and last not in ("Callable", "Dict", "dict"):
        # Other libraries wrap a type: tyro.conf.Positional[int], jaxtyping.
        return describe_value(run, arguments[0], scope, depth + 1)
    return Described("str", type=value)


def _literals(arguments: tuple[Value, ...]) -> tuple[Value, ...]:
    flat: list[Value] = []
    for part in arguments:
        nested = isinstance(part, Generic) and part.name.endswith("Literal")
        flat.extend(_literals(part.arguments) if nested and isinstance(part, Generic) else [part])
    return tuple(flat)


def _union(
    run: Machine, arguments: tuple[Value, ...], scope: Scope, depth: int, *, optional: bool
) -> Described:
    parts = [describe_value(run, part, scope, depth + 1) for part in arguments]
    real = [part for part, value in zip(parts, arguments, strict=True) if value is not None]
    real = [part for part in real if not _is_none_type(part.type)]
    optional = optional or len(real) < len(parts) or any(part.optional for part in real)
    if not real:
        return Described(known=False, optional=True)
    kinds = {part.kind for part in real}
    kind = "float" if kinds == {"int", "float"} else kinds.pop() if len(kinds) == 1 else "str"
    return replace(real[0], kind=kind, optional=optional)


def _is_none_type(value: Value) -> bool:
    return isinstance(value, External) and value.name.endswith("NoneType")
