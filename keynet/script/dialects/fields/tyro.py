"""tyro: functions and dataclasses; nested ones have dotted names."""

from dataclasses import replace
from typing import Final

from keynet.script.dialects.command_line import CommandLine, perhaps, settled
from keynet.script.dialects.fields.declaring import Style, declare_all, members_of_union
from keynet.script.dialects.fields.field import Field, class_fields, function_fields, function_of
from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.machine import (
    Declared,
    Dialect,
    Handler,
    Machine,
    Native,
    NativeClass,
)
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    Generic,
    OneOf,
    Unknown,
    Value,
)
from keynet.text import _

__all__ = ["TYRO"]

_CONF: Final = "tyro.conf."
_HIDDEN: Final = frozenset(["Fixed", "Suppress", "SuppressFixed"])
_DEEPEST: Final = 4


class Configured(Instance):
    """What ``tyro.conf.arg(...)`` returns."""

    def __init__(self, given: Arguments) -> None:
        super().__init__()
        self.given = given


def _configured(_run: Machine, given: Arguments) -> Value:
    return Configured(given)


def _cli(run: Machine, given: Arguments) -> Value:
    command_line = CommandLine("tyro", given)
    run.created(command_line)
    target = given.get("f", 0)
    marks = [one for one in run.iterate(given.keywords.get("config", ())) or () if one is not None]
    for mark in marks:
        if isinstance(mark, External):
            target = Generic(mark.name, (target,))
    command_line.found.extend(_arguments(run, target, given.get("default")))
    if not command_line.found:
        run.note(given.line, _("The value passed to tyro.cli() is unknown."), given.file)
    run.parsed(command_line)
    return Unknown()


def _subcommands(run: Machine, given: Arguments) -> Value:
    command_line = CommandLine("tyro", given)
    run.created(command_line)
    members = given.get("subcommands", 0, given.get("configs", 0))
    if isinstance(members, dict):
        for member in list(members.values()):
            # Each configuration is a pair of a description and a default.
            inner = member[1] if isinstance(member, tuple) and len(member) == 2 else member
            command_line.found.extend(_arguments(run, inner, MISSING))
    if not isinstance(members, dict) or run.spoiled(members):
        run.note(given.line, _("Some of the subcommands are unknown."), given.file)
    run.parsed(command_line)
    return Unknown()


def _arguments(
    run: Machine, target: Value, default: Value, depth: int = 0, style: Style | None = None
) -> list[Declared]:
    style = style or _STYLE
    if isinstance(target, OneOf) and depth < _DEEPEST:
        every = [_arguments(run, one, default, depth + 1, style) for one in target.values]
        return [perhaps(declared) for found in every for declared in found]
    if isinstance(target, Instance) and target.cls is not None:
        return _arguments(run, target.cls, target, depth, style)
    if isinstance(target, Generic) and depth < _DEEPEST:
        style = _marked(style, _marks(target))
        members: list[Value] = [*members_of_union(target)] or [*target.arguments[:1]]
        return [
            one for member in members for one in _arguments(run, member, default, depth + 1, style)
        ]
    if isinstance(target, Class):
        return list(declare_all(run, class_fields(run, target), style, "", default))
    function = function_of(target)
    if function is None:
        return []
    method = target is not function
    fields = function_fields(run, function, method=method, several=True)
    return list(declare_all(run, fields, style))


def _marked(style: Style, marks: frozenset[str]) -> Style:
    """Return how all fields are declared in a type with marks of tyro.conf."""
    if not marks:
        return style
    inherited = [f"{_CONF}{mark}" for mark in sorted(marks - _HIDDEN)]

    def refine(run: Machine, field: Field) -> Field | None:
        annotation = field.annotation
        for mark in inherited:
            annotation = Generic(mark, (annotation,))
        return _configured_field(run, replace(field, annotation=annotation))

    return replace(style, refine=refine)


def _configured_field(_run: Machine, field: Field) -> Field | None:
    """Return a field as tyro.conf changes it, None for one that cannot be passed."""
    marks = _marks(field.annotation, field.described.extras)
    if marks & _HIDDEN:
        return None
    several = len(members_of_union(field.annotation)) > 1
    omitted = "OmitArgPrefixes" in marks or (several and "OmitSubcommandPrefixes" in marks)
    single = several and "AvoidSubcommands" in marks
    field = replace(field, flat=omitted, bare=omitted and not several, single=single)
    for extra in field.described.extras:
        if isinstance(extra, Configured):
            given = extra.given.keywords
            name = given.get("name")
            field = replace(field, help=given.get("help", field.help))
            if isinstance(name, str):
                field = replace(field, part=name.replace("-", "_"))
            if given.get("prefix_name") is False:
                field = replace(field, bare=True)
    return field


def _marks(annotation: Value, extras: tuple[Value, ...] = ()) -> frozenset[str]:
    """Return the names in tyro.conf with which a type is marked."""
    found = [one.name for one in extras if isinstance(one, External)]
    while isinstance(annotation, Generic) and annotation.arguments:
        found.append(annotation.name)
        found += [one.name for one in annotation.arguments[1:] if isinstance(one, External)]
        annotation = annotation.arguments[0]
    return frozenset(one.removeprefix(_CONF) for one in found if one.startswith(_CONF))


_STYLE: Final = Style(refine=_configured_field)


class SubcommandApp(Instance):
    """A ``tyro.extras.SubcommandApp``: the parameters of its functions in order."""

    def __init__(self, cls: Class | None = None) -> None:
        super().__init__(cls)
        self.found: list[Declared] = []

    def native(self, name: str) -> Value:
        """Return ``command`` and ``cli``."""
        if name == "command":
            return Native(name, self._command)
        return Native(name, self._cli) if name == "cli" else MISSING

    def _command(self, run: Machine, given: Arguments) -> Value:
        first = given.get("func", 0, None)
        if function_of(first) is not None:
            self.found.extend(settled(run, self, _arguments(run, first, MISSING)))
            return first

        def apply(run: Machine, inner: Arguments) -> Value:
            function = inner.get("func", 0, UNKNOWN)
            self.found.extend(settled(run, self, _arguments(run, function, MISSING)))
            return function

        return Native("command", apply)

    def _cli(self, run: Machine, given: Arguments) -> Value:
        run.load_unread(r"@[\w.]+\.command\b")
        command_line = CommandLine("tyro", given)
        command_line.found.extend(self.found)
        run.created(command_line)
        run.parsed(command_line)
        return Unknown()


_HANDLERS: Final[dict[str, Handler]] = {
    "tyro.cli": _cli,
    "tyro._cli.cli": _cli,
    "tyro.conf.arg": _configured,
    "tyro.conf.subcommand": _configured,
    "tyro.extras.overridable_config_cli": _subcommands,
    "tyro.extras.subcommand_cli_from_dict": _subcommands,
}

TYRO: Final = Dialect(_HANDLERS, {"tyro.extras.SubcommandApp": NativeClass(SubcommandApp)})
