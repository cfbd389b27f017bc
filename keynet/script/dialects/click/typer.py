"""typer: apps and the parameters of their functions."""

import ast
from collections.abc import Callable
from typing import Final

from keynet.script.dialects.click.parameter_types import describe_type
from keynet.script.dialects.command_line import perhaps
from keynet.script.interpreter.definitions import Class, Function, Instance
from keynet.script.interpreter.knowledge.annotations import Described, describe, notes_on
from keynet.script.interpreter.machine import Declared, Dialect, Machine, Native, NativeClass
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    BoundMethod,
    External,
    OneOf,
    Unknown,
    Value,
    kind_of,
)
from keynet.text import _

__all__ = ["TYPER", "App"]

_CONTEXTS: Final = ("Context", "CallbackParam")
_DEEPEST: Final = 8
_GUESSED: Final = frozenset(["bool", "float", "int"])
_MOST_APPS: Final = 500
_MOST_PARTS: Final = 500
# A callback replaces the one before it.
_CALLBACK: Final = ("callback", "of the app")
_MOST_DECLARED: Final = 2_000
_REGISTERING: Final = r"@[\w.]+\.(?:command|callback)\b|\.command\([^)]*\)\(|\.add_typer\("


class Info(Instance):
    """What ``typer.Option(...)`` or ``typer.Argument(...)`` returns."""

    def __init__(self, given: Arguments, *, positional: bool) -> None:
        super().__init__()
        self.given = given
        self.positional = positional


class App(Instance):
    """A ``typer.Typer``: the functions of its callback and commands in order."""

    dialect = "typer"

    def __init__(self, cls: Class | None = None) -> None:
        super().__init__(cls)
        self.parts: dict[tuple[str, str], list[Declared] | App] = {}
        self.nested = False
        self.sometimes = False
        self.line = 0
        self.file = ""

    def native(self, name: str) -> Value:
        """Return a method of typer."""
        if name == "declared":
            return True
        method = _METHODS.get(name)
        if method is None:
            return MISSING
        return Native(name, lambda run, given: method(run, self, given))

    def declared(self) -> list[Declared]:
        """Return all parameters in source order, commands flattened."""
        found: list[Declared] = []
        self._flatten(found, set())
        return found

    def _flatten(self, found: list[Declared], seen: set[int]) -> None:
        if id(self) in seen or len(seen) > _MOST_APPS:
            return
        seen.add(id(self))
        start = len(found)
        for part in self.parts.values():
            if len(found) > _MOST_DECLARED:
                break
            if isinstance(part, App):
                part._flatten(found, seen)
            else:
                found.extend(part)
        if self.sometimes:
            found[start:] = [perhaps(declared) for declared in found[start:]]


def _set_up(run: Machine, app: App, given: Arguments) -> Value:
    app.line, app.file = given.line, given.file
    callback = given.keywords.get("callback")
    if isinstance(callback, Function):
        app.parts[_CALLBACK] = parameters(run, callback)
    run.created(app)
    return None


def _callback(run: Machine, app: App, given: Arguments) -> Value:
    return Native("callback", lambda run, inner: _add(run, app, given, inner, _CALLBACK))


def _command(run: Machine, app: App, given: Arguments) -> Value:
    name = given.get("name", 0)
    key = ("command", name if isinstance(name, str) else "")
    return Native("command", lambda run, inner: _add(run, app, given, inner, key))


def _add(run: Machine, app: App, given: Arguments, inner: Arguments, key: tuple[str, str]) -> Value:
    """Follow a decorator that registers a function under a name, in place of another one."""
    function = inner.get("f", 0, UNKNOWN)
    either = function.values if isinstance(function, OneOf) else (function,)
    functions = [found for found in map(_function_of, either) if found is not None]
    declared: list[Declared] = []
    for found in functions:
        # It runs after the command line was parsed: nothing in it declares arguments.
        run.called.add(found.node)
        own = parameters(run, found)
        declared += own if len(either) == 1 else map(perhaps, own)
    if len(functions) < len(either):
        text = _("The function of a command is unknown: options may be missing.")
        run.note(given.line, text, given.file)
    if functions and not key[1]:
        key = (key[0], functions[0].name.lower().replace("_", "-"))
    _put(run, app, key, declared)
    return function


def _put(run: Machine, app: App, key: tuple[str, str], part: list[Declared] | App) -> None:
    """Add a command or another app; where that is uncertain, both it and the one before."""
    if len(app.parts) >= _MOST_PARTS:
        run.limits.meet("commands")
        return
    if run.sure_for(app):
        app.parts[key] = part
        return
    before = app.parts.get(key)
    if isinstance(part, App):
        part.sometimes = True
    else:
        part = [perhaps(one) for one in part]
    if before is None:
        app.parts[key] = part
        return
    if isinstance(before, App):
        before.sometimes = True
    else:
        app.parts[key] = [perhaps(one) for one in before]
    app.parts[f"{key[0]} {len(app.parts)}", key[1]] = part


def _function_of(value: Value) -> Function | None:
    if isinstance(value, BoundMethod):
        value = value.function
    for _step in range(_DEEPEST):
        if not isinstance(value, Function) or "__wrapped__" not in value.attributes:
            break
        value = value.attributes["__wrapped__"]
    return value if isinstance(value, Function) else None


def _add_typer(run: Machine, app: App, given: Arguments) -> Value:
    other = given.get("typer_instance", 0)
    if isinstance(other, App) and other is not app:
        other.nested = True
        name = given.get("name", 1)
        _put(run, app, ("app", name if isinstance(name, str) else str(len(app.parts))), other)
    elif isinstance(other, External | Unknown):
        run.note(given.line, _("A subcommand is unknown: its options are omitted."), given.file)
    return None


def _run_app(run: Machine, app: App, given: Arguments) -> Value:
    run.load_unread(_REGISTERING)
    run.parsed(app)
    return Unknown()


_Method = Callable[[Machine, App, Arguments], Value]
_METHODS: Final[dict[str, _Method]] = {
    "__init__": _set_up,
    "__call__": _run_app,
    "add_typer": _add_typer,
    "callback": _callback,
    "command": _command,
}


def _run_function(run: Machine, given: Arguments) -> Value:
    app = App()
    app.line, app.file = given.line, given.file
    app.region = run.region
    run.created(run.fresh(app))  # type: ignore[arg-type]
    _add(run, app, given, Arguments((given.get("function", 0, UNKNOWN),)), ("command", "run"))
    run.parsed(app)
    return UNKNOWN


def _info(*, positional: bool) -> Callable[[Machine, Arguments], Value]:
    return lambda run, given: Info(given, positional=positional)


def parameters(run: Machine, function: Function) -> list[Declared]:
    """Read the parameters of a function that typer turns into a command."""
    given = function.node.args
    nodes = [*given.posonlyargs, *given.args]
    defaults = function.parameter_defaults()
    found = []
    for node in [*nodes, *given.kwonlyargs]:
        described = describe(run, node.annotation, function.scope)
        if not _is_context(described.type):
            default = defaults.get(node.arg, MISSING)
            found.append(_declared(run, function, node, described, default))
    return found


def _is_context(value: Value) -> bool:
    return isinstance(value, External) and value.name.rpartition(".")[2] in _CONTEXTS


def _declared(
    run: Machine, function: Function, node: ast.arg, described: Described, default: Value
) -> Declared:
    info = next((extra for extra in described.extras if isinstance(extra, Info)), None)
    if isinstance(default, Info):
        info = default
        default = _info_default(run, info)
    elif info is not None and default is MISSING:
        factory = info.given.keywords.get("default_factory")
        if factory is not None:
            default = run.call(factory, Arguments())
    given = info.given if info is not None else Arguments()
    if default == External("builtins.Ellipsis"):
        default = MISSING
    required = default is MISSING
    kind, choices = _kind(run, described, given, default)
    guessed = _guessed(node, given, default)
    kind = guessed or kind
    read = choices is not None or any(given.keywords.get(one) for one in ("click_type", "parser"))
    notes = [] if read else notes_on(run, described)
    if guessed:
        text = _(
            "{name} has no annotation: only typer 0.29 and later take its type from its default."
        )
        notes.append(text)
    if given.open:
        notes.append(_("Part of the declaration of {name} is unknown."))
    return Declared(
        node.arg,
        kind,
        None if required else default,
        required,
        given.keywords.get("help", ""),
        choices,
        node.lineno,
        function.scope.module.file,
        notes,
    )


def _info_default(run: Machine, info: Info) -> Value:
    factory = info.given.keywords.get("default_factory")
    if factory is not None:
        return run.call(factory, Arguments())
    default = info.given.get("default", 0)
    if default is MISSING and info.given.open:
        return Unknown()
    if isinstance(default, Function | BoundMethod):
        return run.call(default, Arguments())
    return default


def _kind(
    run: Machine, described: Described, given: Arguments, default: Value
) -> tuple[str, Value]:
    for keyword in ("click_type", "parser"):
        if given.keywords.get(keyword) is not None:
            described_type = describe_type(run, given.keywords[keyword])
            return described_type.kind, described_type.choices
    if run.truth(given.keywords.get("count", False)):
        return "int", None
    if described.known:
        return described.kind or "str", described.choices
    return "" if described.unknown else "str", None


def _guessed(node: ast.arg, given: Arguments, default: Value) -> str:
    """Return the type of a default that stands for an annotation, "" where none does.

    Source: typer's release notes, 0.29.0; before, such a parameter is a text.
    """
    explicit = any(given.keywords.get(one) for one in ("click_type", "parser", "count"))
    kind = kind_of(default)
    return kind if node.annotation is None and not explicit and kind in _GUESSED else ""


TYPER: Final = Dialect(
    {
        "typer.Argument": _info(positional=True),
        "typer.Option": _info(positional=False),
        "typer.main.get_command": lambda run, given: given.get("typer_instance", 0, UNKNOWN),
        "typer.run": _run_function,
        "typer.params.Argument": _info(positional=True),
        "typer.params.Option": _info(positional=False),
    },
    {"typer.Typer": NativeClass(App), "typer.main.Typer": NativeClass(App)},
    _REGISTERING,
)
