"""Names that a loop or a ``try`` may bind any number of times."""

import ast

from keynet.script.interpreter.definitions import Scope
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import UNKNOWN, SetValue, Unknown, is_constant, kind_of

__all__ = ["stored_names", "widen"]


def stored_names(nodes: list[ast.stmt]) -> set[str]:
    """Return the names that statements may bind."""
    names: set[str] = set()
    for statement in nodes:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                names.add(node.id)
    return names


def widen(run: Machine, names: set[str], scope: Scope) -> None:
    """Make names unknown that a loop may change any number of times."""
    run.limits.spend(len(names))
    for name in names:
        target = scope.bound_in.get(name, scope)
        value = target.names.get(name, UNKNOWN)
        if is_constant(value) or isinstance(value, (list, tuple, dict, SetValue)):
            target.names[name] = Unknown(kind_of(value))
