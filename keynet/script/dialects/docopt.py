"""docopt: the usage text is the declaration."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from keynet.script.dialects.command_line import CommandLine
from keynet.script.interpreter.machine import Declared, Dialect, Machine
from keynet.script.interpreter.values import Arguments, Unknown, Value
from keynet.text import _

__all__ = ["DOCOPT"]

_USAGE: Final = re.compile(r"^[^\n]*usage:[ \t]*(.*?)(?=\n[ \t]*\n|\Z)", re.I | re.S | re.M)
_OPTION: Final = re.compile(r"^[ \t]*(-\S.*(?:\n[ \t]+(?!-)\S.*)*)", re.M)
# The first option may stand on the line of its title.
_BESIDE_TITLE: Final = re.compile(r"^([^\n]*options:)[ \t]*(?=-)", re.I | re.M)
_DEFAULT: Final = re.compile(r"\[default:[ ]?(.*?)\]", re.I | re.S)
_SIGNS: Final = re.compile(r"\.\.\.|[\[\]()|]|[^\s\[\]()|.]+(?:\.(?!\.\.)[^\s\[\]()|.]+)*")
_LEFT_OUT: Final = ("help", "version", "h")
_LONGEST: Final = 50_000
_DEEPEST: Final = 40


@dataclass(slots=True)
class _Element:
    """An option, argument or command; ``many`` if it can be repeated."""

    name: str
    takes: bool = True
    default: Value = None
    help: str = ""
    many: bool = False


class _Grammar:
    """The elements of a usage text and those that are required in every pattern."""

    def __init__(self, text: str) -> None:
        self.elements: dict[str, _Element] = {}
        self.options: dict[str, _Element] = {}
        self.described: list[_Element] = []
        for block in _OPTION.findall(_BESIDE_TITLE.sub(r"\1\n  ", text)):
            self._describe(block)
        found = _USAGE.search(text)
        words: list[str] = found[1].split() if found else []
        program = words[0] if words else ""
        self.required: set[str] = set()
        if found and program:
            start = rf"(?:^|(?<=\s)){re.escape(program)}(?=\s|$)"
            patterns = re.split(start, found[1].strip())[1:]
            sets = [self._pattern(one) for one in patterns if not _asks_for_help(one)]
            self.required = set.intersection(*sets) if sets else set()

    def _describe(self, block: str) -> None:
        head, _two, text = block.strip().partition("  ")
        head = head.partition("\n")[0]
        names, takes = [], False
        for word in head.replace(",", " ").replace("=", " ").split():
            if word.startswith("-"):
                names.append(word)
            else:
                takes = True
        if not names:
            return
        default: Value = None if takes else False
        match = _DEFAULT.search(text)
        if takes and match:
            default = match[1]
        text = _DEFAULT.sub("", text)
        name = max(names, key=lambda one: (one.startswith("--"), len(one)))
        element = _Element(_plain(name), takes, default, " ".join(text.split()))
        self.described.append(element)
        self.options.update(dict.fromkeys(names, element))

    def _pattern(self, pattern: str) -> set[str]:
        words = _SIGNS.findall(pattern)
        words.reverse()
        return self._either(words, 0)

    def _either(self, words: list[str], depth: int) -> set[str]:
        """Read alternatives up to a closing sign; return what all of them require."""
        sets: list[set[str]] = []
        current: set[str] = set()
        last: list[str] = []
        while words:
            word = words.pop()
            if word in ("]", ")"):
                break
            if word == "|":
                sets.append(current)
                current = set()
            elif word == "...":
                for name in last:
                    self.elements[name].many = True
            elif word in ("[", "("):
                before = set(self.elements)
                inner = self._either(words, depth + 1) if depth < _DEEPEST else set()
                last = [name for name in self.elements if name not in before]
                current |= inner if word == "(" else set()
            else:
                last = self._one(word, words)
                current |= set(last)
        return set.intersection(current, *sets)

    def _one(self, word: str, words: list[str]) -> list[str]:
        if word == "options":
            for element in self.described:
                self.elements.setdefault(element.name, element)
            return []
        if word.startswith("-") and word.strip("-"):
            return [self._option(word, words)]
        if word in ("-", "--"):
            return []
        positional = word.startswith("<") or word.isupper()
        name = _plain(word)
        seen = self.elements.get(name)
        if seen is not None:
            seen.many = True if seen.many else seen.many
            return [name]
        self.elements[name] = _Element(name, positional, None if positional else False)
        return [name]

    def _option(self, word: str, words: list[str]) -> str:
        name, equals, _argument = word.partition("=")
        element = self.options.get(name)
        if element is None and not name.startswith("--") and len(name) > 2:
            element = self.options.get(name[:2])
        if element is None:
            element = _Element(_plain(name), bool(equals), None if equals else False)
            self.options[name] = element
        elif element.takes and not equals and words and re.match(r"<|[A-Z]", words[-1]):
            words.pop()
        self.elements.setdefault(element.name, element)
        return element.name


def _asks_for_help(pattern: str) -> bool:
    words = {_plain(word) for word in re.split(r"[\s()|\[\]]+", pattern) if word}
    return bool(words) and words <= {*_LEFT_OUT, "v", "V"}


def _plain(name: str) -> str:
    return name.strip("<>").lstrip("-").replace("-", "_").replace(" ", "_")


def _declared(text: str, given: Arguments) -> Iterator[Declared]:
    grammar = _Grammar(text)
    for element in grammar.elements.values():
        if not element.name or element.name in _LEFT_OUT:
            continue
        default = element.default
        kind = "str" if element.takes else "int" if element.many else "bool"
        if element.many:
            default = ([] if default is None else [default]) if element.takes else 0
        required = element.takes and element.name in grammar.required and element.default is None
        yield Declared(
            element.name, kind, None if required else default, required, element.help,
            line=given.line, file=given.file,
        )  # fmt: skip


def _docopt(run: Machine, given: Arguments) -> Value:
    text = given.get("doc", 0, given.get("docstring", 0))
    command_line = CommandLine("docopt", given)
    run.created(command_line)
    if isinstance(text, str) and len(text) <= _LONGEST:
        command_line.found.extend(_declared(text, given))
    else:
        run.note(given.line, _("The usage text passed to docopt() is unknown."), given.file)
    run.parsed(command_line)
    return Unknown()


DOCOPT: Final = Dialect({"docopt.docopt": _docopt})
