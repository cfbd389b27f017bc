"""What the interpreter's parts and the dialects share: limits, and what they may ask of it."""

import ast
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from keynet.script.arguments import Note
from keynet.script.interpreter.definitions import (
    Class,
    EnumMember,
    Function,
    Instance,
    Module,
    Scope,
)
from keynet.script.interpreter.values import Arguments, Imported, Unknown, Value

__all__ = [
    "Declared",
    "Dialect",
    "Finished",
    "Handler",
    "Limits",
    "Machine",
    "Native",
    "NativeClass",
    "OutOfSteps",
    "ParserLike",
    "PerhapsFinished",
]

MAX_DEPTH: Final = 160


class OutOfSteps(Exception):
    """The script was followed as far as the bound on steps allows."""


class Finished(Exception):
    """The parser that the script really uses has been found."""


class PerhapsFinished(Finished):
    """A parser that the script may use has been found; on another way it may use another."""


@dataclass(slots=True)
class Limits:
    """Bounds on the work that a script can cause.

    ``steps`` is spent by nodes evaluated and elements copied; ``tokens`` by files read.
    """

    steps: int = 200_000
    tokens: int = 150_000
    modules: int = 80

    def spend(self, steps: int) -> None:
        """Take steps.

        Raises:
            OutOfSteps: None are left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise OutOfSteps


@dataclass(slots=True, eq=False)
class Declared:
    """One argument as declared, its values not yet judged.

    ``kind`` is the type's name, "" where it is not known; ``notes`` say why.
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


class ParserLike(Protocol):
    """Anything that declares a command line."""

    dialect: str
    line: int
    nested: bool

    def declared(self) -> list[Declared]: ...


class Machine(Protocol):
    """The interpreter as its parts and the dialects see it."""

    limits: Limits
    notes: list[Note]
    parsers: list[ParserLike]
    region: int
    depth: int
    calls: int
    active: dict[ast.AST, int]
    called: set[ast.AST]
    stored: dict[ast.AST, set[str]]
    declarations: int
    idle: dict[ast.AST, int]

    # Values
    def execute(self, statements: list[ast.stmt], scope: Scope) -> str | None: ...
    def evaluate(self, node: ast.expr, scope: Scope) -> Value: ...
    def call(self, function: Value, given: Arguments) -> Value: ...
    def attribute(self, value: Value, name: str) -> Value: ...
    def assign_attribute(self, value: Value, name: str, new: Value) -> None: ...
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
    def fresh(self, container: Value) -> Value: ...
    def may_change(self, container: object) -> bool: ...
    def watch_registry(self, container: object, module: Module) -> None: ...
    def fill_registry(self, container: object) -> bool: ...
    def spoil(self, container: object) -> None: ...
    def spoiled(self, container: object) -> bool: ...

    # The project
    def load(self, module: Module) -> Scope | None: ...
    def load_unread(self, pattern: str = "") -> bool: ...
    def module(self, name: str, importer: Module, level: int = 0) -> Module | None: ...
    def submodule(self, module: Module, name: str) -> Module | None: ...
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
    def parsed(self, parser: ParserLike, *, complete: bool = True) -> None: ...


Handler: TypeAlias = Callable[[Machine, Arguments], Value]


@dataclass(frozen=True, slots=True, eq=False)
class Native:
    """A callable whose effect is known here, not in the script."""

    name: str
    call: Handler


@dataclass(frozen=True, slots=True)
class NativeClass:
    """A class outside the project whose objects a dialect understands.

    ``make`` gives a bare object; its ``native("__init__")`` sets it up. ``attribute`` gives what
    a class that derives from it has, MISSING where it is nothing special.
    """

    make: Callable[[Class | None], Instance]
    attribute: Callable[[Machine, Class, str], Value] | None = None


@dataclass(frozen=True, slots=True)
class Dialect:
    """One way of declaring a command line: what its outside names do when called.

    A script without any of ``words`` in it or in its project does not use this dialect.
    A module that only needs importing to add commands matches ``registers``.
    """

    name: str
    words: tuple[str, ...]
    handlers: Mapping[str, Handler]
    native_classes: Mapping[str, NativeClass] = field(default_factory=dict)
    registers: str = ""
