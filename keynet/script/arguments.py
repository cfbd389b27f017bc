"""The hyperparameters of a training script, as values.

What the fields hold for each kind of declaration: docs/hyperparameters.md.
"""

from typing import Literal, TypeAlias

from keynet.frozen import frozen
from keynet.text import printable

__all__ = ["Argument", "Extraction", "JsonValue", "Note", "TypeName"]

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
TypeName: TypeAlias = Literal["str", "int", "float", "bool"]


@frozen
class Argument:
    """One hyperparameter; for a list, ``type`` is the type of its elements."""

    name: str
    type: TypeName = "str"
    default: JsonValue = None
    required: bool = False
    help: str = ""
    choices: tuple[str, ...] | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the object that the platform's API accepts."""
        return {
            "name": self.name,
            "type": self.type,
            "default": self.default,
            "required": self.required,
            "help": self.help,
            "choices": None if self.choices is None else list(self.choices),
        }


@frozen
class Note:
    """Something that could not be determined; ``file`` is "" for the script itself.

    ``about`` is the argument that it names, and ``of_kind`` what notes of its kind have in
    common, with ``{name}`` where that argument stands; both are "" once notes are summarised.
    """

    line: int
    message: str
    file: str = ""
    about: str = ""
    of_kind: str = ""

    @classmethod
    def on(cls, name: str, line: int, text: str, file: str) -> "Note":
        """Return a note whose text names an argument as ``{name}``."""
        if "{name}" not in text:
            return cls(line, text, file)
        shown = printable(name, 100)
        return cls(line, text.replace("{name}", shown), file, shown, text)

    def to_json(self) -> dict[str, JsonValue]:
        """Return ``{"line", "message"}``, and ``file`` if it is not the script itself."""
        note: dict[str, JsonValue] = {"line": self.line, "message": self.message}
        return {**note, "file": self.file} if self.file else note


@frozen
class Extraction:
    """All arguments of one script in source order, and notes on what is unknown."""

    parser_type: str | None
    arguments: tuple[Argument, ...] = ()
    notes: tuple[Note, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Return ``{"parser_type", "arguments", "notes"}``."""
        return {
            "parser_type": self.parser_type,
            "arguments": [argument.to_json() for argument in self.arguments],
            "notes": [note.to_json() for note in self.notes],
        }
