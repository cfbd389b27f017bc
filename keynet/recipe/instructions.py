"""Parse a Containerfile into its instructions.

Only the grammar that is needed to find instructions and their arguments: parser directives,
continued lines, comments, heredocs.

Source: Dockerfile reference, "Format" and "Parser directives".
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Final

from keynet.plan import Instruction

__all__ = ["bases", "parse", "syntax"]

_ESCAPE: Final = re.compile(r"#\s*escape\s*=\s*([\\`])\s*", re.IGNORECASE)
_DIRECTIVE: Final = re.compile(r"#\s*[A-Za-z][A-Za-z0-9_-]*\s*=.*")
_HEREDOC: Final = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\1")
_SYNTAX: Final = re.compile(r"#\s*syntax\s*=\s*(\S+)\s*", re.IGNORECASE)


def parse(text: str) -> list[Instruction]:
    """Return the instructions in order, without comments and bodies of heredocs."""
    return list(_instructions(text.removeprefix("\ufeff").splitlines()))


def bases(instructions: Iterable[Instruction]) -> tuple[str, ...]:
    """Return the images that FROM names literally, for the platform of the build.

    Left out are earlier stages, ``scratch``, names with variables, and those of stages with a
    platform of their own.
    """
    found: list[str] = []
    stages: set[str] = set()
    for each in instructions:
        if each.name != "FROM":
            continue
        name, *rest = each.arguments.split() or [""]
        known = name.lower() in stages or name.lower() == "scratch"
        if name and not (known or name.startswith("--") or "$" in name):
            found.append(name.strip("\"'"))
        if len(rest) == 2 and rest[0].lower() == "as":
            stages.add(rest[1].lower())
        elif name.startswith("--") and len(rest) == 3:
            stages.add(rest[2].lower())
    return tuple(dict.fromkeys(found))


def syntax(text: str) -> str:
    """Return the frontend of the ``# syntax=`` directive, or "" without one."""
    lines = text.removeprefix("\ufeff").splitlines()
    named = map(_SYNTAX.match, itertools.takewhile(_is_directive, lines))
    return next((match[1] for match in named if match), "")


def _instructions(lines: list[str]) -> Iterator[Instruction]:
    escape = _escape_character(lines)
    numbered = iter(enumerate(lines, start=1))
    for number, first in numbered:
        line = first.strip()
        if not line or line.startswith("#"):
            continue
        pieces = [line]
        # As BuildKit reads it: two of them at the end continue nothing.
        while pieces[-1].endswith(escape) and not pieces[-1].endswith(escape * 2):
            pieces[-1] = pieces[-1][:-1]
            following = _next_continuation(numbered)
            if following is None:
                break
            pieces.append(following)
        line = "".join(pieces)
        name, _, arguments = line.partition(" ")
        name, _, more = name.partition("\t")
        for delimiter in _heredocs(name.upper(), arguments):
            _skip_heredoc(numbered, delimiter)
        yield Instruction(name.upper(), (more + arguments).strip(), number)


def _next_continuation(numbered: Iterator[tuple[int, str]]) -> str | None:
    for _number, line in numbered:
        # BuildKit drops comments and empty lines inside a continued instruction.
        if line.strip() and not line.lstrip().startswith("#"):
            return line.rstrip()
    return None


def _is_directive(line: str) -> bool:
    return _DIRECTIVE.fullmatch(line.strip()) is not None


def _escape_character(lines: list[str]) -> str:
    for line in lines:
        match = _ESCAPE.fullmatch(line.strip())
        if match:
            return match[1]
        if not _is_directive(line):
            break
    return "\\"


def _heredocs(name: str, arguments: str) -> list[str]:
    if name not in ("RUN", "COPY", "ADD"):
        return []
    return [match[2] for match in _HEREDOC.finditer(arguments)]


def _skip_heredoc(numbered: Iterator[tuple[int, str]], delimiter: str) -> None:
    for _number, line in numbered:
        if line.strip("\t ") == delimiter:
            return
