"""Follow import statements, and determine whether they succeed."""

import ast

from keynet.script.interpreter.branching.flow import Signal
from keynet.script.interpreter.definitions import Module, Scope
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.names import bind, through_stars
from keynet.script.interpreter.values import UNKNOWN, External, Imported, Unknown, Value

__all__ = ["bind_imports", "bind_names", "imports_succeed"]


def bind_imports(run: Machine, node: ast.Import, scope: Scope) -> Signal:
    """Follow ``import a.b as c``."""
    for alias in node.names:
        first = alias.name.partition(".")[0]
        wanted = alias.name if alias.asname else first
        module = run.module(wanted, scope.module)
        if module is not None and wanted != alias.name:
            run.module(alias.name, scope.module)
        bind(run, alias.asname or first, module or External(wanted), scope)
    return None


def bind_names(run: Machine, node: ast.ImportFrom, scope: Scope) -> Signal:
    """Follow ``from a import b``: the module is read when the name is used."""
    name = node.module or ""
    module = run.module(name, scope.module, node.level)
    for alias in node.names:
        if alias.name == "*":
            _bind_all(run, module or External(name), scope)
            continue
        value: Value
        if module is not None:
            # Python reads a module when it is imported from its package.
            run.submodule(module, alias.name)
            value = Imported(module, alias.name)
            importer = scope.bound_in.get(alias.asname or alias.name, scope)
            names = module.imported.setdefault(alias.name, [])
            names.append((importer, alias.asname or alias.name))
        elif node.level:
            value = UNKNOWN
        else:
            value = run.attribute(External(name), alias.name)
        bind(run, alias.asname or alias.name, value, scope)
    return None


def _bind_all(run: Machine, module: Value, scope: Scope) -> None:
    """Follow ``from a import *``: names are looked up in the module when they are used."""
    scope.module.stars.append((module, not run.region))
    if not isinstance(module, Module):
        return
    for name, value in list(scope.names.items()):
        replaced: Value = UNKNOWN
        if not name.startswith("_") and not isinstance(value, (External, Imported, Module)):
            replaced = through_stars(run, [(module, True)], name)
        if not isinstance(replaced, Unknown):
            bind(run, name, replaced, scope)


def imports_succeed(run: Machine, body: list[ast.stmt], scope: Scope) -> bool | None:
    """Report whether a ``try`` made of imports succeeds; None when that is unknown."""
    outcome: bool | None = True
    for node in body:
        if isinstance(node, ast.ImportFrom):
            found = run.module(node.module or "", scope.module, node.level)
            if found is None and node.level:
                return False
            if found is None and not run.installs(node.module or ""):
                outcome = None
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if run.module(alias.name, scope.module) is None:
                    outcome = outcome if run.installs(alias.name) else None
        elif not _is_plain(node):
            return None
    return outcome


def _is_plain(node: ast.stmt) -> bool:
    """Report whether a statement is an assignment that cannot fail."""
    return isinstance(node, ast.Assign) and isinstance(node.value, (ast.Constant, ast.Name))
