"""A command line made of single declarations, without a parser object."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from keynet.script.interpreter.definitions import Instance
from keynet.script.interpreter.machine import Declared, Machine, Made
from keynet.script.interpreter.values import MISSING, Arguments, Value
from keynet.text import _

__all__ = ["CommandLine", "perhaps", "settled"]

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


def settled(run: Machine, owner: Made, found: Iterable[Declared]) -> list[Declared]:
    """Return what is added to an object at this point: as holding on a condition if it does."""
    return list(found) if run.sure_for(owner) else [perhaps(one) for one in found]


def perhaps(declared: Declared) -> Declared:
    """Return a declaration that holds on a condition only: the script does not require it."""
    notes = list(declared.notes)
    if declared.required:
        notes.append(_("It is unknown whether the script requires {name}."))
    return replace(declared, required=False, certain=False, alternative=True, notes=notes)
