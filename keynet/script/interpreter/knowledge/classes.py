"""Follow class statements: classes and the members of an Enum."""

import ast
from pathlib import Path

from keynet.script.interpreter.branching.flow import Signal
from keynet.script.interpreter.definitions import (
    Class,
    EnumMember,
    Function,
    Instance,
    Module,
    Scope,
)
from keynet.script.interpreter.evaluation.attributes import bound
from keynet.script.interpreter.lineage import class_member, lineage, outside_bases
from keynet.script.interpreter.machine import Machine, Native
from keynet.script.interpreter.names import bind
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    BoundMethod,
    Descriptor,
    External,
    Value,
    is_constant,
)

__all__ = ["make_class", "make_enum"]


def make_class(run: Machine, node: ast.ClassDef, scope: Scope) -> Signal:
    """Follow a class statement."""
    bases = tuple(run.evaluate(base, scope) for base in node.bases)
    decorators = [run.evaluate(decorator, scope) for decorator in node.decorator_list]
    inner = Scope(scope.module, scope, {}, "class")
    run.execute(node.body, inner)
    cls = Class(node.name, bases, inner.names, node, inner, tuple(decorators))
    run.fresh(cls)
    for value in inner.names.values():
        function = value.function if isinstance(value, Descriptor) else value
        if isinstance(function, Function) and function.owner is None:
            function.owner = cls
    if any(name.startswith("enum.") for name in outside_bases(cls)):
        _make_members(cls)
    run.intercepted = run.intercepted or "__getattribute__" in inner.names
    _name_descriptors(run, cls)
    run.watch_registry(cls.derived, scope.module)
    _announce(run, cls, node, scope)
    result: Value = cls
    for decorator in reversed(decorators):
        result = run.decorate(decorator, result, node.lineno)
    bind(run, node.name, result, scope)
    return None


def _name_descriptors(run: Machine, cls: Class) -> None:
    """Call the ``__set_name__`` of the descriptors of a new class."""
    for name, value in list(cls.namespace.items()):
        if isinstance(value, Instance) and value.cls is not None:
            hook = class_member(value.cls, "__set_name__")
            if hook is not MISSING:
                run.call(bound(run, hook, value, value.cls), Arguments((cls, name)))


def _announce(run: Machine, cls: Class, node: ast.ClassDef, scope: Scope) -> None:
    """Tell the bases of a new class: ``__subclasses__`` and ``__init_subclass__``."""
    # A class may be made again, as in a loop or a function that is called twice.
    for one in list(lineage(cls))[1:]:
        again = any(isinstance(other, Class) and other.node is node for other in one.derived)
        if one in cls.bases and not again:
            if run.may_change(one.derived):
                one.derived.append(cls)
            else:
                run.spoil(one.derived)
    for one in list(lineage(cls))[1:]:
        hook = one.namespace.get("__init_subclass__", MISSING)
        function = hook.function if isinstance(hook, Descriptor) else hook
        if isinstance(function, Function):
            keywords = {
                keyword.arg: run.evaluate(keyword.value, scope)
                for keyword in node.keywords
                if keyword.arg is not None and keyword.arg != "metaclass"
            }
            given = Arguments((), keywords, line=node.lineno, file=scope.module.file)
            run.call(BoundMethod(function, cls), given)
            break


def make_enum(run: Machine, given: Arguments) -> Value:
    """Follow ``Enum("Color", "RED BLUE")``, also with a list, pairs or a dict."""
    name, names = given.get("value", 0), given.get("names", 1)
    if isinstance(names, str):
        names = names.replace(",", " ").split()
    pairs = list(names.items()) if isinstance(names, dict) else run.iterate(names)
    if not isinstance(name, str) or pairs is None or run.spoiled(names):
        return UNKNOWN
    namespace: dict[str, Value] = {}
    for number, pair in enumerate(pairs, 1):
        key, value = pair if isinstance(pair, tuple) and len(pair) == 2 else (pair, number)
        if not isinstance(key, str):
            return UNKNOWN
        namespace[key] = value
    node = ast.ClassDef(name=name, bases=[], keywords=[], body=[], decorator_list=[])
    scope = Scope(Module("", Path()))
    cls = Class(name, (External("enum.Enum"),), namespace, node, scope)
    _make_members(cls)
    return cls


def _make_members(cls: Class) -> None:
    bases = outside_bases(cls)
    lower = "enum.StrEnum" in bases
    flags = bool({"enum.Flag", "enum.IntFlag"}.intersection(bases))
    number = 0
    made: list[EnumMember] = []
    # A __new__ or __init__ that changes the values is not followed.
    made_anew = bool({"__new__", "__init__"}.intersection(cls.namespace))
    for name, value in cls.namespace.items():
        if name.startswith("_") or isinstance(value, (Function, Descriptor, Class, Native)):
            continue
        if isinstance(value, Instance) and value.native("auto") is True:
            number = 1 << number.bit_length() if flags else number + 1
            value = name.lower() if lower else number  # noqa: PLW2901
        elif isinstance(value, int):
            number = max(number, value)
        if made_anew and isinstance(value, tuple):
            value = UNKNOWN  # noqa: PLW2901
        # A repeated value is an alias of the first member.
        same = (
            [m for m in made if is_constant(value) and m.value == value] if len(made) < 256 else []
        )
        made.extend([] if same else [EnumMember(cls, name, value)])
        cls.namespace[name] = same[0] if same else made[-1]
