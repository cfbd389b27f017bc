"""Texts for people can be collected: constants inside ``_()``, or marked by ``N_``."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "keynet"
MARKERS = {"_": 1, "N_": 1, "ngettext": 2}


def modules() -> list[str]:
    return sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def marked(relative: str) -> Iterator[tuple[int, ast.expr]]:
    for node in ast.walk(ast.parse((PACKAGE / relative).read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for argument in node.args[: MARKERS.get(node.func.id, 0)]:
                yield node.lineno, argument


@pytest.mark.parametrize("relative", modules())
def test_every_marked_text_is_a_constant_with_named_fields(relative: str) -> None:
    wrong = []
    for line, argument in marked(relative):
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            names = [name for _text, name, _spec, _conv in string.Formatter().parse(argument.value)]
            if any(name is not None and not name.isidentifier() for name in names):
                wrong.append(f"line {line}: a field without a name")
        elif "N_(" not in (PACKAGE / relative).read_text("utf-8"):
            wrong.append(f"line {line}: no constant")
    assert not wrong
