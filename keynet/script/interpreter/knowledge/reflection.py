"""``inspect`` and ``typing``: signatures, annotations and the parts of types."""

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from keynet.script.interpreter.definitions import Class, Function, Instance, Module, Scope
from keynet.script.interpreter.knowledge.constants import PARAMETER_KINDS
from keynet.script.interpreter.knowledge.records import annotations, named_tuple, written_type
from keynet.script.interpreter.lineage import class_member
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    BoundMethod,
    Descriptor,
    External,
    Generic,
    Partial,
    Unknown,
    Value,
)

__all__ = ["REFLECTION"]

_EMPTY: Final = External("inspect._empty")
_DEEPEST: Final = 6
_SPEC: Final = (
    "args", "varargs", "varkw", "defaults", "kwonlyargs", "kwonlydefaults", "annotations",
)  # fmt: skip


def _unwrapped(value: Value, *, follow: bool = True) -> tuple[Function | None, int]:
    """Return the function behind a callable, and how many first parameters are bound."""
    bound = 0
    for _step in range(_DEEPEST):
        if isinstance(value, BoundMethod):
            value, bound = value.function, bound + 1
        elif isinstance(value, Descriptor):
            value = value.function
        elif isinstance(value, Class):
            value, bound = class_member(value, "__init__"), 1
        elif isinstance(value, Instance) and value.cls is not None:
            value, bound = class_member(value.cls, "__call__"), 1
        elif follow and isinstance(value, Function) and "__wrapped__" in value.attributes:
            value = value.attributes["__wrapped__"]
    return (value if isinstance(value, Function) else None), bound


def _arguments_of(function: Function) -> list[ast.arg]:
    given = function.node.args
    return [*given.posonlyargs, *given.args]


def _annotation(run: Machine, node: ast.arg, function: Function) -> Value:
    if node.annotation is None:
        return _EMPTY
    return written_type(run, node.annotation, function.scope)


def _of_function(function: Function) -> dict[str, ast.expr]:
    """Return the annotations of a function by name, that of its result last."""
    given = function.node.args
    extra = [one for one in (given.vararg, given.kwarg) if one is not None]
    found = {
        node.arg: node.annotation
        for node in [*_arguments_of(function), *given.kwonlyargs, *extra]
        if node.annotation is not None
    }
    returns = None if isinstance(function.node, ast.Lambda) else function.node.returns
    if returns is not None:
        found["return"] = returns
    return found


def _written(run: Machine, function: Function) -> dict[Value, Value]:
    hints = _of_function(function).items()
    return {name: written_type(run, node, function.scope) for name, node in hints}


def _annotations(run: Machine, given: Arguments) -> Value:
    value = given.get("obj", 0)
    if isinstance(value, Class):
        own = annotations(value).items()
        return run.fresh(
            {n: written_type(run, node, cls.scope) for n, (node, cls) in own if cls is value}
        )
    function, _bound = _unwrapped(value, follow=True)
    return UNKNOWN if function is None else run.fresh(_written(run, function))


def _type_hints(run: Machine, given: Arguments) -> Value:
    """Return annotations by name, those of base classes first, texts evaluated."""
    value = given.get("obj", 0)
    cls = value.cls if isinstance(value, Instance) else value
    found: dict[Value, Value]
    scope: Scope
    if isinstance(cls, Class):
        found = {}
        for name, (node, owner) in annotations(cls).items():
            found[name] = _evaluated(run, run.evaluate(node, owner.scope), owner.scope)
        return run.fresh(found)
    function, _bound = _unwrapped(value)
    if function is None:
        return UNKNOWN
    scope = function.scope
    hints = _of_function(function).items()
    return run.fresh(
        {name: _evaluated(run, run.evaluate(node, scope), scope) for name, node in hints}
    )


def _evaluated(run: Machine, hint: Value, scope: Scope) -> Value:
    if hint is None:
        return External("builtins.NoneType")
    if not isinstance(hint, str) or len(hint) > 1_000:
        return hint
    try:
        node = ast.parse(hint.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return UNKNOWN
    return run.evaluate(node, scope)


def _dataclass_parameters(run: Machine, cls: Class) -> list[tuple[str, Value, Value, str]] | None:
    """Return the parameters of a generated constructor, None for any other class."""
    fields = run.iterate(run.call(External("dataclasses.fields"), Arguments((cls,))))
    if not fields:
        return None
    found = []
    for field in fields:
        default = run.attribute(field, "default")
        if default == External("dataclasses.MISSING"):
            factory = run.attribute(field, "default_factory")
            default = _EMPTY if factory == External("dataclasses.MISSING") else UNKNOWN
        name = run.attribute(field, "name")
        found.append((str(name), run.attribute(field, "type"), default, "POSITIONAL_OR_KEYWORD"))
    return found


def _parameters(run: Machine, value: Value) -> list[tuple[str, Value, Value, str]] | None:
    """Return name, annotation, default and kind of each parameter of a callable."""
    if isinstance(value, Class) and class_member(value, "__init__") is MISSING:
        return _dataclass_parameters(run, value)
    passed = value.arguments if isinstance(value, Partial) else Arguments()
    function, bound = _unwrapped(value.function if isinstance(value, Partial) else value)
    if function is None or passed.open:
        return None
    defaults = {**function.parameter_defaults(), **passed.keywords}
    given = function.node.args
    named = "POSITIONAL_OR_KEYWORD"
    rows: list[tuple[ast.arg, str]] = [(node, named) for node in _arguments_of(function)]
    rows = rows[bound + len(passed.positional) :]
    if given.vararg is not None:
        rows.append((given.vararg, "VAR_POSITIONAL"))
    rows.extend((node, "KEYWORD_ONLY") for node in given.kwonlyargs)
    if given.kwarg is not None:
        rows.append((given.kwarg, "VAR_KEYWORD"))
    run.limits.spend(len(rows))
    return [
        (node.arg, _annotation(run, node, function), defaults.get(node.arg, _EMPTY), kind)
        for node, kind in rows
    ]


def _signature(run: Machine, given: Arguments) -> Value:
    value = given.get("obj", 0)
    found = _parameters(run, value)
    if found is None:
        return UNKNOWN
    parameters: dict[Value, Value] = {}
    for name, annotation, default, kind in found:
        fields: dict[str, Value] = {
            "name": name,
            "annotation": annotation,
            "default": default,
            "kind": PARAMETER_KINDS.index(kind),
            "empty": _EMPTY,
        }
        fields.update((one, number) for number, one in enumerate(PARAMETER_KINDS))
        parameters[name] = Instance(None, fields, run.region)
    function, _bound = _unwrapped(value)
    returns: Value = None
    if function is not None:
        node = _of_function(function).get("return")
        returns = _EMPTY if node is None else written_type(run, node, function.scope)
    attributes: dict[str, Value] = {
        "parameters": run.fresh(parameters),
        "return_annotation": returns,
        "empty": _EMPTY,
    }
    return Instance(None, attributes, run.region)


def _full_spec(run: Machine, given: Arguments) -> Value:
    value = given.get("func", 0)
    function, _bound = _unwrapped(value, follow=False)
    if function is None:
        return UNKNOWN
    skipped = 1 if isinstance(value, Class) else 0
    node = function.node.args
    names = [one.arg for one in _arguments_of(function)]
    values: list[Value] = [
        run.fresh([*names[0:skipped], *names[skipped:]]),
        None if node.vararg is None else node.vararg.arg,
        None if node.kwarg is None else node.kwarg.arg,
        function.defaults or None,
        run.fresh([one.arg for one in node.kwonlyargs]),
        run.fresh(dict(function.keyword_defaults)) if function.keyword_defaults else None,
        run.fresh(_written(run, function)),
    ]
    made = named_tuple("FullArgSpec", [(name, MISSING) for name in _SPEC], Module("", Path()))
    return Instance(made, dict(zip(_SPEC, values, strict=True)), run.region)


def _code(run: Machine, given: Arguments) -> Value:
    function, _bound = _unwrapped(given.get("func", 0), follow=False)
    if function is None:
        return UNKNOWN
    names = [one.arg for one in [*_arguments_of(function), *function.node.args.kwonlyargs]]
    # Local variables follow the parameters in the real one.
    attributes: dict[str, Value] = {
        "co_varnames": tuple(names),
        "co_argcount": len(_arguments_of(function)),
        "co_name": function.name,
    }
    return Instance(None, attributes, run.region)


def _type_arguments(run: Machine, given: Arguments) -> Value:
    value = given.get("", 0)
    if not isinstance(value, Generic):
        return () if isinstance(value, (External, Class)) else Unknown("list")
    if value.name.endswith(".Literal"):
        return value.arguments
    optional = (None,) if value.name.endswith(".Optional") else ()
    none = External("builtins.NoneType")
    return tuple(none if part is None else part for part in (*value.arguments, *optional))


def _origin(run: Machine, given: Arguments) -> Value:
    value = given.get("", 0)
    if not isinstance(value, Generic):
        return None if isinstance(value, (External, Class)) or value is None else UNKNOWN
    last = value.name.rpartition(".")[2]
    if last in ("Optional", "Union"):
        return External("typing.Union")
    built_in = last.lower() in ("dict", "frozenset", "list", "set", "tuple", "type")
    return External(f"builtins.{last.lower()}" if built_in else value.name)


def _is_class(run: Machine, given: Arguments) -> Value:
    value = given.get("", 0)
    if isinstance(value, (External, Unknown)):
        return Unknown("bool")
    return isinstance(value, Class)


def _is_function(run: Machine, given: Arguments) -> Value:
    value = given.get("", 0)
    if isinstance(value, (External, Unknown)):
        return Unknown("bool")
    return isinstance(value, Function)


def _members(run: Machine, given: Arguments) -> Value:
    """Return the names and values of a class or module; Python adds those with underscores."""
    value, test = given.get("object", 0), given.get("predicate", 1, None)
    scope = run.load(value) if isinstance(value, Module) else None
    if isinstance(value, Module) and scope is not None and not value.stars:
        names = list(scope.names)
    elif isinstance(value, Class) and not value.bases:
        names = list(value.namespace)
    else:
        return Unknown("list")
    found: list[Value] = []
    for name in sorted(names):
        member = run.attribute(value, name)
        kept = True if test is None else run.truth(run.call(test, Arguments((member,))))
        if kept is None:
            return Unknown("list")
        if kept:
            found.append((name, member))
    return run.fresh(found)


REFLECTION: Final[Mapping[str, Handler]] = {
    "inspect.get_annotations": _annotations,
    "inspect.getargspec": _full_spec,
    "inspect.getfullargspec": _full_spec,
    "inspect.getmembers": _members,
    "inspect.isclass": _is_class,
    "inspect.isfunction": _is_function,
    "inspect.signature": _signature,
    "keynet.code": _code,
    "typing.get_args": _type_arguments,
    "typing.get_origin": _origin,
    "typing.get_type_hints": _type_hints,
    "typing_extensions.get_args": _type_arguments,
    "typing_extensions.get_origin": _origin,
    "typing_extensions.get_type_hints": _type_hints,
}
