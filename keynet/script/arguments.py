"""What a training script can be told on its command line, as values.

Source: SPEC chapter 3.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Argument", "Extraction", "JsonValue", "Note", "TypeName"]

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
TypeName: TypeAlias = Literal["str", "int", "float", "bool"]


@dataclass(frozen=True, slots=True)
class Argument:
    """One hyperparameter: ``type`` is the element's for a list; ``default`` is a JSON value."""

    name: str
    type: TypeName = "str"
    default: JsonValue = None
    required: bool = False
    help: str = ""
    choices: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Give the object that the platform's API takes."""
        return {
            "name": self.name,
            "type": self.type,
            "default": self.default,
            "required": self.required,
            "help": self.help,
            "choices": None if self.choices is None else list(self.choices),
        }


@dataclass(frozen=True, slots=True)
class Note:
    """Something in the script that could not be known: ``file`` is "" for the script itself."""

    line: int
    message: str
    file: str = ""

    def to_json(self) -> dict[str, JsonValue]:
        """Give ``{"line", "message"}``, with ``file`` when it is another one of the project."""
        note: dict[str, JsonValue] = {"line": self.line, "message": self.message}
        return {**note, "file": self.file} if self.file else note


@dataclass(frozen=True, slots=True)
class Extraction:
    """All arguments of one script in source order, and what could not be known about them."""

    parser_type: str | None
    arguments: tuple[Argument, ...] = ()
    notes: tuple[Note, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Give ``{"parser_type", "arguments", "notes"}``."""
        return {
            "parser_type": self.parser_type,
            "arguments": [argument.to_json() for argument in self.arguments],
            "notes": [note.to_json() for note in self.notes],
        }
