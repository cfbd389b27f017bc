"""The arguments of parsers that share one command line, each name once."""

from dataclasses import replace

from keynet.script.arguments import Note
from keynet.script.interpreter.candidates import Candidate
from keynet.script.interpreter.machine import Declared
from keynet.script.interpreter.values import Unknown, Value, join
from keynet.text import _

__all__ = ["merged"]


def merged(chosen: list[Candidate], *, alone: bool) -> tuple[list[Declared], list[Note]]:
    """Return the declarations of all parsers in order, and notes on repeated ones.

    Of a parser that only parses on a condition, nothing is required; where two such parsers
    declare an argument differently, what differs is unknown.

    Args:
        alone: No other parser was seen parsing.
    """
    found: dict[str, tuple[Declared, Candidate]] = {}
    notes: list[Note] = []
    text = _("The script declares {name} more than once; the first declaration is reported.")
    for candidate in chosen:
        for declared in candidate.parser.declared():
            if declared.required and not (candidate.parses and (candidate.certain or alone)):
                declared = _optional(declared)  # noqa: PLW2901
            if not candidate.parses:
                declared = replace(declared, certain=False)  # noqa: PLW2901
            if declared.name not in found:
                found[declared.name] = declared, candidate
                continue
            first, other = found[declared.name]
            if other is candidate and _alternatives(first, declared):
                found[declared.name] = _either(first, declared), other
            elif other is candidate:
                notes.append(Note.on(declared.name, declared.line, text, declared.file))
            elif not (candidate.certain and other.certain):
                found[declared.name] = _either(first, declared), other
    declarations = [declared for declared, _candidate in found.values()]
    sometimes = _("It depends on a condition whether the script has {name}.")
    notes.extend(
        Note.on(one.name, one.line, sometimes, one.file) for one in declarations if not one.certain
    )
    return declarations, notes


def _optional(declared: Declared) -> Declared:
    note = _("It is unknown whether the script requires {name}.")
    return replace(declared, required=False, notes=[*declared.notes, note])


def _alternatives(one: Declared, other: Declared) -> bool:
    """Report whether a parser may have only one of two declarations of the same name."""
    return one.alternative or other.alternative


def _either(one: Declared, other: Declared) -> Declared:
    """Return what holds for both of two declarations of an argument."""
    if one.required != other.required:
        one, other = _optional(one), _optional(other)
    return replace(
        one,
        kind=one.kind if one.kind == other.kind else "",
        default=join(one.default, other.default),
        choices=_same_choices(one.choices, other.choices),
        notes=list(dict.fromkeys([*one.notes, *other.notes])),
        certain=one.certain or other.certain,
        alternative=one.alternative or other.alternative,
    )


def _same_choices(one: Value, other: Value) -> Value:
    if one is None and other is None:
        return None
    same = isinstance(one, (list, tuple)) and isinstance(other, (list, tuple))
    return one if same and list(one) == list(other) else Unknown("list")  # type: ignore[call-overload]
