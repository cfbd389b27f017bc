"""Tap (typed-argument-parser): a class whose annotations are the arguments."""

from dataclasses import replace
from typing import Final

from keynet.script.dialects.argparse.parser import Parser
from keynet.script.dialects.command_line import CommandLine, settled
from keynet.script.dialects.fields.declaring import Style, declare_all
from keynet.script.dialects.fields.field import class_fields, function_fields, function_of
from keynet.script.interpreter.definitions import Class, Function
from keynet.script.interpreter.lineage import class_member
from keynet.script.interpreter.machine import Declared, Dialect, Machine, Native, NativeClass
from keynet.script.interpreter.values import Arguments, Unknown, Value
from keynet.text import _

__all__ = ["TAP"]

_STYLE: Final = Style(nested=False, enum_names=False, false_flags=True)


class Tap(Parser):
    """An object of a class that derives from ``tap.Tap``."""

    dialect = "tap"

    def __init__(self, cls: Class | None = None) -> None:
        super().__init__(cls)
        self.fields: list[Declared] = []
        self.below: list[Declared] = []

    def native(self, name: str) -> Value:
        """Return a method; those that parse read the annotations first."""
        if name in ("parse_args", "parse_known_args"):
            return Native(name, lambda run, given: _parse(run, self, given))
        if name == "add_subparser":
            return Native(name, lambda run, given: _add_subparser(run, self, given))
        if name in ("configure", "process_args", "add_arguments"):
            return Native(name, lambda _run, _given: None)
        return super().native(name)

    def declared(self) -> list[Declared]:
        """Return the annotated arguments with their changes, then the others."""
        changed = {declared.name: declared for declared in super().declared()}
        found = [_merged(field, changed.pop(field.name, None)) for field in self.fields]
        return [*found, *changed.values(), *self.below]


def _merged(field: Declared, changed: Declared | None) -> Declared:
    if changed is None:
        return field
    given = changed.default
    required = (field.required or changed.required) and given is None
    if not changed.certain:
        notes = list(field.notes)
        if required != field.required or changed.notes:
            notes.append(_("It is unknown whether the script requires {name}."))
            required = False
        unknown = Unknown() if given is not None else field.default
        return replace(field, default=unknown, required=required, notes=notes)
    return replace(
        field,
        default=field.default if given is None else given,
        required=required,
        help=changed.help or field.help,
        choices=changed.choices or field.choices,
    )


def _parse(run: Machine, parser: Tap, _given: Arguments) -> Value:
    _configure(run, parser)
    run.parsed(parser)
    return parser


def _configure(run: Machine, parser: Tap) -> None:
    """Read the annotations of a parser's class, and follow what it configures."""
    if parser.cls is not None:
        parser.fields = list(declare_all(run, class_fields(run, parser.cls), _STYLE))
        configure = class_member(parser.cls, "configure")
        if isinstance(configure, Function):
            run.call(configure, Arguments((parser,)))


def _add_subparser(run: Machine, parser: Tap, given: Arguments) -> Value:
    cls = given.get("subparser_type", 1)
    child = run.call(cls, Arguments(line=given.line, file=given.file))
    if isinstance(child, Tap) and child is not parser:
        child.nested = True
        _configure(run, child)
        parser.below.extend(settled(run, parser, child.declared()))
    else:
        run.note(given.line, _("Some of the subcommands are unknown."), given.file)
    return None


def _tapify(run: Machine, given: Arguments) -> Value:
    command_line = CommandLine("tap", given)
    run.created(command_line)
    target = given.get("class_or_function", 0)
    if isinstance(target, Class):
        initialise = class_member(target, "__init__")
        fields = (
            function_fields(run, initialise, method=True)
            if isinstance(initialise, Function)
            else class_fields(run, target)
        )
        command_line.found.extend(declare_all(run, fields, _STYLE))
    elif (function := function_of(target)) is not None:
        command_line.found.extend(declare_all(run, function_fields(run, function), _STYLE))
    run.parsed(command_line)
    return Unknown()


_TAP: Final = NativeClass(Tap)

TAP: Final = Dialect(
    {"tap.tapify": _tapify},
    {"tap.Tap": _TAP, "tap.tap.Tap": _TAP, "tap.TypedArgumentParser": _TAP},
)
