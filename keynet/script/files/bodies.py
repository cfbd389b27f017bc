"""Parse a module; the bodies of its functions are parsed when they are followed.

A script uses few of the functions of the modules that it imports, and parsing all of them
takes longer than everything else. Bodies are found by their indentation. If anything does not
fit that exactly, such as a string or a bracket that reaches further to the left, the module is
parsed as a whole.
"""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from inspect import cleandoc
from typing import Final, SupportsIndex, overload

__all__ = ["docstring", "parse", "parse_whole"]

_SHORTEST: Final = 80
_DEEPEST: Final = 40
_MOST_LINES_AHEAD: Final = 5_000
_MOST_COLONS: Final = 40
# What a docstring may begin with, and a comment before it.
_TEXT: Final = r"""[ \n]*(?:[rRuU]?['"]|[#(\\])"""
_PLAIN_TEXT: Final = r"""[ \n]*[rRuU]?(\"{3}|'{3})([^\\]*?)\1[ ]*\n"""
_UNUSUAL: Final = ("\t", "\f", "\r")
_COLON = re.compile(r":[ ]*(?:#[^\n]*)?\n")
_LONG_QUOTES: Final = ('"""', "'''")
_BRACKETS: Final = ("()", "[]", "{}")


class _Body(list[ast.stmt]):
    """The statements of a function, parsed at the first access to one of them."""

    def __init__(self, placeholder: list[ast.stmt], text: str, line: int) -> None:
        super().__init__(placeholder)
        self._text = text
        self._line = line

    def unread(self) -> str:
        """Return the text, "" once it is parsed."""
        return self._text

    def _parse(self) -> None:
        if self._text:
            text, self._text = self._text, ""
            self[:] = _statements(text, self._line)

    def __iter__(self) -> Iterator[ast.stmt]:
        self._parse()
        return super().__iter__()

    @overload
    def __getitem__(self, index: SupportsIndex) -> ast.stmt: ...
    @overload
    def __getitem__(self, index: slice) -> list[ast.stmt]: ...
    def __getitem__(self, index: SupportsIndex | slice) -> ast.stmt | list[ast.stmt]:
        self._parse()
        return super().__getitem__(index)


def docstring(node: ast.FunctionDef | ast.AsyncFunctionDef, *, clean: bool = True) -> str | None:
    """Return the docstring of a function; where it is a plain one, the body is not parsed."""
    unread = node.body.unread() if isinstance(node.body, _Body) else ""
    if unread and re.match(_TEXT, unread) is None:
        return None
    plain = re.match(_PLAIN_TEXT, unread)
    if plain is None:
        return ast.get_docstring(node, clean=clean)
    return cleandoc(plain[2]) if clean else plain[2]


def parse_whole(text: str, name: str) -> ast.Module:
    """Parse Python without showing its syntax warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, filename=name)


def parse(text: str, name: str) -> ast.Module:
    """Parse a module; a syntax error in a function appears when it is followed.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: As ``ast.parse``.
    """
    skeleton, bodies = _without_bodies(text)
    if bodies:
        try:
            tree = parse_whole(skeleton, name)
        except (SyntaxError, ValueError):
            return parse_whole(text, name)
        if _attach(tree.body, bodies) == len(bodies):
            return tree
    return parse_whole(text, name)


def _without_bodies(text: str) -> tuple[str, dict[int, str]]:
    """Replace each body by a number; return text and bodies by their first line."""
    bodies: dict[int, str] = {}
    if any(sign in text for sign in _UNUSUAL):
        return text, bodies
    pieces: list[str] = []
    copied = counted = position = 0
    line = 1
    while (position := text.find("def ", position)) >= 0:
        before = text[text.rfind("\n", 0, position) + 1 : position]
        position += 4
        indent = len(before) - len(before.lstrip(" "))
        if before.strip(" ") not in ("", "async") or indent > _DEEPEST:
            continue
        start = _end_of_header(text, position)
        end = _end_of_body(text, start, indent)
        body = text[start:end]
        if len(body) < _SHORTEST or _is_cut(body):
            continue
        line += text.count("\n", counted, start)
        bodies[line] = body
        pieces += [text[copied:start], " " * (indent + 1), "0", "\n" * body.count("\n")]
        copied = counted = position = end
        line += body.count("\n")
    pieces.append(text[copied:])
    return "".join(pieces), bodies


def _end_of_header(text: str, position: int) -> int:
    """Return where the line after a function's colon starts, -1 if unsure."""
    start = position
    for _count in range(_MOST_COLONS):
        match = _COLON.search(text, position)
        if match is None:
            break
        position = match.end()
        if all(
            text.count(pair[0], start, position) == text.count(pair[1], start, position)
            for pair in _BRACKETS
        ):
            return position
    return -1


def _is_cut(body: str) -> bool:
    return body.endswith("\\\n") or any(body.count(quote) % 2 for quote in _LONG_QUOTES)


def _end_of_body(text: str, start: int, indent: int) -> int:
    if start < 0:
        return start
    match = _dedent(indent).search(text, start)
    return len(text) if match is None else match.start()


@cache
def _dedent(indent: int) -> re.Pattern[str]:
    return re.compile(rf"^ {{0,{indent}}}[^\s#]", re.MULTILINE)


def _attach(statements: Iterable[ast.AST], bodies: dict[int, str]) -> int:
    """Attach the bodies to their functions; return how many there were."""
    attached = 0
    for node in statements:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0]
            if first.lineno in bodies and isinstance(first, ast.Expr):
                node.body = _Body(node.body, bodies[first.lineno], first.lineno)
                attached += 1
            else:
                attached += _attach(node.body, bodies)
            continue
        for part in ("body", "orelse", "handlers", "finalbody", "cases"):
            attached += _attach(getattr(node, part, ()), bodies)
    return attached


def _statements(text: str, line: int) -> list[ast.stmt]:
    ahead = line - 2 if line <= _MOST_LINES_AHEAD else 0
    try:
        tree = parse_whole("\n" * ahead + "def _():\n" + text, "<body>")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Python would refuse the module, so nothing of this function runs.
        return [ast.Raise(lineno=line, col_offset=0)]
    function = tree.body[0]
    if ahead != line - 2:
        ast.increment_lineno(function, line - 2)
    assert isinstance(function, ast.FunctionDef)
    return function.body
