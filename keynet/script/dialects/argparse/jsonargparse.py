"""jsonargparse: argparse with the parameters of classes and functions."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Final

from keynet.script.dialects.argparse.action import Action
from keynet.script.dialects.argparse.parser import Parser
from keynet.script.dialects.command_line import CommandLine, perhaps, settled
from keynet.script.dialects.fields.declaring import Style, declare_all, members_of_union
from keynet.script.dialects.fields.field import Field, class_fields, function_fields, function_of
from keynet.script.interpreter.definitions import Class, Function, Instance, Module, Scope
from keynet.script.interpreter.knowledge.annotations import describe_value
from keynet.script.interpreter.lineage import class_member, lineage
from keynet.script.interpreter.machine import Declared, Dialect, Machine, Native, NativeClass
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    Generic,
    Unknown,
    Value,
)
from keynet.text import _

__all__ = ["JSONARGPARSE", "JsonParser", "declare_class"]

_STYLE: Final = Style()
_DEEPEST: Final = 4
_NUMBERS: Final = {
    "PositiveInt": "int",
    "NonNegativeInt": "int",
    "PositiveFloat": "float",
    "NonNegativeFloat": "float",
    "ClosedUnitInterval": "float",
    "OpenUnitInterval": "float",
}


class JsonParser(Parser):
    """A ``jsonargparse.ArgumentParser``."""

    dialect = "jsonargparse"

    def __init__(self, cls: Class | None = None) -> None:
        super().__init__(cls)
        self.fields: list[Declared] = []
        self.linked: set[str] = set()
        self.perhaps_linked: set[str] = set()

    def native(self, name: str) -> Value:
        """Return a method, jsonargparse's own or argparse's."""
        method = _METHODS.get(name)
        if method is not None:
            return Native(name, lambda run, given: method(run, self, given))
        if name == "add_argument":
            plain = super().native(name)
            return Native(name, lambda run, given: _add_argument(run, self, plain, given))
        if name == "set_defaults":
            plain = super().native(name)
            return Native(name, lambda run, given: _set_defaults(run, self, plain, given))
        return super().native(name)

    def declared(self) -> list[Declared]:
        """Return what was added by hand, then the parameters of classes and functions.

        What takes its value from another argument cannot be passed.
        """
        found = [*super().declared(), *self.fields]
        return [
            perhaps(one) if _is_below(one.name, self.perhaps_linked) else one
            for one in found
            if not _is_below(one.name, self.linked)
        ]


def _is_below(name: str, targets: set[str]) -> bool:
    """Report whether an argument, or one that it is a part of, is among some."""
    parts = name.split(".")
    return any(".".join(parts[:count]) in targets for count in range(1, len(parts) + 1))


class Subcommands(Instance):
    """What ``add_subcommands`` returns."""

    def __init__(self, parser: JsonParser) -> None:
        super().__init__()
        self.of = parser

    def native(self, name: str) -> Value:
        """Return ``add_subcommand``."""
        if name != "add_subcommand":
            return MISSING
        return Native(name, lambda run, given: _add_subcommand(run, self, given))


def _add_subcommand(run: Machine, subcommands: Subcommands, given: Arguments) -> Value:
    parser = given.get("parser", 1)
    of = subcommands.of
    if isinstance(parser, Parser) and parser is not of and len(of.children) < 500:
        parser.nested = True
        of.children.append((len(of.actions), parser))
        if isinstance(parser, JsonParser):
            of.fields.extend(settled(run, of, parser.fields))
    return parser


def _add_argument(run: Machine, parser: JsonParser, plain: Value, given: Arguments) -> Value:
    wanted = given.keywords.get("type")
    name = given.positional[0] if given.positional else ""
    spread = members_of_union(wanted)
    if spread and isinstance(name, str):
        prefix = name.lstrip("-").replace("-", "_") + "."
        for cls in spread:
            fields = class_fields(run, cls)
            found = declare_all(run, fields, _STYLE, prefix, given.get("default"))
            parser.fields.extend(settled(run, parser, found))
        return UNKNOWN
    action = run.call(plain, given)
    if isinstance(action, Action):
        _refine(run, action, wanted)
    return action


def _refine(run: Machine, action: Action, wanted: Value) -> None:
    last = wanted.name.rpartition(".")[2] if isinstance(wanted, External) else ""
    if last in _NUMBERS:
        action.kind = _NUMBERS[last]
    elif isinstance(wanted, Generic):
        described = describe_value(run, wanted, _no_scope())
        action.kind = described.kind or "str"
        action.choices = action.choices or described.choices
    verb = action.given.keywords.get("action")
    if isinstance(verb, External) and verb.name.endswith("ActionYesNo"):
        action.kind = "bool"


def _no_scope() -> Scope:
    """Return a scope without names: a type that is already evaluated needs none."""
    return Scope(Module("", Path()))


def _nested(given: Arguments, position: int) -> str:
    key = given.get("nested_key", position, None)
    return f"{key}." if isinstance(key, str) and key else ""


def _add_class(run: Machine, parser: JsonParser, given: Arguments) -> Value:
    target = given.get("theclass", 0)
    prefix = _nested(given, 1)
    found = _without_skipped(run, declare_class(run, target, prefix, given), given, prefix)
    parser.fields.extend(settled(run, parser, found))
    return UNKNOWN


def declare_class(run: Machine, target: Value, prefix: str, given: Arguments) -> list[Declared]:
    """Declare the parameters of a class, with a note when they are unknown."""
    fields = _fields(run, target)
    if not fields and not isinstance(target, Class):
        run.note(given.line, _("The parameters of a class are unknown."), given.file)
    return list(declare_all(run, fields, _STYLE, prefix, given.get("default")))


def _without_skipped(
    run: Machine, found: list[Declared], given: Arguments, prefix: str
) -> list[Declared]:
    skipped = given.keywords.get("skip", ())
    names = run.iterate(skipped) if skipped is not None else []
    left_out = {f"{prefix}{name}" for name in names or () if isinstance(name, str)}
    return [one for one in found if one.name not in left_out]


def _add_function(run: Machine, parser: JsonParser, given: Arguments) -> Value:
    fields = _fields(run, given.get("function", 0))
    prefix = _nested(given, 1)
    found = list(declare_all(run, fields, _STYLE, prefix))
    parser.fields.extend(settled(run, parser, _without_skipped(run, found, given, prefix)))
    return UNKNOWN


def _add_method(run: Machine, parser: JsonParser, given: Arguments) -> Value:
    cls, name = given.get("theclass", 0), given.get("themethod", 1)
    if isinstance(cls, Class) and isinstance(name, str):
        function = class_member(cls, name)
        if isinstance(function, Function):
            fields = function_fields(run, function, method=True)
            found = declare_all(run, fields, _STYLE, _nested(given, 2))
            parser.fields.extend(settled(run, parser, found))
    return UNKNOWN


def _add_subclass(run: Machine, parser: JsonParser, given: Arguments) -> Value:
    key = given.get("nested_key", 1)
    if isinstance(key, str) and key:
        required = run.truth(given.keywords.get("required", False)) is True
        notes = [_("{name} selects a class, whose own parameters depend on the choice.")]
        one = Declared(key, "str", None, required, "", None, given.line, given.file, notes)
        parser.fields.extend(settled(run, parser, [one]))
    return UNKNOWN


def _link(run: Machine, parser: JsonParser, given: Arguments) -> Value:
    target = given.get("target", 1)
    if isinstance(target, str):
        (parser.linked if run.sure_for(parser) else parser.perhaps_linked).add(target)
    else:
        run.note(given.line, _("The target of link_arguments() is unknown."), given.file)
    return None


def _set_defaults(run: Machine, parser: JsonParser, plain: Value, given: Arguments) -> Value:
    """Set defaults given as keywords, and as dicts with dotted names."""
    values: dict[str, Value] = dict(given.keywords)
    for part in given.positional:
        if isinstance(part, dict) and not run.spoiled(part):
            values.update({key: value for key, value in part.items() if isinstance(key, str)})
        else:
            text = _("Some of the values passed to set_defaults() are unknown.")
            run.note(given.line, text, given.file)
    for one in parser.fields:
        if one.name in values:
            one.default = Unknown() if run.region else values[one.name]
            one.required = False
    return run.call(plain, Arguments((), values, given.open, given.line, given.file))


def _add_subcommands(_run: Machine, parser: JsonParser, _given: Arguments) -> Value:
    return Subcommands(parser)


def _parse(run: Machine, parser: JsonParser, _given: Arguments) -> Value:
    run.parsed(parser)
    return Unknown()


_Method = Callable[[Machine, JsonParser, Arguments], Value]
_METHODS: Final[dict[str, _Method]] = {
    "add_class_arguments": _add_class,
    "add_dataclass_arguments": _add_class,
    "add_function_arguments": _add_function,
    "add_method_arguments": _add_method,
    "add_subclass_arguments": _add_subclass,
    "add_subcommands": _add_subcommands,
    "link_arguments": _link,
    "parse_env": _parse,
}


def _fields(run: Machine, target: Value) -> list[Field]:
    if isinstance(target, Class):
        initialise = class_member(target, "__init__")
        if isinstance(initialise, Function):
            return _with_bases(run, target, initialise)
        return class_fields(run, target)
    function = function_of(target)
    return [] if function is None else function_fields(run, function)


def _with_bases(run: Machine, cls: Class, initialise: Function) -> list[Field]:
    """Return a constructor's parameters, and those of the bases to which it passes its ``**``."""
    fields = function_fields(run, initialise, method=True)
    taken = {field.name for field in fields}
    passed = _passed_on(initialise)
    owners = [one for one in lineage(cls) if "__init__" in one.namespace]
    for owner in owners[1:]:
        function = owner.namespace["__init__"]
        if passed is None or not isinstance(function, Function):
            break
        count, names = passed
        taken |= names
        inherited = function_fields(run, function, method=True)
        fields.extend(field for field in inherited[count:] if field.name not in taken)
        taken |= {field.name for field in inherited}
        passed = _passed_on(function)
    return fields


def _passed_on(function: Function) -> tuple[int, set[str]] | None:
    """Return how many positional and which named parameters ``super().__init__(…)`` sets.

    None where it does not pass on the ``**`` of the function.
    """
    rest = function.node.args.kwarg
    if rest is None or isinstance(function.node, ast.Lambda):
        return None
    for node in (part for statement in function.node.body for part in ast.walk(statement)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Call(func=ast.Name("super")), attr="__init__")
            ) if any(
                one.arg is None and isinstance(one.value, ast.Name) and one.value.id == rest.arg
                for one in node.keywords
            ):
                return len(node.args), {one.arg for one in node.keywords if one.arg is not None}
    return None


def _cli(run: Machine, given: Arguments) -> Value:
    command_line = CommandLine("jsonargparse", given)
    run.created(command_line)
    components = given.get("components", 0)
    if components is MISSING or components is None:
        text = _("CLI() without components takes everything in the script. Pass it the components.")
        run.note(given.line, text, given.file)
    command_line.found.extend(_of_components(run, components))
    run.parsed(command_line)
    return Unknown()


def _of_components(run: Machine, components: Value, depth: int = 0) -> list[Declared]:
    if isinstance(components, dict | list | tuple) and depth < _DEEPEST:
        members = components.values() if isinstance(components, dict) else components
        return [one for part in list(members) for one in _of_components(run, part, depth + 1)]
    found = list(declare_all(run, _fields(run, components), _STYLE))
    if isinstance(components, Class) and isinstance(class_member(components, "__init__"), Function):
        for name, value in list(components.namespace.items()):
            if isinstance(value, Function) and not name.startswith("_"):
                fields = function_fields(run, value, method=True)
                found.extend(declare_all(run, fields, _STYLE))
    return found


_PARSER: Final = NativeClass(JsonParser)

JSONARGPARSE: Final = Dialect(
    {
        "jsonargparse.CLI": _cli,
        "jsonargparse.auto_cli": _cli,
        "jsonargparse.auto_parser": _cli,
    },
    {
        "jsonargparse.ArgumentParser": _PARSER,
        "*.LightningArgumentParser": _PARSER,
    },
)
