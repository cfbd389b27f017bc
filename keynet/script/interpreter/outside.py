"""Names from outside the project: what they do, and the dialects that know them."""

import importlib
from collections.abc import Iterable

from keynet.frozen import frozen
from keynet.script.interpreter.knowledge.builtin_functions import BUILTINS
from keynet.script.interpreter.knowledge.records import RECORDS
from keynet.script.interpreter.knowledge.stdlib import STDLIB
from keynet.script.interpreter.machine import Dialect, Handler, NativeClass
from keynet.script.interpreter.values import External, OneOf, Unknown, Value

__all__ = ["Library", "Outside"]


@frozen
class Library:
    """Where a dialect is found, which is imported only for a script that uses it.

    Args:
        name: The ``parser_type`` of what it declares.
        module: The module of the dialect.
        constant: Its name in there.
        used_by: The first part or the last one of every name that the dialect handles: a script
            that uses such a name brings it in.
        words: A script declares a command line with it only if it or its project contains one.
    """

    name: str
    module: str
    constant: str
    used_by: tuple[str, ...]
    words: tuple[str, ...]

    def dialect(self) -> Dialect:
        """Import the dialect."""
        found: Dialect = getattr(importlib.import_module(self.module), self.constant)
        return found


class Outside:
    """What names from outside the project do: Python's own, and those of the dialects in use."""

    def __init__(self, libraries: Iterable[Library]) -> None:
        self._handlers: dict[str, Handler] = {**BUILTINS, **STDLIB, **RECORDS}
        self._plain = frozenset(self._handlers)
        self._classes: dict[str, NativeClass] = {}
        self._known: dict[str, tuple[Handler | None, NativeClass | None]] = {}
        self._waiting: dict[str, list[Library]] = {}
        self.registering: dict[str, str] = {}
        for library in libraries:
            for part in library.used_by:
                self._waiting.setdefault(part, []).append(library)

    def handler(self, name: str) -> Handler | None:
        """Return what a name does when called."""
        return (self._known.get(name) or self._look_up(name))[0]

    def native_class(self, name: str) -> NativeClass | None:
        """Return the class that a dialect defines for a name."""
        return (self._known.get(name) or self._look_up(name))[1]

    def understands(self, decorator: Value) -> bool:
        """Report whether it is known what a decorator does."""
        if isinstance(decorator, External):
            return bool(self.handler(decorator.name) or self.native_class(decorator.name))
        if isinstance(decorator, OneOf):
            return all(self.understands(one) for one in decorator.values)
        return not isinstance(decorator, Unknown)

    def declares_nothing(self, name: str) -> bool:
        """Report whether a function is known and declares no arguments."""
        return name in self._plain

    def _look_up(self, name: str) -> tuple[Handler | None, NativeClass | None]:
        last = name.rpartition(".")[2]
        self._bring_in(name.partition(".")[0])
        self._bring_in(last)
        handler = self._handlers.get(name) or self._handlers.get(f"*.{last}")
        native_class = self._classes.get(name) or self._classes.get(f"*.{last}")
        known = self._known[name] = (handler, native_class)
        return known

    def _bring_in(self, part: str) -> None:
        """Import the dialects that may know a name with this first or last part."""
        for library in self._waiting.pop(part, ()):
            dialect = library.dialect()
            self._handlers.update(dialect.handlers)
            self._classes.update(dialect.native_classes)
            if dialect.registers:
                self.registering[library.name] = dialect.registers
