"""A command line made of single declarations, without a parser object."""

from typing import Final

from keynet.script.interpreter.definitions import Instance
from keynet.script.interpreter.machine import Declared
from keynet.script.interpreter.values import MISSING, Arguments, Value

__all__ = ["CommandLine"]

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
