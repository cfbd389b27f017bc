"""Compare what was read from a script with what its own parser takes, field by field."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from keynet.script.arguments import Extraction

from .programs import Truth

FIELDS = ("type", "default", "required", "choices")


@dataclass(frozen=True, slots=True)
class Difference:
    """One argument that was read wrong: ``field`` is ``name`` when it is missing or invented."""

    script: str
    name: str
    field: str
    real: Any
    read: Any


@dataclass(slots=True)
class Score:
    """The sum over all scripts."""

    arguments: int = 0
    right: int = 0
    scripts: int = 0
    scripts_right: int = 0
    help_right: int = 0
    silent: int = 0
    nothing: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The part of all arguments, missing and invented ones included, that is right."""
        return self.right / self.arguments if self.arguments else 0.0

    def add(self, truth: Truth, extraction: Extraction) -> None:
        """Count one script."""
        real = first_of_each_name(truth)
        arguments = {argument.name: argument for argument in extraction.arguments}
        read = {name: argument.to_json() for name, argument in arguments.items()}
        wrong = list(_differences(truth, real, read))
        self.differences += wrong
        self.silent += len({one.name for one in wrong if not _is_said(one, extraction)})
        if truth.arguments and not extraction.arguments and not extraction.notes:
            self.nothing.append(truth.program.start)
        names = real.keys() | read.keys()
        self.arguments += len(names)
        self.right += len(names) - len({difference.name for difference in wrong})
        self.scripts += 1
        self.scripts_right += not wrong
        self.help_right += sum(
            _words(real[name][0]["help"]) == _words(arguments[name].help)
            for name in real.keys() & read.keys()
        )

    def lines(self) -> Iterator[str]:
        """Return the number, then what is wrong and where."""
        yield (
            f"arguments completely right: {self.right} of {self.arguments} ({self.share:.1%}); "
            f"scripts wholly right: {self.scripts_right} of {self.scripts}; "
            f"help right: {self.help_right}; silently false: {self.silent}; "
            f"programs with nothing and no note: {len(self.nothing)}"
        )
        kinds = Counter(difference.field for difference in self.differences)
        yield f"wrong fields: {dict(kinds.most_common())}"
        for wrong in self.differences:
            yield (
                f"  {wrong.script:40} {wrong.name:28} {wrong.field:9}"
                f" real {_short(wrong.real)}  read {_short(wrong.read)}"
            )


def _is_said(wrong: Difference, extraction: Extraction) -> bool:
    """Report whether a note names the argument, or one says why an argument may be missing."""
    if wrong.read == "missing" and extraction.notes:
        return True
    return any(wrong.name in note.message for note in extraction.notes)


def first_of_each_name(truth: Truth) -> dict[str, tuple[dict[str, Any], set[str]]]:
    """Key the arguments by name, with the fields that are the machine's own."""
    found: dict[str, tuple[dict[str, Any], set[str]]] = {}
    for number, argument in enumerate(truth.arguments):
        uncertain = {field for field in FIELDS if (number, field) in truth.uncertain}
        found.setdefault(argument["name"], (argument, uncertain))
    return found


def _differences(
    truth: Truth, real: dict[str, tuple[dict[str, Any], set[str]]], read: dict[str, Any]
) -> Iterator[Difference]:
    script = truth.program.start
    for name, (argument, uncertain) in real.items():
        if name not in read:
            yield Difference(script, name, "name", argument["type"], "missing")
            continue
        for which in FIELDS:
            expected, got = argument[which], read[name][which]
            if which in uncertain and which == "required":
                continue
            if which in uncertain:
                expected = None
            if which == "default":
                expected, got = _as_parsed(expected, argument), _as_parsed(got, argument)
            if expected != got:
                yield Difference(script, name, which, argument[which], read[name][which])
    for name in read.keys() - real.keys():
        yield Difference(script, name, "name", "no such argument", read[name]["type"])


def _as_parsed(default: Any, argument: dict[str, Any]) -> Any:
    """Distinguish True from 1 and read a text as its number, as argparse and click do."""
    if isinstance(default, str) and argument["type"] in {"int", "float"}:
        try:
            default = float(default)
        except ValueError:
            return default
    if isinstance(default, bool):
        return ("bool", default)
    if isinstance(default, int | float):
        return ("number", float(default))
    if isinstance(default, list):
        return [_as_parsed(member, argument) for member in default]
    return default


def _words(text: str | None) -> list[str]:
    return (text or "").split()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
