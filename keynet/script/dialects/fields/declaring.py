"""Declare arguments from fields, with the differences between the libraries."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from keynet.frozen import frozen
from keynet.script.conversion import element_kind
from keynet.script.dialects.fields.field import Field, class_fields
from keynet.script.interpreter.definitions import Class, EnumMember, Instance
from keynet.script.interpreter.knowledge.annotations import notes_on
from keynet.script.interpreter.lineage import lineage
from keynet.script.interpreter.machine import Declared, Machine
from keynet.script.interpreter.values import MISSING, UNKNOWN, External, Generic, Unknown, Value
from keynet.text import _, fill

__all__ = ["Style", "declare_all", "declare_whole", "members_of_union"]

_DEEPEST: Final = 6


@frozen
class Style:
    """How a library turns fields into arguments.

    Args:
        nested: Fields of a class that is a field's type become arguments too.
        prefixed: Those are named ``optim.lr`` instead of ``lr``.
        enum_names: Enum members are written by name, not by value.
        false_flags: A bool without a default defaults to False instead of being required.
        whole: Help of an option for a class with fields as a whole, with ``{name}``; "" for none.
        metadata_choices: The choices are those of the field's metadata.
        refine: Returns a field as the library's annotations change it, None for one left out.
    """

    nested: bool = True
    prefixed: bool = True
    enum_names: bool = True
    false_flags: bool = False
    whole: str = ""
    metadata_choices: bool = False
    refine: Callable[[Machine, Field], Field | None] | None = None


def declare_all(
    run: Machine,
    fields: list[Field],
    style: Style,
    prefix: str = "",
    owner: Value = MISSING,
    depth: int = 0,
) -> Iterator[Declared]:
    """Declare an argument for each field; classes of the project are expanded.

    Args:
        owner: The object whose attributes are the defaults, MISSING when there is none.
    """
    for one in fields:
        run.limits.spend(1)
        refined = one if style.refine is None else style.refine(run, one)
        if refined is None:
            continue
        field = refined
        part = field.name if field.part is None else field.part
        above = "" if field.bare else prefix
        default = field.default
        if isinstance(owner, Instance) and field.name in owner.attributes:
            default = owner.attributes[field.name]
        if default in (External("builtins.Ellipsis"), External("tyro.MISSING")):
            default = MISSING
        inner = members_of_union(field.annotation) if style.nested else []
        if inner and depth < _DEEPEST:
            flat = field.flat or not style.prefixed
            below = "" if flat else f"{above}{part}." if part else above
            if field.single and isinstance(default, Instance) and default.cls in inner:
                inner = [default.cls]
            if default is None:
                text = _("{name} is null as a whole unless one of its arguments is given.")
                run.note(field.line, fill(text, name=f"{above}{field.name}"), field.file)
            if not flat:
                yield from declare_whole(style, field, f"{above}{part}")
            for cls in inner:
                instance = default if isinstance(default, Instance) else MISSING
                matching = isinstance(instance, Instance) and instance.cls is cls
                yield from declare_all(
                    run,
                    class_fields(run, cls),
                    replace(style, prefixed=False) if flat else style,
                    below,
                    instance if matching else MISSING,
                    depth + 1,
                )
        else:
            yield _declared(run, field, style, f"{above}{part or field.name}", default)


def declare_whole(style: Style, field: Field, name: str) -> Iterator[Declared]:
    """Declare the option that takes all fields of a class, as a file or as JSON, if there is one.

    Each of them may then be given there instead.
    """
    if style.whole:
        text = style.whole.replace("{name}", field.name)
        yield Declared(name, "str", None, help=text, line=field.line, file=field.file)


def members_of_union(annotation: Value) -> list[Class]:
    """Return the classes with fields that an annotation allows."""
    if isinstance(annotation, Generic):
        last = annotation.name.rpartition(".")[2]
        if last in ("Optional", "Union", "UnionType"):
            return [cls for part in annotation.arguments for cls in members_of_union(part)]
        if last in ("Annotated", "Final") or annotation.name.startswith("tyro.conf."):
            return members_of_union(annotation.arguments[0]) if annotation.arguments else []
        return []
    if isinstance(annotation, Class) and _has_fields(annotation):
        return [annotation]
    return []


def _has_fields(cls: Class) -> bool:
    if any(isinstance(value, EnumMember) for value in cls.namespace.values()):
        return False
    return any(isinstance(node, ast.AnnAssign) for one in lineage(cls) for node in one.node.body)


def _declared(run: Machine, field: Field, style: Style, name: str, default: Value) -> Declared:
    described = field.described
    required = default is MISSING
    kind, choices = described.kind, described.choices
    if not described.known:
        unknown = described.unknown or isinstance(default, Unknown)
        kind = "" if unknown else element_kind(default) or "str"
    elif not kind:
        kind = "str"
    if kind == "bool" and required and style.false_flags and not described.many:
        default, required = False, False
    if field.info.keywords.get("choices") is not None:
        choices = field.info.keywords["choices"]
    elif style.metadata_choices and choices is None:
        metadata = field.info.keywords.get("metadata")
        if isinstance(metadata, dict):
            choices = UNKNOWN if run.spoiled(metadata) else metadata.get("choices")
    members = run.iterate(choices) if choices is not None else None
    if members and all(isinstance(member, EnumMember) for member in members):  # noqa: SIM102
        if style.enum_names:
            kind, choices = "str", [m.name for m in members if isinstance(m, EnumMember)]
            default = _named(run, default)
    notes = [] if choices is not None else notes_on(run, described)
    if field.info.open:
        notes.append(_("Part of the declaration of {name} is unknown."))
    return Declared(
        name,
        kind,
        None if required else default,
        required,
        field.help,
        choices,
        field.line,
        field.file,
        notes,
    )


def _named(run: Machine, value: Value) -> Value:
    if isinstance(value, EnumMember):
        return value.name
    if isinstance(value, list | tuple):
        return run.fresh([_named(run, item) for item in value])
    return value
