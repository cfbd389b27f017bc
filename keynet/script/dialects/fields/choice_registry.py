"""draccus: registries of classes, of which a field takes one by its registered name."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from keynet.script.dialects.fields.declaring import (
    Style,
    declare_all,
    declare_whole,
    members_of_union,
)
from keynet.script.dialects.fields.field import Field, class_fields
from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.lineage import lineage
from keynet.script.interpreter.machine import Declared, Machine, Native, NativeClass
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    Generic,
    Unknown,
    Value,
    join,
)
from keynet.text import _

__all__ = ["REGISTRIES", "declare_fields"]

_KEY: Final = "__registered__"
_MOST: Final = 300
_DEEPEST: Final = 6
_STYLE: Final = Style()


def _attribute(run: Machine, cls: Class, name: str) -> Value:
    """Return what a registry's classes inherit."""
    if name == "register_subclass":
        return Native(name, lambda run, given: _register(run, cls, given))
    if name == "get_known_choices":
        return Native(name, lambda run, _given: run.fresh(dict(_registered(cls))))
    if name == "get_choice_class":
        return Native(name, lambda _run, given: _registered(cls).get(given.get("name", 0), UNKNOWN))
    return MISSING


def _register(run: Machine, cls: Class, given: Arguments) -> Value:
    name = given.get("name", 0)

    def apply(run: Machine, inner: Arguments) -> Value:
        chosen = inner.get("subclass", 0, UNKNOWN)
        known = _registered(cls)
        if isinstance(chosen, Class) and isinstance(name, str) and len(known) < _MOST:
            known[name] = chosen
        return chosen

    if isinstance(name, str) and len(given.positional) > 1:
        return apply(run, given.after(1))
    return Native("register_subclass", apply)


def _registered(cls: Class) -> dict[Value, Value]:
    """Return the classes registered in a registry, by name; it is the topmost class of its line."""
    top = list(lineage(cls))[-1]
    held = top.namespace.setdefault(_KEY, {})
    assert isinstance(held, dict)
    return held


def _registry_of(annotation: Value) -> Class | None:
    if isinstance(annotation, Generic) and annotation.name.endswith(
        ("Optional", "Union", "UnionType")
    ):
        found = [_registry_of(part) for part in annotation.arguments]
        return next((one for one in found if one is not None), None)
    if not isinstance(annotation, Class):
        return None
    top = list(lineage(annotation))[-1]
    derived = any(
        isinstance(base, External) and base.name.endswith(("ChoiceRegistry", "PluginRegistry"))
        for base in top.bases
    ) or any(
        isinstance(base, Generic) and base.name.endswith(("ChoiceRegistry", "PluginRegistry"))
        for base in top.bases
    )
    return annotation if derived else None


def declare_fields(
    run: Machine,
    fields: list[Field],
    prefix: str = "",
    depth: int = 0,
    *,
    files: bool = False,
) -> Iterator[Declared]:
    """Declare the fields of a configuration; of a registry's classes those of each.

    Args:
        files: Each configuration in it has an option for a file of its own.
    """
    style = replace(_STYLE, whole="Config file for {name}") if files else _STYLE
    for field in fields:
        registry = _registry_of(field.annotation)
        if registry is None or depth > _DEEPEST:
            inner = members_of_union(field.annotation)
            if inner and depth < _DEEPEST and field.default is MISSING:
                yield from declare_whole(style, field, f"{prefix}{field.name}")
                for cls in inner:
                    below = f"{prefix}{field.name}."
                    own = class_fields(run, cls)
                    yield from declare_fields(run, own, below, depth + 1, files=files)
            else:
                yield from declare_all(run, [field], style, prefix)
            continue
        run.load_unread(r"\.register_subclass\(")
        yield from declare_whole(style, field, f"{prefix}{field.name}")
        yield from _declare_choice(run, field, registry, style, prefix, depth)


def _declare_choice(
    run: Machine, field: Field, registry: Class, style: Style, prefix: str, depth: int
) -> Iterator[Declared]:
    known = dict(_registered(registry))
    default = field.default.cls if isinstance(field.default, Instance) else None
    chosen = next((name for name, cls in known.items() if cls is default), None)
    notes = [] if known else [_("{name} selects a class that is not known.")]
    name = f"{prefix}{field.name}.type"
    yield Declared(
        name, "str", chosen, field.default is MISSING, field.help, list(known) or None,
        field.line, field.file, notes,
    )  # fmt: skip
    found: dict[str, Declared] = {}
    ordered = sorted(known.values(), key=lambda cls: cls is not default)
    for cls in ordered:
        if not isinstance(cls, Class):
            continue
        owner = field.default if cls is default else MISSING
        below = f"{prefix}{field.name}."
        for one in declare_all(run, class_fields(run, cls), style, below, owner, depth + 1):
            # Only the chosen class asks for it.
            one.required = one.required and len(known) == 1
            if one.name not in found:
                found[one.name] = one
            elif default is None:
                _join(found[one.name], one)
    yield from found.values()


def _join(one: Declared, other: Declared) -> None:
    """Keep what two classes say of a field of the same name, where either may be chosen."""
    one.default = join(one.default, other.default)
    one.kind = one.kind if one.kind == other.kind else ""
    one.choices = one.choices if one.choices == other.choices else Unknown("list")


def _bare(cls: Class | None) -> Instance:
    return Instance(cls)


_REGISTRY: Final = NativeClass(_bare, _attribute)
REGISTRIES: Final = {
    f"{module}.{name}": _REGISTRY
    for module in ("draccus", "draccus.choice_types")
    for name in ("ChoiceRegistry", "PluginRegistry")
}
