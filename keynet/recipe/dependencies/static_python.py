"""Read literals from Python source without running it."""

import ast
import warnings
from collections.abc import Mapping

__all__ = ["Unknown", "constants", "parse", "value"]


class Unknown(ValueError):
    """An expression that only running the program would tell."""


def parse(content: bytes) -> ast.Module | None:
    """Parse a module; None if it is not valid Python, or nested too deeply."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def constants(module: ast.Module) -> dict[str, object]:
    """Return the variables of a module that are assigned a literal, once."""
    found: dict[str, object] = {}
    seen: set[str] = set()
    for statement in module.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, expression = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, expression = statement.target, statement.value
        elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
            found.pop(statement.target.id, None)
            continue
        else:
            continue
        if not isinstance(target, ast.Name):
            continue
        try:
            found[target.id] = value(expression, found)
        except Unknown:
            found.pop(target.id, None)
        if target.id in seen:
            found.pop(target.id, None)
        seen.add(target.id)
    return found


def value(  # noqa: PLR0911  one return for each form
    expression: ast.expr, names: Mapping[str, object], depth: int = 0
) -> object:
    """Return the value of a literal, a known name, or a sum of lists or strings of them.

    Raises:
        Unknown: It has another form.
    """
    if depth > 50:
        raise Unknown
    if isinstance(expression, ast.Constant):
        return expression.value
    if isinstance(expression, ast.Name) and expression.id in names:
        return names[expression.id]
    if isinstance(expression, ast.List | ast.Tuple | ast.Set):
        return [value(each, names, depth + 1) for each in expression.elts]
    if isinstance(expression, ast.Dict):
        return _mapping(expression, names, depth)
    if isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Add):
        left = value(expression.left, names, depth + 1)
        right = value(expression.right, names, depth + 1)
        if isinstance(left, list) and isinstance(right, list) and len(left + right) < 10_000:
            return left + right
        if isinstance(left, str) and isinstance(right, str) and len(left + right) < 100_000:
            return left + right
    if isinstance(expression, ast.Subscript):
        container = value(expression.value, names, depth + 1)
        key = value(expression.slice, names, depth + 1)
        if isinstance(container, dict) and isinstance(key, str) and key in container:
            return container[key]
    raise Unknown


def _mapping(expression: ast.Dict, names: Mapping[str, object], depth: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, item in zip(expression.keys, expression.values, strict=True):
        name = value(key, names, depth + 1) if key is not None else None
        if not isinstance(name, str):
            raise Unknown
        found[name] = value(item, names, depth + 1)
    return found
