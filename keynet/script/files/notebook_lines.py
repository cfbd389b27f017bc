"""Lines that only a notebook understands, in scripts that were made from one.

Source: the documentation of IPython, "Input transformation", and of nbconvert.
"""

import ast
import re
from collections.abc import Iterator
from typing import Final

__all__ = ["calls", "is_magic"]

_MAGIC: Final = r"(?s)\s*(?:%{1,2}[a-zA-Z]\w*|!{1,2}\s*[\w./$~{]|\?{1,2}\w).*"
_NAME: Final = "get_ipython"


def is_magic(line: str) -> bool:
    """Report whether a line is a command of a notebook: ``!pip install`` or ``%matplotlib``."""
    return re.match(_MAGIC, line[:1000]) is not None


def calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Yield calls of ``get_ipython()`` that run whenever the script starts, and fail there.

    Outside of a notebook the name does not exist, and IPython's own function returns None.
    """
    if any(_binds(node) for node in ast.walk(tree)):
        return
    for statement in tree.body:
        if not isinstance(statement, ast.Expr | ast.Assign):
            continue
        match statement.value:
            case (
                ast.Call(
                    func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")))
                ) as call
            ):
                yield call
            case _:
                pass


def _binds(node: ast.AST) -> bool:
    """Report whether the name may be another function than IPython's."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name):
            return name == _NAME
        case ast.Attribute(attr=name, ctx=ast.Store()):
            return name == _NAME
        case ast.ImportFrom(module=module, names=names):
            is_own = not node.level and (module or "").partition(".")[0] == "IPython"
            return not is_own and any(
                _NAME in (it.name, it.asname) or it.name == "*" for it in names
            )
        case ast.Import(names=names):
            return any(_NAME in (it.name, it.asname) for it in names)
        case _:
            return False
