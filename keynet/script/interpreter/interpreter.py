"""The abstract interpreter: it follows a script without running it.

Statements are followed in order, and calls into functions and other files of the project.
Where a condition is unknown, both branches are followed and joined; what only one of them
changes is unknown afterwards. Every loop, call depth and container is bounded.
"""

import ast
from collections.abc import Callable, Iterable
from typing import Final

from keynet.script.arguments import Note
from keynet.script.files.project_files import Project
from keynet.script.interpreter import calls, certainty, expressions, modules, statements
from keynet.script.interpreter.branching import outliving, raising
from keynet.script.interpreter.branching.flow import RAISE
from keynet.script.interpreter.branching.managers import manages
from keynet.script.interpreter.candidates import Candidate
from keynet.script.interpreter.definitions import (
    Class,
    EnumMember,
    Function,
    Instance,
    Module,
    Registry,
    Scope,
)
from keynet.script.interpreter.evaluation import (
    attribute_changes,
    attributes,
    generators,
    items,
    operations,
)
from keynet.script.interpreter.machine import (
    Attempt,
    Finished,
    Handler,
    Limits,
    Machine,
    NativeClass,
    ParserLike,
    PerhapsFinished,
    Settling,
    Young,
)
from keynet.script.interpreter.modules import Modules
from keynet.script.interpreter.outside import Library, Outside
from keynet.script.interpreter.values import (
    Arguments,
    Coroutine,
    Leftover,
    OneOf,
    SetValue,
    Unknown,
    Value,
    join_all,
    kind_of,
)
from keynet.text import _, fill, printable

__all__ = ["MAX_WAITING", "Interpreter"]

MAX_WAITING: Final = 40
_MOST_PARSERS: Final = 60
_COST_OF_PARSING: Final = 1_000


class Interpreter:
    """The state of following one script; implements ``machine.Machine``."""

    def __init__(self, project: Project, libraries: Iterable[Library], limits: Limits) -> None:
        self.modules = Modules(project)
        self.limits = limits
        self.outside = Outside(libraries)
        self.notes: list[Note] = []
        self.parsers: list[ParserLike] = []
        self.candidates: list[Candidate] = []
        self.depth = 0
        self.calls = 0
        self.active: dict[ast.AST, int] = {}
        self.called: set[ast.AST] = set()
        # What is found in syntax trees once: the names that loops store, what may fail in a try.
        self.stored: dict[ast.AST, set[str]] = {}
        self.scanned: dict[ast.stmt, list[ast.AST]] = {}
        # Which functions are generators, and the lines of each module that may yield.
        self.generators: dict[ast.AST, bool] = {}
        self.yields: dict[int, list[int]] = {}
        self.walrus: dict[int, bool] = {}
        # Each list of the keys, values or items of a dict, with what it is now.
        self.views: dict[int, tuple[list[Value], Callable[[Machine], list[Value] | None]]] = {}
        # Each dict that globals() or __dict__ has returned, with the scope or object it is of.
        self.mirrors: dict[int, tuple[object, Scope | Instance]] = {}
        # Whether a class of the script has a __getattribute__.
        self.intercepted = False
        # How often anything that declares arguments was used, and the steps taken by each
        # function that never did.
        self.declarations = 0
        self.idle: dict[ast.AST, int] = {}
        # The coroutines that run while others wait.
        self.tasks: list[Coroutine] = []
        # What the managers of an ExitStack do at its end.
        self.exits: list[Callable[[], Value]] = []
        self.region = 0
        self.regions: list[int] = []
        self.last_region = 0
        # The arguments that each branch adds to the parsers made outside of it.
        self.added: dict[int, dict[tuple[int, str], Settling]] = {}
        self.young: dict[int, Young] = {}
        # What was copied where something may be left early: each copy with the original.
        self.copies: dict[int, tuple[Value, Value]] = {}
        self._spoiled: dict[int, object] = {}
        self._registries: dict[int, Registry] = {}
        self.waiting: list[Value] = []
        self.unseen_imports = False
        # The bodies of ``try`` that are followed, and the class of what was raised last.
        self.tries: list[Attempt] = []
        self.raised: Value = None
        # Those of the functions that are followed, innermost last.
        self.scopes: list[Scope] = []
        # The calls, loops, turns and bodies of ``try`` that are followed, and the time at which
        # each of them may have been left last. Time goes on whenever something may be left.
        self.frames: list[int] = []
        self.left: list[int] = []
        self.last_frame = 0
        self.time = 0
        self.command_line: Value = None
        self._unknown_calls: dict[str, Unknown] = {}
        self.main_function: ast.AST | None = None
        self.has_block = False
        self._in_block = False

    # The project. These and the ones below are the functions themselves: a method around
    # each would double the number of frames.

    begin = modules.begin
    load = modules.load
    load_unread = modules.load_unread
    module = modules.module
    submodule = modules.submodule
    read_file = modules.read_file
    import_name = modules.import_name
    installs = modules.installs
    resolve = modules.resolve
    forget = modules.forget
    listing = modules.listing

    def enter_main_block(self, scope: Scope) -> None:
        """Record that the script's ``__main__`` block begins."""
        if scope.module.name == "__main__":
            self._in_block = True

    # Values

    execute = statements.execute
    evaluate = expressions.evaluate
    call = calls.call
    attribute = attributes.attribute
    assign_attribute = attribute_changes.assign_attribute
    store_attribute = attribute_changes.store_attribute
    delete_attribute = attribute_changes.delete_attribute
    item = items.item_of
    iterate = items.items_of
    slice_of = items.slice_of

    def truth(self, value: Value) -> bool | None:
        """Return the truth of a value, None when it is unknown."""
        return None if self.spoiled(value) else operations.truth(value)

    def members(self, cls: Class) -> list[EnumMember]:
        """Return the members of an Enum in order, none for another class."""
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
        """Return a function with its defaults evaluated."""
        given = node.args
        keyword_defaults = {
            parameter.arg: self.evaluate(default, scope)
            for parameter, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
            if default is not None
        }
        defaults = tuple(self.evaluate(default, scope) for default in given.defaults)
        around: Scope | None = scope
        while around is not None and not around.frame.closed:
            around.frame.closed = True
            around = around.parent
        return Function(node, scope, defaults, keyword_defaults)

    def decorate(self, decorator: Value, value: Value, line: int) -> Value:
        """Apply a decorator; an unknown one is assumed to return what it decorates."""
        if not self.outside.understands(decorator) or manages(self, decorator, value):
            return value
        result = self.call(decorator, Arguments((value,), line=line))
        made = result.values if isinstance(result, OneOf) else (result,)
        known = [one for one in made if not isinstance(one, Unknown) and one is not None]
        if isinstance(value, Function):
            value.replaced |= len(known) < len(made)
        return join_all(known) if known else value

    def run_function(self, function: Function, scope: Scope) -> Value:
        """Follow the body of a function and return its result."""
        node = function.node
        if isinstance(node, ast.Lambda):
            return self.evaluate(node.body, scope)
        signal = statements.execute(self, node.body, scope)
        frame = scope.frame
        if signal == RAISE and self.tries:
            # The caller is followed on: it may be that a condition was taken for another.
            self.may_raise(self.raised)
        if frame.yields or generators.is_generator(self, function):
            return Unknown("list") if frame.unsure else self.fresh(list(frame.yields))
        return join_all(frame.returns if signal is not None else [*frame.returns, None])

    # What is certain

    apart = certainty.apart
    uncertain = certainty.uncertain
    enter = certainty.enter
    leave = certainty.leave
    fresh = certainty.fresh
    may_raise = raising.may_raise
    may_change = certainty.may_change
    passed_over = certainty.passed_over
    sure_for = certainty.sure_for
    may_leave = certainty.may_leave
    doubtful_since = certainty.doubtful_since
    left_since = certainty.left_since
    outer_left_since = certainty.outer_left_since
    keep = outliving.keep
    kept_by = outliving.kept_by
    parted = outliving.parted
    parted_names = outliving.parted_names
    unchanged = outliving.unchanged

    def watch_registry(self, container: object, module: Module) -> None:
        """Record a container of a module in which other modules may register something."""
        if id(container) not in self._registries:
            self._registries[id(container)] = Registry(container, module)

    def fill_registry(self, container: object) -> bool:
        """Read the modules that may register something in a container.

        Returns:
            False when the container is not one of a module, or none is left to be read.
        """
        registry = self._registries.get(id(container))
        if registry is None:
            return False
        any_read = False
        if registry.found != self.modules.found:
            registry.found = self.modules.found
            any_read = self.load_unread(registry.pattern())
        if self.unseen_imports:
            # A module of an unknown name may register something, too.
            self.spoil(container)
        return any_read

    def spoil(self, container: object) -> None:
        """Mark the content of a container as unknown."""
        if not isinstance(container, (list, dict, SetValue)) or self.spoiled(container):
            return
        self._spoiled[id(container)] = container
        if isinstance(container, list):
            # It is not the same as one of equal content that is known.
            container.append(Unknown(kind_of(container[0]) if container else ""))

    def spoiled(self, container: object) -> bool:
        """Report whether the content of a container is unknown."""
        return bool(self._spoiled) and id(container) in self._spoiled

    # Dialects

    def handler(self, name: str) -> Handler | None:
        """Return what a name from outside the project does when called."""
        return self.outside.handler(name)

    def declares_nothing(self, name: str) -> bool:
        """Report whether an outside function is known and declares no arguments."""
        return self.outside.declares_nothing(name)

    def native_class(self, name: str) -> NativeClass | None:
        """Return the class that a dialect defines for a name from outside the project."""
        return self.outside.native_class(name)

    def call_later(self, functions: Iterable[Value]) -> None:
        """Record functions that something unknown may call."""
        for function in functions:
            if len(self.waiting) < MAX_WAITING:
                self.waiting.append(function)

    def unknown_call(self, name: str) -> Unknown:
        """Return the unknown result of a function outside the project."""
        if name not in self._unknown_calls:
            why = fill(_("it calls {function}()"), function=printable(name, 100))
            self._unknown_calls[name] = Unknown(why=why)
        return self._unknown_calls[name]

    def note(self, line: int, message: str, file: str = "") -> None:
        """Record a note on something that could not be determined."""
        self.notes.append(Note(line, message, file))

    def created(self, parser: ParserLike) -> None:
        """Record a new parser."""
        if len(self.parsers) < _MOST_PARSERS:
            self.parsers.append(parser)
        else:
            self.limits.meet("parsers")

    def replace_command_line(self, words: Value) -> None:
        """Record that a script changes ``sys.argv``."""
        self.command_line = words if isinstance(words, Leftover) else None

    def parsed(self, parser: ParserLike, *, complete: bool = True, words: Value = None) -> None:
        """Record that a parser parses the command line.

        Args:
            complete: It refuses what it does not know.
            words: What it parses, None for the command line itself.

        Raises:
            Finished: It is the one that the script uses.
        """
        rank = 3 if self._in_block else 2 if self.main_function in self.active else 1
        self.limits.spend(_COST_OF_PARSING)
        words = self.command_line if words is None else words
        alternatives = words.values if isinstance(words, OneOf) else (words,)
        before = [p for one in alternatives if isinstance(one, Leftover) for p in one.parsers]
        fixed = isinstance(words, (list, tuple))
        certain = not self.region
        self.candidates.append(
            Candidate(parser, rank, complete and not fixed, certain, tuple(before), fixed)
        )
        complete = complete and not fixed
        best = 3 if self.has_block else 2 if self.main_function is not None else 1
        if complete and rank >= best and parser.declared():
            raise PerhapsFinished if self.region else Finished
