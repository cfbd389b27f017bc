"""The instructions of a Containerfile: enough of its grammar to tell bases and RUN."""

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["Instruction", "bases", "has_run", "parse", "with_run_flags"]

_ESCAPE: Final = re.compile(r"#\s*escape\s*=\s*([\\`])\s*", re.IGNORECASE)
_DIRECTIVE: Final = re.compile(r"#\s*[A-Za-z][A-Za-z0-9_-]*\s*=.*")
_HEREDOC: Final = re.compile(r"<<-?\s*(['\"]?)([A-Za-z_][A-Za-z0-9_]*)\1")
_SYNTAX: Final = re.compile(r"#\s*syntax\s*=\s*(\S+)\s*", re.IGNORECASE)
# Frontends whose RUN can mount, as far as their name tells.
_MOUNTING_SYNTAX: Final = re.compile(r"(?:docker\.io/)?docker/dockerfile:1(?:\.(?:[2-9]|\d\d)\S*)?")
_RUN: Final = re.compile(r"\s*RUN(?=\s)", re.IGNORECASE)
_VARIABLE: Final = re.compile(
    r"\\(?P<escaped>.)|\$(?:(?P<plain>[A-Za-z_][A-Za-z0-9_]*)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:?[-+])(?P<word>[^}]*))?\})"
)


@dataclass(frozen=True, slots=True)
class Instruction:
    """``name`` is upper case; ``arguments`` is one line without continuations."""

    name: str
    arguments: str
    line: int


def parse(text: str) -> list[Instruction]:
    """Read the instructions in order; comments and the bodies of heredocs are left out."""
    return list(_instructions(text.removeprefix("\ufeff").splitlines()))


def has_run(text: str) -> bool:
    """Tell whether building needs a RUN, directly or in an ONBUILD of this file's own."""
    return any(instruction.name == "RUN" for instruction in parse(text))


def with_run_flags(text: str, flags: str) -> str:
    """Give the same Containerfile with these flags behind each RUN of its own.

    "" when it has no RUN, or names a syntax that may not know such flags.
    """
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    named = next(filter(None, map(_SYNTAX.match, itertools.takewhile(_is_directive, lines))), None)
    if named is not None and not _MOUNTING_SYNTAX.fullmatch(named[1]):
        return ""
    found = [each for each in parse(text) if each.name == "RUN"]
    for instruction in found:
        line = lines[instruction.line - 1]
        lines[instruction.line - 1] = _RUN.sub(rf"\g<0> {flags}", line, count=1)
    return "".join(lines) if found else ""


def bases(text: str, build_args: Mapping[str, str]) -> list[str]:
    """Give the images that the stages begin from, in order, variables replaced.

    Stages of the file itself and ``scratch`` are left out; an image whose variable has no
    value comes with that variable left empty, as the engines have it.
    """
    arguments: dict[str, str] = {}
    stages: set[str] = set()
    images: list[str] = []
    in_stage = False
    for instruction in parse(text):
        if instruction.name == "ARG" and not in_stage:
            arguments |= _declared(instruction.arguments, build_args, arguments)
        words = [word for word in instruction.arguments.split() if not word.startswith("--")]
        if instruction.name != "FROM" or not words:
            continue
        in_stage = True
        image = _expanded(words[0].strip("\"'"), arguments)
        if image.lower() not in stages and image != "scratch" and image not in images:
            images.append(image)
        if len(words) > 2 and words[1].lower() == "as":
            stages.add(words[2].lower())
    return images


def _instructions(lines: list[str]) -> Iterator[Instruction]:
    escape = _escape_character(lines)
    numbered = iter(enumerate(lines, start=1))
    for number, first in numbered:
        line = first.strip()
        if not line or line.startswith("#"):
            continue
        while line.endswith(escape):
            line = line[:-1]
            following = _next_continuation(numbered)
            if following is None:
                break
            line += following
        name, _, arguments = line.partition(" ")
        name, _, more = name.partition("\t")
        for delimiter in _heredocs(name.upper(), arguments):
            _skip_heredoc(numbered, delimiter)
        yield Instruction(name.upper(), (more + arguments).strip(), number)


def _next_continuation(numbered: Iterator[tuple[int, str]]) -> str | None:
    for _number, line in numbered:
        # Comments and empty lines inside a continued instruction are dropped.
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


def _declared(
    arguments: str, build_args: Mapping[str, str], known: Mapping[str, str]
) -> dict[str, str]:
    declared = {}
    for word in arguments.split():
        name, equals, value = word.partition("=")
        if name in build_args:
            declared[name] = build_args[name]
        elif equals:
            declared[name] = _expanded(value.strip("\"'"), {**known, **declared})
    return declared


def _expanded(word: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match["escaped"]:
            return match["escaped"]
        found = values.get(match["plain"] or match["name"])
        operator, alternative = match["operator"] or "", match["word"] or ""
        is_set = bool(found) if operator.startswith(":") else found is not None
        if operator.endswith("-"):
            return found if is_set and found is not None else alternative
        if operator.endswith("+"):
            return alternative if is_set else ""
        return found or ""

    return _VARIABLE.sub(value, word)
