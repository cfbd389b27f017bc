"""A command line made of single declarations, without a parser object."""

from dataclasses import replace
from typing import Final

from keynet.script.interpreter.definitions import Instance
from keynet.script.interpreter.machine import Declared
from keynet.script.interpreter.values import MISSING, Arguments, Value
from keynet.text import _

__all__ = ["CommandLine", "perhaps"]

_MOST: Final = 3_000


class CommandLine(Instance):
    """A command line as a list of declarations; ``found`` is in source order."""

    def __init__(self, dialect: str, given: Arguments) -> None:
        super().__init__()
        self.dialect = dialect
        self.found: list[Declared] = []
        self.nested = False
        self.line = given.line
        self.file = given.file

    def native(self, name: str) -> Value:
        """Mark the object as one that declares arguments."""
        return True if name == "declared" else MISSING

    def declared(self) -> list[Declared]:
        """Return the declarations in order."""
        return self.found[:_MOST]


def perhaps(declared: Declared) -> Declared:
    """Return a declaration that holds on a condition only: the script does not require it."""
    notes = list(declared.notes)
    if declared.required:
        notes.append(_("It is unknown whether the script requires {name}."))
    return replace(declared, required=False, certain=False, alternative=True, notes=notes)
