"""An abstract interpreter: it follows a script without running it.

Statements are followed in order, calls into functions and into the project's other files.
Where a condition cannot be known both ways are followed and joined; what is changed on only
one of them is then known no longer. Every loop, call depth and container is bounded.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from keynet.script.arguments import Note
from keynet.script.files.project import Project
from keynet.script.interpreter import calls, expressions, statements
from keynet.script.interpreter.definitions import (
    Class,
    EnumMember,
    Function,
    Instance,
    Module,
    Scope,
)
from keynet.script.interpreter.evaluation import attributes, items, operations
from keynet.script.interpreter.knowledge.constants import machine_dependent
from keynet.script.interpreter.knowledge.natives import BUILTINS
from keynet.script.interpreter.knowledge.records import RECORDS
from keynet.script.interpreter.knowledge.stdlib import STDLIB
from keynet.script.interpreter.machine import (
    Dialect,
    Finished,
    Handler,
    Limits,
    NativeClass,
    ParserLike,
    PerhapsFinished,
)
from keynet.script.interpreter.values import (
    UNKNOWN,
    Arguments,
    External,
    Imported,
    OneOf,
    SetValue,
    Unknown,
    Value,
    join,
)
from keynet.text import _, fill, printable

__all__ = ["MAX_WAITING", "Candidate", "Interpreter"]

MAX_WAITING: Final = 40
_MOST_PARSERS: Final = 60
_COST_OF_PARSING: Final = 1_000


class Candidate:
    """A parser that was seen parsing; ``rank`` as in SPEC 3: block, main, anywhere."""

    def __init__(
        self, parser: ParserLike, rank: int, *, complete: bool, certain: bool = True
    ) -> None:
        self.parser = parser
        self.rank = rank
        self.complete = complete
        self.certain = certain


class Interpreter:
    """The state of following one script; implements ``machine.Machine``."""

    def __init__(self, project: Project, dialects: Iterable[Dialect], limits: Limits) -> None:
        self.project = project
        self.limits = limits
        self.handlers: dict[str, Handler] = {**BUILTINS, **STDLIB, **RECORDS}
        self._plain = frozenset(self.handlers)
        self.native_classes: dict[str, NativeClass] = {}
        for dialect in dialects:
            self.handlers.update(dialect.handlers)
            self.native_classes.update(dialect.native_classes)
        self.notes: list[Note] = []
        self.parsers: list[ParserLike] = []
        self.candidates: list[Candidate] = []
        self.depth = 0
        self.calls = 0
        self.active: dict[ast.AST, int] = {}
        self.called: set[ast.AST] = set()
        self.stored: dict[ast.AST, set[str]] = {}
        # How often anything that declares a command line was used, and the steps that
        # functions took which never did.
        self.declarations = 0
        self.idle: dict[ast.AST, int] = {}
        self.region = 0
        self._last_region = 0
        self._young: dict[int, tuple[object, int]] = {}
        self._spoiled: dict[int, object] = {}
        self._registries: dict[int, tuple[object, str]] = {}
        self._full: dict[int, object] = {}
        self.waiting: list[Value] = []
        self._unread: list[Module] = []
        self._scopes: list[Scope] = []
        self._unknown_calls: dict[str, Unknown] = {}
        self._resolving: set[tuple[int, str]] = set()
        self.main_function: ast.AST | None = None
        self.has_block = False
        self._in_block = False

    # Following

    def begin(self, module: Module, name: str) -> Scope:
        """Give the names that a module has before its first line."""
        scope = Scope(module, None, {}, "module")
        scope.names.update(
            {
                "__name__": name,
                "__file__": machine_dependent("__file__"),
                "__doc__": None,
                "__package__": UNKNOWN,
            }
        )
        module.scope = scope
        self._scopes.append(scope)
        module.state = "reading"
        return scope

    def load(self, module: Module) -> Scope | None:
        """Read and follow a module of the project, once; None when it cannot be read."""
        if module.state != "unread":
            return module.scope
        module.state = "reading"
        content = self.project.read(module, self.limits)
        if content is None:
            module.state = "read"
            return None
        scope = self.begin(module, module.name)
        scope.names["__doc__"] = ast.get_docstring(content.tree, clean=False)
        region, self.region = self.region, 0
        try:
            statements.execute(self, content.tree.body, scope)
        finally:
            self.region = region
            module.state = "read"
        return scope

    def forget(self) -> None:
        """Break the circles of names and what they name: no collector has to find them."""
        for scope in self._scopes:
            for value in scope.names.values():
                if isinstance(value, Class):
                    value.namespace.clear()
            scope.names.clear()

    def load_unread(self, pattern: str = "") -> bool:
        """Read the modules that were imported and not looked at; tell whether there were any.

        Args:
            pattern: Read only those whose text has a match of this expression.
        """
        any_read = False
        skipped: list[Module] = []
        while modules := [one for one in self._unread if one.state == "unread"]:
            self._unread.clear()
            for module in modules:
                # A package's own file is what leads to its modules.
                if not pattern or module.package or self.project.mentions(module, pattern):
                    any_read = True
                    self.load(module)
                else:
                    skipped.append(module)
        self._unread.extend(skipped)
        return any_read

    def module(self, name: str, importer: Module, level: int = 0) -> Module | None:
        """Find a module of the project."""
        module = self.project.find(name, importer, level)
        if module is not None and module.state == "unread":
            self._unread.append(module)
        return module

    def submodule(self, module: Module, name: str) -> Module | None:
        """Find a module inside a package of the project."""
        found = self.project.inside(module, name) if module.package else None
        if found is not None and found.state == "unread":
            self._unread.append(found)
        return found

    def import_name(self, name: str) -> Value:
        """Give what importing an absolute name gives."""
        entry = Module("__main__", self.project.script)
        return self.module(name, entry) or External(name)

    def resolve(self, imported: Imported) -> Value:
        """Give what a name imported from a module of the project is bound to."""
        key = (id(imported.module), imported.name)
        if key in self._resolving:
            return UNKNOWN
        self._resolving.add(key)
        try:
            return self.attribute(imported.module, imported.name)
        finally:
            self._resolving.discard(key)

    def enter_main_block(self, scope: Scope) -> None:
        """Take notice that the script's ``__main__`` block begins."""
        if scope.module.name == "__main__":
            self._in_block = True

    # Values

    # These are the functions themselves: a method around each would double the frames.
    execute = statements.execute
    evaluate = expressions.evaluate
    call = calls.call
    attribute = attributes.attribute
    assign_attribute = attributes.assign_attribute
    item = items.item_of
    iterate = items.items_of
    slice_of = items.slice_of

    def truth(self, value: Value) -> bool | None:
        """Give the truth of a value, None when it cannot be known."""
        return None if self.spoiled(value) else operations.truth(value)

    def members(self, cls: Class) -> list[EnumMember]:
        """Give the members of an Enum in order, none for another class."""
        self.limits.spend(len(cls.namespace) // 4)
        members = [value for value in cls.namespace.values() if isinstance(value, EnumMember)]
        return list(dict.fromkeys(members))

    def set_item(self, container: Value, key: Value, value: Value) -> None:
        """Call the ``__setitem__`` of an object of the project."""
        if isinstance(container, Instance):
            setter = self.attribute(container, "__setitem__")
            if not isinstance(setter, Unknown):
                self.call(setter, Arguments((key, value)))

    def make_function(
        self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: Scope
    ) -> Function:
        """Make a function with its defaults evaluated."""
        given = node.args
        keyword_defaults = {
            parameter.arg: self.evaluate(default, scope)
            for parameter, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
            if default is not None
        }
        defaults = tuple(self.evaluate(default, scope) for default in given.defaults)
        return Function(node, scope, defaults, keyword_defaults)

    def decorate(self, decorator: Value, value: Value, line: int) -> Value:
        """Apply a decorator; an unknown one is taken to give back what it decorates."""
        if isinstance(decorator, Unknown) or not self._understood(decorator):
            return value
        result = self.call(decorator, Arguments((value,), line=line))
        return value if isinstance(result, Unknown) or result is None else result

    def _understood(self, decorator: Value) -> bool:
        if isinstance(decorator, External):
            return bool(self.handler(decorator.name) or self.native_class(decorator.name))
        return not isinstance(decorator, OneOf)

    def run_function(self, function: Function, scope: Scope) -> Value:
        """Follow a function's body and give what it returns."""
        node = function.node
        if isinstance(node, ast.Lambda):
            return self.evaluate(node.body, scope)
        signal = statements.execute(self, node.body, scope)
        frame = scope.frame
        if frame.yields:
            return self.fresh(list(frame.yields))
        returns = frame.returns if signal is not None else [*frame.returns, None]
        if not returns:
            return UNKNOWN
        result = returns[0]
        for value in returns[1:]:
            result = join(result, value)
        return result

    # What is certain

    @contextmanager
    def uncertain(self) -> Iterator[None]:
        """Follow something that may not happen."""
        outer = self.region
        self._last_region += 1
        self.region = self._last_region
        try:
            yield
        finally:
            self.region = outer

    def fresh(self, container: Value) -> Value:
        """Take notice of a new container, which may change freely where it was made."""
        if self.region:
            self._young[id(container)] = (container, self.region)
        return container

    def may_change(self, container: object) -> bool:
        """Tell whether a change of a container here is certain to happen."""
        if not self.region:
            return True
        return self._young.get(id(container), (None, -1))[1] == self.region

    def registry(self, container: object, module: Module) -> None:
        """Take notice of an empty container at the top of a module."""
        if id(container) not in self._full:
            name = module.path.parent.name if module.package else module.path.stem
            self._registries[id(container)] = (container, name)

    def fill(self, container: object) -> bool:
        """Read the modules that register themselves in an empty container; tell whether it is one.

        They have to import it.
        """
        if id(container) not in self._registries:
            return False
        _container, name = self._registries.pop(id(container))
        self._full[id(container)] = container
        self.load_unread(rf"\b{re.escape(name)}\b")
        return True

    def spoil(self, container: object) -> None:
        """Take notice that a container's content is no longer known."""
        if isinstance(container, (list, dict, SetValue)):
            self._spoiled[id(container)] = container

    def spoiled(self, container: object) -> bool:
        """Tell whether a container's content is no longer known."""
        return bool(self._spoiled) and id(container) in self._spoiled

    # What dialects tell

    def handler(self, name: str) -> Handler | None:
        """Give what a name from outside the project does when called."""
        return self.handlers.get(name) or self.handlers.get("*." + name.rpartition(".")[2])

    def is_plain(self, name: str) -> bool:
        """Tell a function that has nothing to do with command lines."""
        return name in self._plain

    def native_class(self, name: str) -> NativeClass | None:
        """Give the class that a name from outside the project means to a dialect."""
        found = self.native_classes.get(name)
        return found or self.native_classes.get("*." + name.rpartition(".")[2])

    def later(self, functions: Iterable[Value]) -> None:
        """Remember functions that something unknown may call."""
        for function in functions:
            if len(self.waiting) < MAX_WAITING:
                self.waiting.append(function)

    def unknown_call(self, name: str) -> Unknown:
        """Give what an outside function returns that is not known."""
        if name not in self._unknown_calls:
            why = fill(_("calls {function}()"), function=printable(name, 100))
            self._unknown_calls[name] = Unknown(why=why)
        return self._unknown_calls[name]

    def note(self, line: int, message: str, file: str = "") -> None:
        """Tell what could not be known."""
        self.notes.append(Note(line, message, file))

    def created(self, parser: ParserLike) -> None:
        """Take notice of a new parser."""
        if len(self.parsers) < _MOST_PARSERS:
            self.parsers.append(parser)

    def parsed(self, parser: ParserLike, *, complete: bool = True) -> None:
        """Take notice that a parser parses the command line.

        Raises:
            Finished: It is the one that the script uses.
        """
        rank = 3 if self._in_block else 2 if self.main_function in self.active else 1
        self.limits.spend(_COST_OF_PARSING)
        self.candidates.append(Candidate(parser, rank, complete=complete, certain=not self.region))
        best = 3 if self.has_block else 2 if self.main_function is not None else 1
        if complete and rank >= best and parser.declared():
            raise PerhapsFinished if self.region else Finished
