"""simple_parsing: argparse with the fields of dataclasses."""

from dataclasses import replace
from typing import Final

from keynet.script.dialects.argparse.parser import Parser
from keynet.script.dialects.command_line import CommandLine, settled
from keynet.script.dialects.fields.declaring import Style, declare_all
from keynet.script.dialects.fields.field import (
    Field,
    FieldInfo,
    class_fields,
    field_with_default,
    listed_field,
)
from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.knowledge.annotations import Described
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
    Partial,
    Unknown,
    Value,
)
from keynet.text import _, fill

__all__ = ["SIMPLE_PARSING"]


def _selecting(run: Machine, field: Field) -> Field:
    """Return a field made by ``subgroups()`` as the choice that it is."""
    if "subgroups" not in field.info.keywords:
        return field
    text = _("{name} selects a class, whose own parameters depend on the choice.")
    run.note(field.line, fill(text, name=field.name), field.file)
    return replace(field, annotation=UNKNOWN, described=Described("str"))


# What changes how the options of nested classes are named.
_NAMING: Final = (
    "add_option_string_dash_variants",
    "argument_generation_mode",
    "conflict_resolution",
    "nested_mode",
)
_STYLE: Final = Style(prefixed=False, refine=_selecting)


class SimpleParser(Parser):
    """A ``simple_parsing.ArgumentParser``."""

    dialect = "simple_parsing"

    def __init__(self, cls: Class | None = None) -> None:
        super().__init__(cls)
        # Each with the ``dest`` of its class.
        self.fields: list[tuple[Value, Declared]] = []

    def native(self, name: str) -> Value:
        """Return a method, simple_parsing's own or argparse's."""
        if name == "__init__":
            plain = super().native(name)
            return Native(name, lambda run, given: _set_up(run, plain, given))
        if name == "add_arguments":
            return Native(name, lambda run, given: _add(run, self, given))
        return super().native(name)

    def declared(self) -> list[Declared]:
        """Return what was added by hand, then the fields."""
        return [*super().declared(), *_told_apart(self.fields)]


def _told_apart(fields: list[tuple[Value, Declared]]) -> list[Declared]:
    """Return fields, with the ``dest`` before names that several classes have."""
    owners: dict[str, set[str]] = {}
    for dest, one in fields:
        owners.setdefault(one.name, set()).add(str(dest))
    return [
        replace(one, name=f"{dest}.{one.name}")
        if isinstance(dest, str) and len(owners[one.name]) > 1
        else one
        for dest, one in fields
    ]


def _set_up(run: Machine, plain: Value, given: Arguments) -> Value:
    for keyword in _NAMING:
        if keyword in given.keywords:
            text = _("{keyword} of the parser changes the names of options, which may differ.")
            run.note(given.line, fill(text, keyword=keyword), given.file)
    return run.call(plain, given)


def _add(run: Machine, parser: SimpleParser, given: Arguments) -> Value:
    config = given.get("dataclass", 0)
    prefix = given.keywords.get("prefix", "")
    default = given.keywords.get("default", MISSING)
    if isinstance(config, Instance) and config.cls is not None:
        config, default = config.cls, config
    if isinstance(config, Class):
        text = prefix if isinstance(prefix, str) else ""
        fields = class_fields(run, config)
        found = declare_all(run, fields, _STYLE, text, default)
        dest = given.get("dest", 1)
        parser.fields.extend((dest, one) for one in settled(run, parser, found))
    else:
        run.note(given.line, _("The class passed to add_arguments() is unknown."), given.file)
    return None


def _parse(run: Machine, given: Arguments) -> Value:
    command_line = CommandLine("simple_parsing", given)
    run.created(command_line)
    config = given.get("config_class", 0)
    if isinstance(config, Class):
        default = given.keywords.get("default", MISSING)
        command_line.found.extend(declare_all(run, class_fields(run, config), _STYLE, "", default))
    run.parsed(command_line)
    return Unknown()


def _choice(run: Machine, given: Arguments) -> Value:
    """Read ``choice("a", "b", default="a")``."""
    choices = run.fresh(list(given.positional))
    keywords = {"choices": choices, **given.keywords}
    return FieldInfo(Arguments((), keywords, given.open, given.line, given.file))


def _subgroups(run: Machine, given: Arguments) -> Value:
    """Read ``subgroups({"a": A}, default="a")``."""
    groups = given.get("subgroups", 0)
    keys = run.iterate(groups) if isinstance(groups, dict) else None
    choices = UNKNOWN if keys is None else run.fresh(list(keys))
    default = given.get("default", 1)
    keywords = {**given.keywords, "subgroups": groups, "choices": choices}
    if default is not MISSING:
        keywords["default"] = default if isinstance(default, str) else UNKNOWN
    return FieldInfo(Arguments((), keywords, given.open, given.line, given.file))


def _mutable(_run: Machine, given: Arguments) -> Value:
    """Read ``mutable_field(A, x=1)``."""
    own = {key: value for key, value in given.keywords.items() if key in _OF_FIELDS}
    passed = {key: value for key, value in given.keywords.items() if key not in _OF_FIELDS}
    made = Partial(given.get("", 0, UNKNOWN), Arguments(given.positional[1:], passed, given.open))
    keywords = {**own, "default_factory": made}
    return FieldInfo(Arguments((), keywords, False, given.line, given.file))


_OF_FIELDS: Final = ("compare", "hash", "init", "kw_only", "metadata", "repr")
_MODULES: Final = ("simple_parsing", "simple_parsing.helpers", "simple_parsing.helpers.fields")
_HELPERS: Final[dict[str, Handler]] = {
    "choice": _choice,
    "field": field_with_default,
    "flag": field_with_default,
    "list_field": listed_field,
    "mutable_field": _mutable,
    "subgroups": _subgroups,
}
_PARSER: Final = NativeClass(SimpleParser)

SIMPLE_PARSING: Final = Dialect(
    {
        **{f"{m}.{name}": handler for m in _MODULES for name, handler in _HELPERS.items()},
        "simple_parsing.parse": _parse,
        "simple_parsing.parsing.parse": _parse,
    },
    {
        "simple_parsing.ArgumentParser": _PARSER,
        "simple_parsing.parsing.ArgumentParser": _PARSER,
    },
)
