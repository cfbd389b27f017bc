"""click: groups whose class chooses the subcommands when the script runs."""

import ast
from typing import Final

from keynet.script.interpreter.definitions import Class, Function
from keynet.script.interpreter.lineage import class_member

__all__ = ["loads", "selects"]

# Calls that change the order of the subcommands, not which ones there are.
_ORDERING: Final = frozenset(
    ["dict", "keys", "list", "list_commands", "reversed", "set", "sorted", "super", "tuple"]
)


def selects(cls: Class | None) -> bool:
    """Report whether the ``list_commands`` of a class may leave out or add subcommands."""
    function = None if cls is None else class_member(cls, "list_commands")
    if not isinstance(function, Function) or isinstance(function.node, ast.Lambda):
        return False
    body = [node for node in function.node.body if not _is_docstring(node)]
    if len(body) != 1 or not isinstance(body[0], ast.Return):
        return True
    return any(_may_select(node) for node in ast.walk(body[0]))


def loads(cls: Class) -> bool:
    """Report whether a class makes subcommands when the script runs."""
    return selects(cls) and isinstance(class_member(cls, "get_command"), Function)


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _may_select(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name not in _ORDERING
        case ast.comprehension(ifs=conditions):
            return bool(conditions)
    return isinstance(node, ast.IfExp | ast.BoolOp)
