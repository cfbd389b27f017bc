"""Look up names, and bind names, attributes and items."""

import ast
import builtins
import enum
import typing
from collections.abc import Mapping
from typing import Final

from keynet.script.interpreter.definitions import (
    Class,
    Container,
    EnumMember,
    Function,
    Instance,
    Module,
    Scope,
    content_of,
)
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.modules import registers
from keynet.script.interpreter.values import (
    MISSING,
    SCALARS,
    UNKNOWN,
    External,
    Imported,
    PathValue,
    SetValue,
    Unknown,
    Value,
    is_constant,
    join,
)
from keynet.text import _, fill, printable

__all__ = [
    "assign",
    "assign_item",
    "bind",
    "doubt",
    "fix_imported",
    "is_data",
    "is_key",
    "look_up",
    "mirror",
    "names_of",
    "owner_of",
    "replace_slice",
    "through_stars",
    "unbind",
]

_STARS: Final = frozenset(
    f"{module.__name__}.{name}" for module in (typing, enum) for name in module.__all__
)
_BUILTINS: Final = frozenset(dir(builtins))
# What a script may replace in a library's class so that it declares something else.
_DECLARING: Final = frozenset(
    [
        "__init__",
        "add_argument",
        "add_argument_group",
        "add_parser",
        "add_subparsers",
        "parse_args",
        "parse_known_args",
        "set_defaults",
    ]
)
# Most of what a module binds holds nothing that others could fill.
_UNWATCHED: Final = SCALARS | {External, Imported, Function, Module, Unknown}


def look_up(run: Machine, name: str, scope: Scope) -> Value:
    """Return what a name is bound to, innermost scope first."""
    inner: Scope | None = scope
    while inner is not None:
        if name in inner.bound_in:
            inner = inner.bound_in[name]
        if name in inner.names and (inner is scope or inner.kind != "class"):
            value = inner.names[name]
            if isinstance(value, Imported):
                value = run.resolve(value)
                inner.names[name] = value
            return value
        inner = inner.parent
    if name in _BUILTINS:
        return External(f"builtins.{name}")
    return through_stars(run, scope.module.stars, name) if scope.module.stars else UNKNOWN


def through_stars(run: Machine, stars: list[tuple[Value, bool]], name: str) -> Value:
    """Return what ``import *`` binds a name to: the last one that has it counts."""
    found: Value = MISSING
    for module, certain in reversed(stars):
        if isinstance(module, Module):
            # Two modules may import all of each other.
            imported = Imported(module, name)
            value = run.resolve(imported) if _exports(run, module, name) else UNKNOWN
        else:
            value = run.attribute(module, name)
        # Only of well-known modules outside the project it is known which names they have.
        guessed = isinstance(module, External) and isinstance(value, External)
        if isinstance(value, Unknown) or (guessed and not _is_known(run, value)):
            continue
        found = value if found is MISSING else join(found, value)
        if certain:
            return found
    return UNKNOWN if found is MISSING else join(found, UNKNOWN)


def _exports(run: Machine, module: Module, name: str) -> bool:
    """Report whether ``import *`` of a module of the project may bring a name."""
    if module.state == "reading":
        return False
    scope = run.load(module)
    listed = None if scope is None else scope.names.get("__all__")
    if isinstance(listed, (list, tuple)) and not run.spoiled(listed):
        return name in listed or any(not isinstance(one, str) for one in listed)
    return not name.startswith("_")


def _is_known(run: Machine, value: Value) -> bool:
    """Report whether a name from outside the project is one that its module has."""
    return isinstance(value, External) and bool(
        value.name in _STARS or run.handler(value.name) or run.native_class(value.name)
    )


def bind(run: Machine, name: str, value: Value, scope: Scope) -> None:
    """Bind a name, in the global or enclosing scope if it is declared so."""
    if scope.kind == "module" and type(value) not in _UNWATCHED:
        _watch(run, name, value, scope.module)
    target = scope.bound_in.get(name)
    if target is None:
        scope.names[name] = value
        return
    run.keep(value, target.frame.number)
    if target.kind == "module":
        fix_imported(run, target.module, name)
    # A module or an outer call goes on where this one is left before it binds the name.
    if (run.region or run.passed_over(target)) and name in target.names:
        value = join(target.names[name], value)
    target.names[name] = value


def fix_imported(run: Machine, module: Module, name: str) -> None:
    """Look up a name of a module that is about to change, wherever it was imported before."""
    for scope, alias in module.imported.pop(name, ()):
        value = scope.names.get(alias)
        if isinstance(value, Imported) and value.module is module and value.name == name:
            scope.names[alias] = run.resolve(value)


def unbind(run: Machine, name: str, scope: Scope) -> None:
    """Follow ``del name``: what lies behind it is seen again where that is certain."""
    target = scope.bound_in.get(name, scope)
    sure = target.kind in ("module", "class") and not run.region and not run.passed_over(target)
    if sure:
        target.names.pop(name, None)
    elif name in target.names:
        target.names[name] = UNKNOWN if target is scope else join(target.names[name], UNKNOWN)


def _watch(run: Machine, name: str, value: Value, module: Module) -> None:
    """Watch the containers of a module in which other modules may register something."""
    if isinstance(value, Container):
        run.watch_registry(value.items, module)
    elif isinstance(value, (list, dict, SetValue)):
        if _is_empty(value) or registers(module.text, name):
            run.watch_registry(value, module)
    elif isinstance(value, (Instance, Class)):
        held = value.attributes if isinstance(value, Instance) else value.namespace
        for part in held.values():
            if _is_empty(part):
                run.watch_registry(part, module)


def _is_empty(value: Value) -> bool:
    if isinstance(value, SetValue):
        return not value.items
    return isinstance(value, (list, dict)) and not value


def assign(run: Machine, target: ast.expr, value: Value, scope: Scope) -> None:
    """Bind any target of an assignment or loop."""
    if isinstance(target, ast.Name):
        bind(run, target.id, value, scope)
    elif isinstance(target, (ast.Tuple, ast.List)):
        _unpack(run, target.elts, value, scope)
    elif isinstance(target, ast.Attribute):
        owner = run.evaluate(target.value, scope)
        if target.attr in _DECLARING and _is_class_of_library(run, owner):
            text = _("The script replaces {name}: what it declares may differ.")
            name = printable(ast.unparse(target), 100)
            run.note(target.lineno, fill(text, name=name), scope.module.file)
        run.assign_attribute(owner, target.attr, value)
    elif isinstance(target, ast.Subscript):
        container = run.evaluate(target.value, scope)
        if isinstance(target.slice, ast.Slice):
            replace_slice(run, container, target.slice, scope, value)
        else:
            assign_item(run, container, run.evaluate(target.slice, scope), value)
    elif isinstance(target, ast.Starred):
        assign(run, target.value, value, scope)


def _is_class_of_library(run: Machine, value: Value) -> bool:
    return isinstance(value, External) and run.native_class(value.name) is not None


def _unpack(run: Machine, targets: list[ast.expr], value: Value, scope: Scope) -> None:
    items = run.iterate(value)
    star = next((i for i, node in enumerate(targets) if isinstance(node, ast.Starred)), None)
    values: list[Value]
    if items is None or (star is None and len(items) != len(targets)):
        values = [UNKNOWN] * len(targets)
    elif star is None:
        values = items
    elif len(items) < len(targets) - 1:
        values = [UNKNOWN] * len(targets)
    else:
        after = len(items) - (len(targets) - star - 1)
        values = [*items[:star], run.fresh(items[star:after]), *items[after:]]
    for target, item in zip(targets, values, strict=True):
        assign(run, target, item, scope)


def replace_slice(
    run: Machine, container: Value, place: ast.Slice, scope: Scope, value: Value
) -> None:
    """Follow ``container[start:stop] = value``; an unknown place or content makes all unknown."""
    bounds = [
        None if bound is None else run.evaluate(bound, scope)
        for bound in (place.lower, place.upper)
    ]
    container = content_of(container)
    known = [bound for bound in bounds if bound is None or isinstance(bound, int)]
    if not isinstance(container, list):
        assign_item(run, container, UNKNOWN, value)
        return
    items = run.iterate(value) if len(known) == 2 and place.step is None else None
    if items is not None and run.may_change(container):
        run.limits.spend(len(items))
        container[slice(*known)] = [run.kept_by(one, container) for one in items]
    else:
        run.spoil(container)


def assign_item(  # noqa: PLR0912
    run: Machine, container: Value, key: Value, value: Value
) -> None:
    """Follow ``container[key] = value``; join both values where it is uncertain."""
    if isinstance(container, Container) and "__setitem__" not in _own(container):
        container = content_of(container)
    if isinstance(container, (list, dict)):
        run.kept_by(value, container)
    if isinstance(container, dict):
        known = is_key(key)
        present = known and key in container
        owner = owner_of(run, container)
        if not known:
            doubt(run, container)
        elif owner is not None and isinstance(key, str):
            run.store_attribute(owner, key, value)
        elif run.may_change(container):
            run.limits.spend(1)
            container[key] = value
            mirror(run, container, {key: value})
        elif present:
            container[key] = join(container[key], value)
        else:
            container[key] = join(value, UNKNOWN)
            run.spoil(container)
    elif isinstance(container, list):
        if isinstance(key, int) and -len(container) <= key < len(container):
            if run.may_change(container):
                container[key] = value
            else:
                container[key] = join(container[key], value)
        else:
            run.spoil(container)
    elif container == External("sys.argv"):
        run.replace_command_line(value)
    else:
        run.set_item(container, key, value)


def is_key(value: Value, depth: int = 0) -> bool:
    """Report whether a value is known, and can be a key of a dict."""
    if isinstance(value, tuple):
        # A tuple that contains itself twice, many times over, takes exponential time to hash.
        shallow = depth < 2 and len(value) < 64
        return shallow and all(is_key(item, depth + 1) for item in value)
    return is_constant(value) or isinstance(value, (EnumMember, External, Function, Class))


def mirror(run: Machine, names: dict[Value, Value], more: Mapping[Value, Value]) -> None:
    """Bind the names that are added to what ``globals()`` has returned."""
    _names, scope = run.mirrors.get(id(names), (None, None))
    if isinstance(scope, Scope):
        for name, value in more.items():
            if isinstance(name, str):
                sure = not run.region and not run.passed_over(scope)
                fix_imported(run, scope.module, name)
                old = scope.names.get(name, value)
                scope.names[name] = value if sure else join(old, value)


def names_of(run: Machine, scope: Scope) -> Value:
    """Return the names of a scope as a new dict; of a module, what it is given is bound."""
    names: dict[Value, Value] = {
        name: run.resolve(value) if isinstance(value, Imported) else value
        for name, value in scope.names.items()
    }
    run.limits.spend(len(names))
    if scope.kind == "module":
        run.mirrors[id(names)] = names, scope
    return run.fresh(names)


def owner_of(run: Machine, names: dict[Value, Value]) -> Instance | None:
    """Return the object whose ``__dict__`` a dict is, None for any other dict."""
    _names, owner = run.mirrors.get(id(names), (None, None))
    return owner if isinstance(owner, Instance) else None


def doubt(run: Machine, items: dict[Value, Value]) -> None:
    """Follow a change of a dict in which any key may get another value."""
    run.limits.spend(len(items))
    owned = owner_of(run, items) is not None
    for key, value in items.items():
        # What an object works with is not what is loaded into it.
        if not owned or is_data(value):
            items[key] = join(value, UNKNOWN)
    run.spoil(items)


def is_data(value: Value) -> bool:
    """Report whether a value is one that a script may load, and nothing that it works with."""
    return is_constant(value) or isinstance(value, (list, tuple, dict, SetValue, PathValue))


def _own(container: Container) -> dict[str, Value]:
    return {} if container.cls is None else container.cls.namespace
