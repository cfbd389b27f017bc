"""What ``type=`` makes of a default that is a string, as argparse converts it."""

from types import NoneType
from typing import Final

from keynet.script.interpreter.machine import Declared, Machine
from keynet.script.interpreter.values import Arguments, External, Unknown, Value

__all__ = ["of_text", "parsed"]

# Methods of str as converters: the texts that they give are known.
_OF_TEXT: Final = frozenset(
    f"builtins.str.{name}" for name in ("lower", "upper", "strip", "title", "casefold")
)
# Functions that make something else of a text than a text, whatever it is.
_READING: Final = frozenset(["eval", "literal_eval", "loads", "safe_load", "full_load"])
_DEEPEST: Final = 16


def parsed(run: Machine, declared: Declared) -> Value:
    """Return the default as argparse parses it: a string goes through the converter."""
    default = declared.default
    if declared.converter is None or not isinstance(default, str):
        return default
    made = of_text(run, declared.converter, default)
    if _is_plain(run, made):
        return made
    # What the text becomes is not known, or the converter refuses it.
    converter = declared.converter
    if isinstance(converter, External) and converter.name.rpartition(".")[2] in _READING:
        return Unknown()
    return Unknown(declared.kind) if declared.kind in ("int", "float", "bool") else default


def of_text(run: Machine, converter: Value, text: str) -> Value:
    """Return what a converter makes of a text, without the notes on its way there."""
    if isinstance(converter, External) and converter.name in _OF_TEXT:
        return str(getattr(text, converter.name.rpartition(".")[2])())
    notes = len(run.notes)
    with run.uncertain():
        made = run.call(converter, Arguments((text,)))
    del run.notes[notes:]
    return made


def _is_plain(run: Machine, value: Value, depth: int = 0) -> bool:
    """Report whether a value is known to be one that JSON has."""
    if depth > _DEEPEST or run.spoiled(value):
        return False
    run.limits.spend(1)
    if isinstance(value, (list, tuple)):
        return all(_is_plain(run, part, depth + 1) for part in value)
    if isinstance(value, dict):
        return all(
            isinstance(key, str) and _is_plain(run, part, depth + 1) for key, part in value.items()
        )
    return isinstance(value, (str, int, float, NoneType))
