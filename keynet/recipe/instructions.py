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
from keynet.recipe import heredocs

__all__ = ["bases", "parse", "syntax"]

_ESCAPE: Final = re.compile(r"#\s*escape\s*=\s*([\\`])\s*", re.IGNORECASE)
_DIRECTIVE: Final = re.compile(r"#\s*[A-Za-z][A-Za-z0-9_-]*\s*=.*")
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


class _Numbered:
    """The lines with their numbers; ``last`` is the number of the last one that was taken."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self.last = 0

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        if self.last >= len(self._lines):
            raise StopIteration
        self.last += 1
        return self.last, self._lines[self.last - 1]


def _instructions(lines: list[str]) -> Iterator[Instruction]:
    escape = _escape_character(lines)
    numbered, bodies = _Numbered(lines), heredocs.Bodies(lines)
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
        heredoc = ""
        for each in heredocs.find(line):
            end = bodies.end(each, numbered.last)
            # Without its end: an error for engines that know heredocs, not for others.
            if end is not None:
                numbered.last = end
                heredoc = heredoc or each.written
        doubled = escape * 2 if pieces[-1].endswith(escape * 2) and not heredoc else ""
        yield Instruction(name.upper(), (more + arguments).strip(), number, heredoc, doubled)


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
