"""What a training script imports, as far as its way of being started depends on it."""

import ast
import re
import sys
from collections.abc import Iterable
from typing import Final

from keynet.frozen import frozen

__all__ = ["EntryImports", "names_in", "read"]

_IMPORT: Final = r"(?m)^[ \t]*(?:from|import)[ \t]+([A-Za-z_]\w*)"


@frozen
class EntryImports:
    """``names`` are the top-level modules of absolute imports, without the standard library.

    ``level`` is the number of dots of the relative import that goes furthest up, 0 for none.
    """

    names: frozenset[str] = frozenset()
    level: int = 0


def read(tree: ast.Module) -> EntryImports:
    """Return the imports of a script, wherever in it they are."""
    names: set[str] = set()
    level = 0
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            level = max(level, node.level)
            if not node.level and node.module:
                names.add(node.module.partition(".")[0])
    return EntryImports(_foreign(names), level)


def names_in(text: str) -> frozenset[str]:
    """Return the same names of another module's text, without parsing it."""
    return _foreign(re.findall(_IMPORT, text))


def _foreign(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names) - sys.stdlib_module_names
