"""Model name and base image that ``@trace_pytorch(...)`` sets in the script."""

import ast
from typing import Final

from keynet.frozen import frozen
from keynet.script.training_script import TrainingScript

__all__ = ["Traced", "traced"]

_DECORATOR: Final = "trace_pytorch"


@frozen
class Traced:
    """Model name and base image as set in the script; None where it sets none.

    ``unknown_base_line`` is the line of a decorator whose base image is only known when the
    script runs; 0 without one.
    """

    model_name: str | None = None
    base_image: str | None = None
    unknown_base_line: int = 0


def traced(script: TrainingScript) -> Traced:
    """Read ``model_name`` and ``base_image`` of the first ``@trace_pytorch(...)``.

    Only constants, and names bound once at the top of the module to a constant, are read.
    The first positional argument is the model name.
    """
    tree = script.source.tree
    constants = _constants(tree)
    for node in ast.walk(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and _name(decorator.func) == _DECORATOR:
                return _read(decorator, constants)
    return Traced()


def _read(call: ast.Call, constants: dict[str, str]) -> Traced:
    given = {keyword.arg: _text(keyword.value, constants) for keyword in call.keywords}
    model_name = given.get("model_name")
    if model_name is None and call.args:
        model_name = _text(call.args[0], constants)
    base_image = given.get("base_image")
    # ``**`` stands in ``given`` as None: it may contain anything.
    names = {keyword.arg for keyword in call.keywords}
    unknown = base_image is None and bool(names & {"base_image", None}) and not _is_none(call)
    return Traced(model_name, base_image, call.lineno if unknown else 0)


def _is_none(call: ast.Call) -> bool:
    """Report whether the call says ``base_image=None``, and thereby sets none."""
    return any(
        keyword.arg == "base_image"
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value is None
        for keyword in call.keywords
    )


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.expr, constants: dict[str, str]) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name):
        return constants.get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joined([_text(node.left, constants), _text(node.right, constants)])
    if isinstance(node, ast.JoinedStr):
        return _joined([_text(part, constants) for part in node.values])
    if isinstance(node, ast.FormattedValue) and node.conversion == -1 and not node.format_spec:
        return _text(node.value, constants)
    return None


def _joined(parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None


def _constants(tree: ast.Module) -> dict[str, str]:
    """Collect names that are bound once in the whole module, at its top, to a string."""
    bound: dict[str, int] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound[node.id] = bound.get(node.id, 0) + 1
    found: dict[str, str] = {}
    for statement in tree.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text)))
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str(text)))
            ) if bound[name] == 1:
                found[name] = text
    return found
