"""Dataclasses and NamedTuples: their fields and their generated constructor."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeGuard

from keynet.script.interpreter.definitions import Class, Instance, Module, Scope
from keynet.script.interpreter.lineage import class_member, lineage, outside_bases
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.values import MISSING, UNKNOWN, Arguments, External, Unknown, Value

__all__ = ["RECORDS", "annotations", "named_tuple", "set_fields", "written_type"]

# What an annotation says is neither a field of a dataclass nor a parameter of its constructor.
_NO_PARAMETERS: Final = frozenset(["ClassVar", "KW_ONLY"])
_NO_FIELDS: Final = _NO_PARAMETERS | {"InitVar"}


def annotations(cls: Class) -> dict[str, tuple[ast.expr, Class]]:
    """Return annotations by name, each with its class, those of bases first."""
    found: dict[str, tuple[ast.expr, Class]] = {}
    for one in reversed(list(lineage(cls))):
        for statement in one.node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                found[statement.target.id] = (statement.annotation, one)
    return found


def _record_fields(
    cls: Class, without: frozenset[str] = _NO_FIELDS
) -> dict[str, tuple[ast.expr, Class]]:
    """Return the annotations that are fields of a dataclass.

    Args:
        without: What the annotations of others are, as ``ClassVar`` in ``ClassVar[int]``.
    """
    return {name: one for name, one in annotations(cls).items() if _kind(one[0]) not in without}


def _kind(annotation: ast.expr) -> str:
    """Return the last name of an annotation, without what is in its brackets."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value.partition("[")[0].strip().rpartition(".")[2]
    while isinstance(annotation, ast.Subscript):
        annotation = annotation.value
    if isinstance(annotation, ast.Attribute):
        return annotation.attr
    return annotation.id if isinstance(annotation, ast.Name) else ""


def written_type(run: Machine, node: ast.expr, scope: Scope) -> Value:
    """Return what an annotation is at run time: its text if the module says so."""
    top = scope
    while top.parent is not None:
        top = top.parent
    if top.names.get("annotations") == External("__future__.annotations"):
        return node.id if isinstance(node, ast.Name) else ast.unparse(node)
    return run.evaluate(node, scope)


def set_fields(run: Machine, cls: Class, instance: Instance, given: Arguments) -> None:
    """Set the fields as the generated ``__init__`` of a dataclass or NamedTuple does."""
    names = list(_record_fields(cls, _NO_PARAMETERS))
    run.limits.spend(len(names))
    for name, value in zip(names, given.positional, strict=False):
        instance.attributes[name] = value
    for name in names:
        if name in given.keywords:
            instance.attributes[name] = given.keywords[name]
        elif name not in instance.attributes:
            default = UNKNOWN if given.open else _default(run, cls, name)
            if default is not MISSING:
                instance.attributes[name] = default


def _default(run: Machine, cls: Class, name: str) -> Value:
    """Return the default of a field, a new object if it has a factory."""
    value = class_member(cls, name)
    if isinstance(value, Instance) and value.cls is None:
        factory = value.native("default_factory")
        if factory is not MISSING:
            return run.call(factory, Arguments())
        return value.native("default") if type(value) is not Instance else value
    return value


def _class_of(value: Value) -> Class | None:
    if isinstance(value, Instance):
        value = value.cls
    return value if isinstance(value, Class) else None


def _fields(run: Machine, given: Arguments) -> Value:
    cls = _class_of(given.get("class_or_instance", 0))
    if cls is None:
        return UNKNOWN
    missing = External("dataclasses.MISSING")
    found: list[Value] = []
    for name, (annotation, owner) in _record_fields(cls).items():
        default = class_member(cls, name)
        factory: Value = MISSING
        metadata: Value = {}
        if isinstance(default, Instance) and type(default) is not Instance:
            info = default
            default, factory = info.native("default"), info.native("default_factory")
            metadata = info.native("metadata")
        found.append(
            Instance(
                None,
                {
                    "name": name,
                    "type": written_type(run, annotation, owner.scope),
                    "default": missing if default is MISSING else default,
                    "default_factory": missing if factory is MISSING else factory,
                    "metadata": {} if metadata is MISSING else metadata,
                },
            )
        )
    return run.fresh(found)


def _attrs_fields(run: Machine, given: Arguments) -> Value:
    """Return the fields of a class of attrs: the annotated ones, and those made by ``attr.ib``."""
    cls = _class_of(given.get("cls", 0))
    if cls is None or not any(_is_attrs(one) for one in lineage(cls)):
        return UNKNOWN
    hints = annotations(cls)
    made = [name for one in reversed(list(lineage(cls))) for name in one.namespace]
    names = [name for name in made if name not in hints and _is_made(class_member(cls, name))]
    run.limits.spend(len(made))
    found: list[Value] = []
    for name in [*hints, *names]:
        default = class_member(cls, name)
        kind: Value = None
        if name in hints:
            annotation, owner = hints[name]
            kind = written_type(run, annotation, owner.scope)
        if _is_made(default):
            kind = kind or default.native("type")
            default = _attrs_default(default)
        attributes = {
            "name": name,
            "type": None if kind is MISSING else kind,
            "default": External("attr.NOTHING") if default is MISSING else default,
        }
        found.append(Instance(None, attributes, run.region))
    return run.fresh(found)


def _is_attrs(cls: Class) -> bool:
    names = {"attr", "attrs", "define", "frozen", "mutable", "s", "dataclass"}
    for one in cls.decorators:
        if isinstance(one, External) and one.name.partition(".")[0] in ("attr", "attrs"):
            return one.name.rpartition(".")[2] in names
    # A decorator that is called is not known by its name any more.
    return any(isinstance(one, Unknown) for one in cls.decorators)


def _is_made(value: Value) -> TypeGuard[Instance]:
    return isinstance(value, Instance) and type(value) is not Instance and value.cls is None


def _attrs_default(made: Instance) -> Value:
    default, factory = made.native("default"), made.native("factory")
    return UNKNOWN if factory is not MISSING else default


def _attrs_by_name(run: Machine, given: Arguments) -> Value:
    fields = run.iterate(_attrs_fields(run, given))
    if fields is None:
        return UNKNOWN
    return run.fresh({run.attribute(field, "name"): field for field in fields})


def _tuple_fields(run: Machine, given: Arguments) -> Value:
    cls = _named_tuple_of(given)
    return UNKNOWN if cls is None else tuple(annotations(cls))


def _tuple_defaults(run: Machine, given: Arguments) -> Value:
    cls = _named_tuple_of(given)
    if cls is None:
        return UNKNOWN
    values = {name: class_member(cls, name) for name in annotations(cls)}
    return run.fresh({name: value for name, value in values.items() if value is not MISSING})


def _named_tuple_of(given: Arguments) -> Class | None:
    cls = given.get("cls", 0)
    named = isinstance(cls, Class) and "typing.NamedTuple" in outside_bases(cls)
    return cls if named and isinstance(cls, Class) else None


def _as_dict(run: Machine, given: Arguments) -> Value:
    instance = given.get("obj", 0, given.get("inst", 0))
    cls = _class_of(instance)
    if cls is None or not isinstance(instance, Instance):
        return UNKNOWN
    return run.fresh({name: run.attribute(instance, name) for name in _record_fields(cls)})


def _replace(run: Machine, given: Arguments) -> Value:
    instance = given.get("obj", 0)
    if not isinstance(instance, Instance) or type(instance) is not Instance or given.open:
        return UNKNOWN
    return Instance(instance.cls, {**instance.attributes, **given.keywords}, run.region)


def named_tuple(name: str, fields: list[tuple[str, Value]], module: Module) -> Class:
    """Return the class that ``namedtuple`` makes; a default MISSING is none."""
    body: list[ast.stmt] = [
        ast.AnnAssign(ast.Name(field, ast.Store()), ast.Constant(None), None, 1)
        for field, _default in fields
    ]
    node = ast.ClassDef(name=name, bases=[], keywords=[], body=body, decorator_list=[])
    namespace: dict[str, Value] = {"_fields": tuple(field for field, _default in fields)}
    namespace.update((field, value) for field, value in fields if value is not MISSING)
    return Class(name, (External("typing.NamedTuple"),), namespace, node, Scope(module))


def _make_named_tuple(run: Machine, given: Arguments) -> Value:
    """Follow ``namedtuple("Option", "flags type")`` and ``NamedTuple("Option", [("n", int)])``."""
    name, listed = given.get("typename", 0), given.get("field_names", 1)
    if listed is MISSING:
        listed = given.get("fields", 1)
    if isinstance(listed, str):
        listed = listed.replace(",", " ").split()
    items = run.iterate(listed)
    names = [item[0] if isinstance(item, tuple) and item else item for item in items or ()]
    defaults = run.iterate(given.get("defaults", 9, None) or ())
    if items is None or defaults is None or given.open or not isinstance(name, str):
        return UNKNOWN
    if not all(isinstance(one, str) for one in names) or len(defaults) > len(names):
        return UNKNOWN
    values = [MISSING] * (len(names) - len(defaults)) + defaults
    run.limits.spend(len(names))
    fields = [(str(one), value) for one, value in zip(names, values, strict=True)]
    return named_tuple(name, fields, Module("", Path()))


def _make_dataclass(run: Machine, given: Arguments) -> Value:
    """Follow ``make_dataclass("Config", [("lr", float, 0.1), "name"])`` of known fields."""
    name, listed = given.get("cls_name", 0), run.iterate(given.get("fields", 1))
    bases, namespace = run.iterate(given.get("bases", 2, ())), given.get("namespace", 3, None)
    if not isinstance(name, str) or listed is None or bases is None or given.open:
        return UNKNOWN
    if not isinstance(namespace, (dict, type(None))) or run.spoiled(namespace):
        return UNKNOWN
    run.limits.spend(len(listed))
    names: dict[str, Value] = {k: v for k, v in (namespace or {}).items() if isinstance(k, str)}
    scope = Scope(Module("", Path(), file=given.file))
    body: list[ast.stmt] = []
    for number, one in enumerate(listed):
        parts = (one,) if isinstance(one, str) else one
        if not isinstance(parts, tuple) or not 1 <= len(parts) <= 3:
            return UNKNOWN
        field, kind = parts[0], parts[1] if len(parts) > 1 else External("typing.Any")
        default = parts[2] if len(parts) > 2 else MISSING
        if not isinstance(field, str):
            return UNKNOWN
        scope.names[f"_{number}"] = kind
        target, annotation = ast.Name(field, ast.Store()), ast.Name(f"_{number}", ast.Load())
        body.append(ast.AnnAssign(target, annotation, None, 1))
        if default is not MISSING:
            names[field] = default
    node = ast.ClassDef(name=name, bases=[], keywords=[], body=body, decorator_list=[])
    for part in ast.walk(node):
        part.lineno = given.line  # type: ignore[attr-defined]
    return run.fresh(Class(name, tuple(bases), names, node, scope))


RECORDS: Final[Mapping[str, Handler]] = {
    "collections.namedtuple": _make_named_tuple,
    "typing.NamedTuple": _make_named_tuple,
    "attr.asdict": _as_dict,
    "attr.evolve": _replace,
    "attr.fields": _attrs_fields,
    "attr.fields_dict": _attrs_by_name,
    "attrs.asdict": _as_dict,
    "attrs.evolve": _replace,
    "attrs.fields": _attrs_fields,
    "attrs.fields_dict": _attrs_by_name,
    "keynet.__attrs_attrs__": _attrs_fields,
    "keynet._field_defaults": _tuple_defaults,
    "keynet._fields": _tuple_fields,
    "dataclasses.asdict": _as_dict,
    "dataclasses.fields": _fields,
    "dataclasses.make_dataclass": _make_dataclass,
    "dataclasses.replace": _replace,
}
