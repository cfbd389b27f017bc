"""click: commands and groups, their parameters and subcommands."""

import ast
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from keynet.script.dialects.click.parameter import Parameter
from keynet.script.dialects.click.selecting import loads, selects
from keynet.script.dialects.click.typer import App
from keynet.script.dialects.command_line import perhaps
from keynet.script.interpreter.definitions import Class, Function, Instance
from keynet.script.interpreter.machine import Declared, Machine, Native, ParserLike
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    OneOf,
    Unknown,
    Value,
)
from keynet.text import _, fill, printable

__all__ = ["PARAMETERS", "REGISTERING", "Command", "held_parameters", "make_command"]

PARAMETERS: Final = "__click_params__"
# Libraries whose decorators have nothing to do with command lines.
_ADD_NOTHING: Final = sys.stdlib_module_names | {
    "accelerate", "beartype", "jax", "jaxtyping", "lightning", "line_profiler", "loguru",
    "memory_profiler", "mlflow", "numba", "numpy", "pytorch_lightning", "ray", "tenacity",
    "tensorflow", "torch", "typeguard", "typing_extensions", "wandb",
}  # fmt: skip
_MOST_CHILDREN: Final = 500
_MOST_DECLARED: Final = 2_000
# Text found in a module of the project that adds commands of its own to a group.
REGISTERING: Final = r"@[\w.]+\.(?:command|group)\b|\.add_command\("


class Command(Instance):
    """A command or group: its own parameters in order, and its subcommands."""

    dialect = "click"

    def __init__(self, cls: Class | None = None) -> None:
        super().__init__(cls)
        # A script may append to this one itself.
        self.parameters: list[Value] = []
        self.children: list[ParserLike] = []
        self.names: dict[int, str] = {}
        self.name = ""
        self.defaults: dict[str, Value] = {}
        self.callback: Value = None
        self.nested = False
        self.sometimes = False
        self.line = 0
        self.file = ""

    def native(self, name: str) -> Value:
        """Return a method of click."""
        if name in ("declared",):
            return True
        if name == "callback":
            return self.callback
        if name == "params":
            return self.parameters
        method = _METHODS.get(name)
        if method is None:
            return MISSING
        return Native(name, lambda run, given: method(run, self, given))

    def declared(self) -> list[Declared]:
        """Return all parameters in order, subcommands flattened."""
        found: list[Declared] = []
        self._flatten(found, set(), {})
        return found

    def _flatten(self, found: list[Declared], seen: set[int], inherited: dict[str, Value]) -> None:
        """Append the parameters; ``inherited`` are defaults that the group has for them."""
        if id(self) in seen or len(found) > _MOST_DECLARED:
            return
        seen.add(id(self))
        start = len(found)
        defaults = self.defaults or inherited
        sure = True
        for one in self.parameters:
            if isinstance(one, Parameter):
                found.append((one if sure else one.perhaps()).declare(defaults))
            else:
                # What the list may have, too, comes after something unknown.
                sure = False
        own = len(found)
        for child in self.children:
            if isinstance(child, Command):
                below = defaults.get(child.name)
                child._flatten(found, seen, _by_name(below) if isinstance(below, dict) else {})
            elif id(child) not in seen:
                seen.add(id(child))
                found.extend(child.declared())
        if selects(self.cls):
            found[own:] = [replace(declared, certain=False) for declared in found[own:]]
        if self.sometimes:
            found[start:] = [perhaps(declared) for declared in found[start:]]


def held_parameters(function: Function) -> list[Parameter]:
    """Return the list of parameters that decorators have added to a function."""
    held = function.attributes.setdefault(PARAMETERS, [])
    return held  # type: ignore[return-value]  # noqa: RET504


def _parameters(run: Machine, function: Value, given: Arguments) -> list[Parameter]:
    """Return the parameters that a command takes from its function, in the order of its source."""
    if isinstance(function, Function):
        return held_parameters(function)[::-1]
    if not isinstance(function, Unknown | OneOf):
        return []
    either = function.values if isinstance(function, OneOf) else ()
    functions = [one for one in either if isinstance(one, Function)]
    if len(functions) < max(1, len(either)):
        _note_unknown_decorator(run, given)
    every = [held_parameters(one)[::-1] for one in functions]
    distinct = {id(parameter): parameter for held in every for parameter in held}
    return [
        parameter if all(parameter in held for held in every) else parameter.perhaps()
        for parameter in distinct.values()
    ]


def _fill(run: Machine, command: Command, function: Value, given: Arguments) -> Command:
    # The constructor of a class of the project may have added options of its own.
    made = command.cls is not None and command.callback is function is not None
    command.callback = function
    command.region = run.region
    run.fresh(command)
    command.line, command.file = given.line, given.file
    if not made:
        _note_decorators(run, function, given)
        command.parameters = [*_parameters(run, function, given)]
    name = given.get("name", 0)
    if isinstance(function, Function):
        own = run.attribute(function, "__name__")
        own = own.lower().replace("_", "-") if isinstance(own, str) else ""
        command.name = name if isinstance(name, str) else own
        function.attributes.pop(PARAMETERS, None)
        command.line = function.node.lineno
        command.file = function.scope.module.file
    if not made:
        _configure(run, command, given)
    _created(run, command)
    return command


def _note_unknown_decorator(run: Machine, given: Arguments) -> None:
    text = _("A decorator of a command is not known: options may be missing.")
    run.note(given.line, text, given.file)


def _note_decorators(run: Machine, function: Value, given: Arguments) -> None:
    """Record the decorators of a command that may add options of which nothing is known."""
    if not isinstance(function, Function) or isinstance(function.node, ast.Lambda):
        return
    if function.replaced:
        _note_unknown_decorator(run, given)
    for decorator in function.node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        value = run.evaluate(called, function.scope)
        if not isinstance(value, External) or value.name.partition(".")[0] in _ADD_NOTHING:
            continue
        if run.handler(value.name) is None and run.native_class(value.name) is None:
            text = _("{function}() may add arguments that are unknown.")
            text = fill(text, function=printable(value.name, 100))
            run.note(decorator.lineno, text, function.scope.module.file)


def _created(run: Machine, command: Command) -> None:
    if command.cls is not None and loads(command.cls):
        text = _("{cls} loads its subcommands when the script runs: arguments may be missing.")
        text = fill(text, cls=printable(command.cls.name, 100))
        run.note(command.line, text, command.file)
    run.created(command)


def _configure(run: Machine, command: Command, given: Arguments) -> None:
    extra = given.keywords.get("params")
    for item in run.iterate(extra) or () if extra is not None else ():
        if isinstance(item, Parameter):
            command.parameters.append(item)
    settings = given.keywords.get("context_settings")
    if isinstance(settings, dict):
        defaults = settings.get("default_map")
        if isinstance(defaults, dict):
            command.defaults = _by_name(defaults)


def _by_name(defaults: dict[Value, Value]) -> dict[str, Value]:
    return {key: value for key, value in defaults.items() if isinstance(key, str)}


def make_command(run: Machine, given: Arguments) -> Value:
    """Follow ``@command``, used with or without arguments."""
    first = given.get("name", 0)
    if isinstance(first, Function):
        return _fill(run, Command(), first, Arguments(line=given.line, file=given.file))

    def apply(run: Machine, inner: Arguments) -> Value:
        function = inner.get("f", 0, UNKNOWN)
        if isinstance(function, Command):
            return function
        cls = given.keywords.get("cls")
        command: Value = Command()
        if isinstance(cls, Class):
            keywords = {key: value for key, value in given.keywords.items() if key != "cls"}
            keywords |= {"callback": function, "name": given.get("name", 0, UNKNOWN)}
            made = run.call(cls, Arguments((), keywords))
            if isinstance(made, Command):
                command = made
                run.parsers[:] = [parser for parser in run.parsers if parser is not made]
        assert isinstance(command, Command)
        return _fill(run, command, function, given)

    return Native("command", apply)


def _set_up(run: Machine, command: Command, given: Arguments) -> Value:
    """Set a command up as ``click.Command(...)``, ``Group(...)`` and collections do."""
    command.line, command.file = given.line, given.file
    command.callback = given.keywords.get("callback")
    command.parameters = [*_parameters(run, command.callback, given)]
    _configure(run, command, given)
    for key in ("commands", "sources"):
        children = given.keywords.get(key)
        if isinstance(children, dict):
            children = list(children.values())
        for child in run.iterate(children) or () if children is not None else ():
            _adopt(run, command, child, MISSING, given)
    if given.line:
        _created(run, command)
    else:
        run.created(command)
    return None


def _adopt(
    run: Machine, group: Command, child: Value, name: Value, at: Arguments | None = None
) -> None:
    parts = child.values if isinstance(child, OneOf) else (child,)
    for part in parts:
        if at is not None and isinstance(part, External | Unknown):
            run.note(at.line, _("A subcommand is unknown: its options are omitted."), at.file)
        if isinstance(part, Command | App) and part is not group:
            part.nested = True
            part.sometimes = isinstance(child, OneOf) or not run.sure_for(group)
            known = name if isinstance(name, str) else getattr(part, "name", "")
            _replace(group, known, sure=not part.sometimes)
            if part not in group.children and len(group.children) < _MOST_CHILDREN:
                group.children.append(part)
                group.names[id(part)] = known


def _replace(group: Command, name: str, *, sure: bool) -> None:
    """Remove the subcommand of a name that another one gets, or make it uncertain."""
    for child in [one for one in group.children if name and group.names.get(id(one)) == name]:
        if sure:
            group.children.remove(child)
        elif isinstance(child, Command | App):
            child.sometimes = True


def _subcommand(run: Machine, group: Command, given: Arguments) -> Value:
    made = make_command(run, given)
    if isinstance(made, Command):
        _adopt(run, group, made, MISSING)
        return made

    def apply(run: Machine, inner: Arguments) -> Value:
        command = run.call(made, inner)
        _adopt(run, group, command, MISSING)
        return command

    return Native("command", apply)


def _add_command(run: Machine, group: Command, given: Arguments) -> Value:
    _adopt(run, group, given.get("cmd", 0), given.get("name", 1), given)
    return None


def _run(run: Machine, command: Command, given: Arguments) -> Value:
    run.load_unread(REGISTERING)
    if run.spoiled(command.parameters):
        text = _("The list of a command's options is changed: options may be missing.")
        run.note(command.line, text, command.file)
    run.parsed(command)
    return Unknown()


def _decorator(run: Machine, command: Command, given: Arguments) -> Value:
    return Native("decorator", lambda run, inner: inner.get("f", 0, UNKNOWN))


_Method = Callable[[Machine, Command, Arguments], Value]
_METHODS: Final[dict[str, _Method]] = {
    "__init__": _set_up,
    "__call__": _run,
    "main": _run,
    "add_command": _add_command,
    "add_source": _add_command,
    "command": _subcommand,
    "group": _subcommand,
    "result_callback": _decorator,
    "resultcallback": _decorator,
}
