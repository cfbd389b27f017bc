"""click: the decorators that add options and arguments, and the names of everything it offers."""

from collections.abc import Callable
from typing import Final

from keynet.script.dialects.click.command import (
    PARAMETERS,
    REGISTERING,
    Command,
    held_parameters,
    make_command,
)
from keynet.script.dialects.click.parameter import Parameter, read_argument, read_option
from keynet.script.dialects.click.parameter_types import TYPE_CLASSES, TYPE_HANDLERS
from keynet.script.interpreter.definitions import Function
from keynet.script.interpreter.machine import Dialect, Handler, Machine, Native, NativeClass
from keynet.script.interpreter.values import UNKNOWN, Arguments, Value

__all__ = ["CLICK"]


def _adder(
    read: Callable[[Machine, Arguments], Parameter | None],
) -> Callable[[Machine, Arguments], Value]:
    """Return ``click.option`` or ``click.argument``, which return decorators."""

    def add(run: Machine, given: Arguments) -> Value:
        parameter = read(run, given)

        def apply(run: Machine, inner: Arguments) -> Value:
            target = inner.get("f", 0, UNKNOWN)
            if parameter is None or not isinstance(target, Command | Function):
                return target
            new = isinstance(target, Function) and PARAMETERS not in target.attributes
            held = target.parameters if isinstance(target, Command) else held_parameters(target)
            # A function that wraps another one has the same list.
            sure = run.may_change(target) and (new or run.may_change(held))
            held.append(parameter if sure else parameter.perhaps())
            if new:
                run.fresh(held)
            return target

        return Native("option", apply)

    return add


def _identity(run: Machine, given: Arguments) -> Value:
    return given.get("f", 0, UNKNOWN)


def _identity_factory(run: Machine, given: Arguments) -> Value:
    return Native("decorator", _identity)


def _named_option(*names: str, **fixed: Value) -> Handler:
    """Return a decorator with its own declaration, as ``click.password_option``."""
    add = _adder(read_option)

    def option(run: Machine, given: Arguments) -> Value:
        positional = given.positional or names
        return add(run, Arguments(positional, {**fixed, **given.keywords}, given.open, given.line))

    return option


_FUNCTIONS: Final[dict[str, Handler]] = {
    "argument": _adder(read_argument),
    "command": make_command,
    "confirmation_option": _named_option("--yes", is_flag=True),
    "group": make_command,
    "help_option": _identity_factory,
    "make_pass_decorator": _identity_factory,
    "option": _adder(read_option),
    "pass_context": _identity,
    "pass_obj": _identity,
    "password_option": _named_option("--password"),
    "version_option": _identity_factory,
}
_PACKAGES: Final = ("click", "rich_click", "asyncclick", "cloup", "click_extra")
_COMMAND: Final = NativeClass(Command)


def _handlers() -> dict[str, Handler]:
    found: dict[str, Handler] = {
        "click_option_group.optgroup.option": _FUNCTIONS["option"],
        "click_option_group.optgroup.group": _identity_factory,
        "click_option_group.optgroup": _identity_factory,
    }
    for package in _PACKAGES:
        found.update({f"{package}.{name}": handler for name, handler in _FUNCTIONS.items()})
        found.update({f"{package}.{name}": handler for name, handler in TYPE_HANDLERS.items()})
        found[f"{package}.Option"] = lambda run, given: read_option(run, _spread(run, given))
        found[f"{package}.Argument"] = lambda run, given: read_argument(run, _spread(run, given))
    return found


def _spread(run: Machine, given: Arguments) -> Arguments:
    """Convert the arguments of ``click.Option(["--x"], …)`` to ``option("--x", …)``."""
    names = run.iterate(given.get("param_decls", 0, ()))
    keywords = {k: v for k, v in given.keywords.items() if k != "param_decls"}
    return Arguments(tuple(names or ()), keywords, given.open, given.line, given.file)


def _classes() -> dict[str, NativeClass]:
    found: dict[str, NativeClass] = {}
    for package in _PACKAGES:
        for name in ("BaseCommand", "Command", "CommandCollection", "Group", "MultiCommand"):
            found[f"{package}.{name}"] = _COMMAND
            found[f"{package}.Rich{name}"] = _COMMAND
        found.update({f"{package}.{name}": made for name, made in TYPE_CLASSES.items()})
    found["click_default_group.DefaultGroup"] = _COMMAND
    return found


CLICK: Final = Dialect(_handlers(), _classes(), REGISTERING)
