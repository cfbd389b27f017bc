"""click: the parameter that one option or argument declares."""

import ast
from dataclasses import replace
from typing import Final

from keynet.script.conversion import element_kind, guessed, is_strange
from keynet.script.dialects.click.parameter_types import describe_type
from keynet.script.dialects.command_line import perhaps
from keynet.script.interpreter.definitions import Class, EnumMember, Function, Instance
from keynet.script.interpreter.lineage import class_member
from keynet.script.interpreter.machine import Declared, Machine, Native
from keynet.script.interpreter.values import (
    MISSING,
    Arguments,
    BoundMethod,
    External,
    Partial,
    Unknown,
    Value,
)
from keynet.text import _

__all__ = ["Parameter", "read_argument", "read_option"]

_LONGEST_NAME: Final = 200
_SET_BY_CLASSES: Final = ("default", "required", "type")


class Parameter(Instance):
    """An option or argument of a command."""

    def __init__(self, declared: Declared) -> None:
        super().__init__()
        self._declared = declared

    def declare(self, defaults: dict[str, Value]) -> Declared:
        """Return the declaration, with the default that the command sets for it."""
        own = self._declared
        if own.name not in defaults:
            return own
        return replace(own, default=defaults[own.name])

    def perhaps(self) -> "Parameter":
        """Return a parameter that the command has on a condition only."""
        return Parameter(perhaps(self._declared))


def read_option(run: Machine, given: Arguments) -> Parameter | None:
    """Read ``click.option(...)``; return None with a note when its name is unknown."""
    given = _as_of_class(given)
    keywords = given.keywords
    if "--help" in given.positional:
        return None
    name, secondary = _option_name(given)
    if name is None:
        return _leave_out(run, given)
    flag_value = keywords.get("flag_value")
    is_flag = run.truth(keywords.get("is_flag")) if "is_flag" in keywords else None
    if is_flag is None:
        is_flag = flag_value is not None or secondary
    counts = run.truth(keywords.get("count", False))
    default = _default(run, given)
    kind, choices = _kind(run, given, default)
    if run.truth(keywords.get("is_flag", False)) is None:
        kind = ""
    elif counts:
        kind = "int"
        default = 0 if default is MISSING else default
    elif is_flag and keywords.get("type") is None:
        boolean = flag_value is None or isinstance(flag_value, bool)
        kind = "bool" if boolean else element_kind(flag_value) or "str"
        if default is MISSING and boolean and not run.truth(keywords.get("required", False)):
            default = False
        elif not boolean and default is True:
            default = flag_value
    return _parameter(run, given, name, kind, default, choices, required=False)


def _as_of_class(given: Arguments) -> Arguments:
    """Leave open what the constructor of a ``cls=`` of the project may set."""
    cls = given.keywords.get("cls")
    made = class_member(cls, "__init__") if isinstance(cls, Class) else MISSING
    if not isinstance(made, Function):
        return given
    words = {node.value for node in ast.walk(made.node) if isinstance(node, ast.Constant)}
    words |= {node.arg for node in ast.walk(made.node) if isinstance(node, ast.keyword)}
    words |= {node.attr for node in ast.walk(made.node) if isinstance(node, ast.Attribute)}
    changed: dict[str, Value] = {word: Unknown() for word in _SET_BY_CLASSES if word in words}
    if not changed:
        return given
    keywords = {**given.keywords, **changed}
    return Arguments(given.positional, keywords, given.open, given.line, given.file)


def read_argument(run: Machine, given: Arguments) -> Parameter | None:
    """Read ``click.argument(...)``; return None with a note when its name is unknown."""
    names = [part for part in given.positional if isinstance(part, str)]
    if len(names) != 1 or len(given.positional) != 1 or not _is_name(names[0]):
        return _leave_out(run, given)
    default = _default(run, given)
    kind, choices = _kind(run, given, default)
    nargs = given.keywords.get("nargs", 1)
    required = default in (MISSING, None) and (not isinstance(nargs, int) or nargs > 0)
    name = names[0].replace("-", "_").lower()
    return _parameter(run, given, name, kind, default, choices, required=required)


def _parameter(
    run: Machine,
    given: Arguments,
    name: str,
    kind: str,
    default: Value,
    choices: Value,
    *,
    required: bool,
) -> Parameter:
    notes: list[str] = []
    known = run.truth(given.keywords.get("required", required))
    if known is None:
        notes.append(_("It is unknown whether the script requires {name}."))
    converter = given.keywords.get("type")
    if isinstance(converter, External) and is_strange(run, converter):
        notes.append(guessed(converter))
    if given.open:
        notes.append(_("Part of the declaration of {name} is unknown."))
        default = Unknown() if default is MISSING else default
    if isinstance(default, EnumMember) and isinstance(choices, list) and default.name in choices:
        # The choices of an Enum are its names.
        default = default.name
    declared = Declared(
        name,
        kind,
        None if default is MISSING else default,
        bool(known),
        given.keywords.get("help", ""),
        choices,
        given.line,
        given.file,
        notes,
    )
    return Parameter(declared)


def _leave_out(run: Machine, given: Arguments) -> Parameter | None:
    text = _("An argument whose name is unknown is omitted.")
    run.note(given.line, text, given.file)
    return None


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_NAME and text.replace("-", "_").isidentifier()


def _option_name(given: Arguments) -> tuple[str | None, bool]:
    """Return the parameter's name, and whether a second option turns it off."""
    explicit: str | None = None
    possible: list[tuple[str, str]] = []
    secondary = False
    for part in given.positional:
        if not isinstance(part, str):
            return None, False
        if part.isidentifier():
            explicit = part
            continue
        separator = ";" if part[:1] == "/" else "/"
        first, _found, second = part.partition(separator)
        secondary = secondary or bool(second.strip())
        if first.strip():
            possible.append(_split(first.strip()))
        elif second.strip():
            possible.append(_split(second.strip()))
    if explicit is not None:
        return explicit, secondary
    if not possible or given.open:
        return None, secondary
    name = max(possible, key=lambda pair: len(pair[0]))[1].replace("-", "_").lower()
    return (name, secondary) if _is_name(name) else (None, secondary)


def _split(option: str) -> tuple[str, str]:
    if option[:1].isalnum():
        return "", option
    prefix = option[:2] if option[1:2] == option[:1] else option[:1]
    return prefix, option[len(prefix) :]


def _default(run: Machine, given: Arguments) -> Value:
    default = given.keywords.get("default", MISSING)
    if _is_called(default):
        # click calls a callable default when it parses.
        return run.call(default, Arguments((), {}, line=given.line, file=given.file))
    return default


def _is_called(default: Value) -> bool:
    return isinstance(default, Function | BoundMethod | Partial | Native | External)


def _kind(run: Machine, given: Arguments, default: Value) -> tuple[str, Value]:
    wanted = given.keywords.get("type")
    if wanted is not None:
        described_type = describe_type(run, wanted)
        return described_type.kind, described_type.choices
    if given.open and "type" not in given.keywords:
        return "", None
    # click takes no type from a default that it calls.
    if default is MISSING or default is None or _is_called(given.keywords.get("default")):
        return "str", None
    if isinstance(default, Unknown) and not default.kind:
        return "", None
    if isinstance(default, EnumMember):
        return "str", None
    return element_kind(default) or "str", None
