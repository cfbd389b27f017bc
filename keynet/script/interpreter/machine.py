"""The protocol and values that parts of the interpreter and dialects share."""

import ast
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from keynet.frozen import frozen
from keynet.script.arguments import Note
from keynet.script.interpreter.definitions import (
    Class,
    EnumMember,
    Function,
    Instance,
    Module,
    Scope,
)
from keynet.script.interpreter.values import Arguments, Coroutine, Imported, Unknown, Value

__all__ = [
    "Attempt",
    "Declared",
    "Dialect",
    "Finished",
    "Handler",
    "Limits",
    "Machine",
    "Made",
    "Native",
    "NativeClass",
    "OutOfSteps",
    "ParserLike",
    "PerhapsFinished",
    "Settling",
]

MAX_DEPTH: Final = 160


class OutOfSteps(Exception):
    """The limit on steps is reached."""


class Finished(Exception):
    """The parser that the script uses has been found."""


class PerhapsFinished(Finished):
    """A parser has been found in a branch; other branches may use another."""


@dataclass(slots=True)
class Limits:
    """What is left of the work that a script may cause.

    ``steps`` are used by evaluated nodes and copied elements, ``tokens`` and ``modules`` by
    files read; ``met`` counts how often each bound is met.
    """

    steps: int = 200_000
    tokens: int = 150_000
    modules: int = 400
    met: dict[str, int] = field(default_factory=dict)

    def meet(self, bound: str) -> None:
        """Record that a bound is met: what lies beyond it may be missing."""
        self.met[bound] = self.met.get(bound, 0) + 1

    def spend(self, steps: int) -> None:
        """Use up steps.

        Raises:
            OutOfSteps: No steps are left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise OutOfSteps


@dataclass(slots=True, eq=False, repr=False)
class Declared:
    """One argument as declared, before its values are converted.

    ``certain`` is False where it depends on a condition whether it is declared; ``alternative``
    is set where another branch may declare it otherwise; ``converter`` is what the library
    applies to a default that is a string.

    ``kind`` is the name of its type, "" when it is unknown; ``notes`` say what else is unknown.
    """

    name: str
    kind: str = "str"
    default: Value = None
    required: bool = False
    help: Value = ""
    choices: Value = None
    line: int = 0
    file: str = ""
    notes: list[str] = field(default_factory=list)
    certain: bool = True
    converter: Value = None
    alternative: bool = False


class ParserLike(Protocol):
    """Anything that declares a command line."""

    dialect: str
    line: int
    nested: bool

    def declared(self) -> list[Declared]: ...


class Made(Protocol):
    """An object that was made in a region, 0 where that was certain."""

    region: int


@dataclass(slots=True, eq=False)
class Young:
    """A container or object, with the region and the time in which it was made.

    ``frame`` is the outermost call, loop, turn or body of ``try`` from which it can be reached.
    """

    made: Value
    region: int
    frame: int
    time: int


class Settling(Protocol):
    """A parser to which a branch may add arguments."""

    def settle(self, run: "Machine", name: str) -> None:
        """Take an argument that every branch has added as added by what surrounds them."""


@dataclass(slots=True, eq=False, repr=False)
class Attempt:
    """The body of a ``try`` that is followed.

    ``handlers`` has the class that each one handles, None for any, and whether the script goes
    on after it; ``frame`` is its number; ``states`` are the names wherever something may have
    raised.
    """

    scope: Scope
    handlers: list[tuple[Value, bool]]
    frame: int = 0
    states: list[dict[str, Value]] = field(default_factory=list)


class Machine(Protocol):
    """The interpreter, as its parts and the dialects use it."""

    limits: Limits
    notes: list[Note]
    parsers: list[ParserLike]
    region: int
    regions: list[int]
    depth: int
    calls: int
    active: dict[ast.AST, int]
    called: set[ast.AST]
    stored: dict[ast.AST, set[str]]
    scanned: dict[ast.stmt, list[ast.AST]]
    declarations: int
    idle: dict[ast.AST, int]
    unseen_imports: bool
    time: int
    young: dict[int, Young]
    tries: list[Attempt]
    raised: Value
    scopes: list[Scope]
    generators: dict[ast.AST, bool]
    yields: dict[int, list[int]]
    walrus: dict[int, bool]
    views: dict[int, tuple[list[Value], Callable[["Machine"], list[Value] | None]]]
    mirrors: dict[int, tuple[object, Scope | Instance]]
    intercepted: bool
    frames: list[int]
    tasks: list[Coroutine]
    exits: list[Callable[[], Value]]
    added: dict[int, dict[tuple[int, str], "Settling"]]

    # Values
    def execute(self, statements: list[ast.stmt], scope: Scope) -> str | None: ...
    def evaluate(self, node: ast.expr, scope: Scope) -> Value: ...
    def call(self, function: Value, given: Arguments) -> Value: ...
    def attribute(self, value: Value, name: str) -> Value: ...
    def assign_attribute(self, value: Value, name: str, new: Value) -> None: ...
    def store_attribute(self, value: Value, name: str, new: Value) -> None: ...
    def delete_attribute(self, value: Value, name: str) -> None: ...
    def item(self, value: Value, key: Value) -> Value: ...
    def set_item(self, container: Value, key: Value, value: Value) -> None: ...
    def slice_of(self, value: Value, bounds: list[Value]) -> Value: ...
    def truth(self, value: Value) -> bool | None: ...
    def iterate(self, value: Value) -> list[Value] | None: ...
    def members(self, cls: Class) -> list[EnumMember]: ...
    def make_function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope
    ) -> Function: ...
    def decorate(self, decorator: Value, value: Value, line: int) -> Value: ...
    def run_function(self, function: Function, scope: Scope) -> Value: ...

    # What is certain
    def uncertain(self) -> AbstractContextManager[None]: ...
    def apart(self) -> AbstractContextManager[None]: ...
    def enter(self) -> int: ...
    def leave(self) -> None: ...
    def fresh(self, container: Value) -> Value: ...
    def may_change(self, container: object) -> bool: ...
    def passed_over(self, changed: object) -> bool: ...
    def sure_for(self, owner: "Made") -> bool: ...
    def may_leave(self, frame: int) -> None: ...
    def doubtful_since(self, time: int) -> bool: ...
    def left_since(self, time: int, outer: int) -> bool: ...
    def outer_left_since(self, time: int, outer: int) -> bool: ...
    def keep(self, value: Value, frame: int) -> None: ...
    def kept_by(self, value: Value, holder: object) -> Value: ...
    def parted(self, value: Value, frame: int) -> Value: ...
    def parted_names(self, names: Mapping[str, Value], frame: int) -> dict[str, Value]: ...
    def unchanged(self, one: Value, other: Value) -> bool: ...
    def may_raise(self, kind: Value = None) -> None: ...
    def watch_registry(self, container: object, module: Module) -> None: ...
    def fill_registry(self, container: object) -> bool: ...
    def spoil(self, container: object) -> None: ...
    def spoiled(self, container: object) -> bool: ...

    # The project
    def load(self, module: Module) -> Scope | None: ...
    def load_unread(self, pattern: str = "") -> bool: ...
    def module(self, name: str, importer: Module, level: int = 0) -> Module | None: ...
    def listing(self, path: str) -> list[str] | None: ...
    def submodule(self, module: Module, name: str) -> Module | None: ...
    def read_file(self, path: Path) -> tuple[bytes, str] | None: ...
    def installs(self, name: str) -> bool: ...
    def import_name(self, name: str) -> Value: ...
    def resolve(self, imported: Imported) -> Value: ...
    def enter_main_block(self, scope: Scope) -> None: ...

    # Dialects
    def handler(self, name: str) -> "Handler | None": ...
    def declares_nothing(self, name: str) -> bool: ...
    def native_class(self, name: str) -> "NativeClass | None": ...
    def call_later(self, functions: Iterable[Value]) -> None: ...
    def unknown_call(self, name: str) -> Unknown: ...
    def note(self, line: int, message: str, file: str = "") -> None: ...
    def created(self, parser: ParserLike) -> None: ...
    def parsed(self, parser: ParserLike, *, complete: bool = True, words: Value = None) -> None: ...
    def replace_command_line(self, words: Value) -> None: ...


Handler: TypeAlias = Callable[[Machine, Arguments], Value]


@frozen(eq=False)
class Native:
    """A callable that is implemented here and not in the script."""

    name: str
    call: Handler


@frozen
class NativeClass:
    """A class outside the project whose objects a dialect understands.

    ``make`` returns an object that its ``native("__init__")`` then sets up; its argument is the
    class of the project that derives from this one. ``attribute`` returns an attribute that
    deriving classes inherit, MISSING for any other name.
    """

    make: Callable[[Class | None], Instance]
    attribute: Callable[[Machine, Class, str], Value] | None = None


@frozen
class Dialect:
    """A library that declares command lines: what its functions and classes do.

    Args:
        handlers: By full name, or ``*.name`` for a name in any module.
        registers: Regular expression that matches modules that add commands when imported.
    """

    handlers: Mapping[str, Handler]
    native_classes: Mapping[str, NativeClass] = field(default_factory=dict)
    registers: str = ""
