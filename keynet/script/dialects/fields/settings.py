"""pydantic-settings: models that read the command line."""

import ast
from dataclasses import replace
from typing import Final

from keynet.script.dialects.command_line import CommandLine
from keynet.script.dialects.fields.declaring import Style, declare_all
from keynet.script.dialects.fields.field import Field
from keynet.script.dialects.fields.pydantic import MODEL, model_fields
from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.lineage import class_member, lineage
from keynet.script.interpreter.machine import Declared, Dialect, Machine, Native, NativeClass
from keynet.script.interpreter.values import (
    MISSING,
    Arguments,
    Generic,
    Unknown,
    Value,
)
from keynet.text import _, fill, printable

__all__ = ["SETTINGS"]

_DEEPEST: Final = 4


class Settings(Instance):
    """An object of a class that derives from ``BaseSettings``."""

    def native(self, name: str) -> Value:
        """Return the constructor, which parses where the class or the call says so."""
        if name != "__init__":
            return MISSING
        return Native(name, lambda run, given: _made(run, self, given))


def _made(run: Machine, settings: Settings, given: Arguments) -> Value:
    cls = settings.cls
    if cls is None:
        return None
    wanted = given.keywords.get("_cli_parse_args", _configured(run, cls, "cli_parse_args"))
    reads = run.truth(wanted)
    if reads is None:
        text = _("It is unknown whether these settings read the command line.")
        run.note(given.line, text, given.file)
    elif reads:
        _declare(run, cls, given)
    for field in model_fields(run, cls):
        settings.attributes[field.name] = Unknown()
    return None


def _configured(run: Machine, cls: Class, key: str) -> Value:
    """Return a setting of a class, from its arguments or its ``model_config``."""
    for one in lineage(cls):
        for keyword in one.node.keywords:
            if keyword.arg == key:
                return run.evaluate(keyword.value, one.scope)
    config = class_member(cls, "model_config")
    if isinstance(config, dict) and not run.spoiled(config):
        return config.get(key, False)
    for one in lineage(cls):
        for node in one.node.body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                for keyword in node.value.keywords:
                    if keyword.arg == key:
                        return run.evaluate(keyword.value, one.scope)
    return False


def _declare(run: Machine, cls: Class, given: Arguments) -> None:
    command_line = CommandLine("pydantic_settings", given)
    run.created(command_line)
    prefix = given.keywords.get("_cli_prefix", _configured(run, cls, "cli_prefix"))
    if prefix and not isinstance(prefix, str):
        text = _("The prefix of these options is unknown: their names lack it.")
        run.note(given.line, text, given.file)
    prefix = f"{prefix}." if prefix and isinstance(prefix, str) else ""
    command_line.found.extend(_arguments(run, cls, prefix, 0))
    run.parsed(command_line)


def _arguments(run: Machine, cls: Class, prefix: str, depth: int) -> list[Declared]:
    """Return the arguments of a model, those of each subcommand below its name."""
    found: list[Declared] = []
    if run.truth(_configured(run, cls, "alias_generator")) is not False:
        text = _("An alias_generator names the options of {cls}: their names are unknown.")
        run.note(cls.node.lineno, fill(text, cls=printable(cls.name, 100)), cls.scope.module.file)
    for each in model_fields(run, cls):
        field = _named(run, each)
        if field is None:
            continue
        annotation, name = field.annotation, f"{prefix}{field.name}"
        if isinstance(annotation, Generic) and annotation.name.endswith(".CliSubCommand"):
            for model in annotation.arguments:
                if isinstance(model, Class) and depth < _DEEPEST:
                    found.extend(_arguments(run, model, f"{name}.", depth + 1))
            continue
        described = replace(field, help=field.info.keywords.get("description", field.help))
        found.extend(declare_all(run, [described], _STYLE, prefix))
    return found


def _named(run: Machine, field: Field) -> Field | None:
    """Return a field by its alias, which is what a command line accepts; None if unknown."""
    given = field.info.keywords
    alias = given.get("validation_alias", given.get("alias"))
    if alias is None:
        return field
    if isinstance(alias, str) and alias.isprintable():
        return replace(field, name=alias)
    run.note(field.line, _("An argument whose name is unknown is omitted."), field.file)
    return None


_STYLE: Final = Style(refine=_named, whole="set {name} from JSON string")


def _run_app(run: Machine, given: Arguments) -> Value:
    cls = given.get("model_cls", 0)
    if isinstance(cls, Class):
        _declare(run, cls, given)
    else:
        run.note(given.line, _("The model passed to CliApp.run() is unknown."), given.file)
    return Unknown()


_SETTINGS: Final = NativeClass(Settings, MODEL.attribute)

SETTINGS: Final = Dialect(
    {
        "pydantic_settings.CliApp.run": _run_app,
        "pydantic_settings.SettingsConfigDict": lambda run, given: run.fresh(dict(given.keywords)),
    },
    {"pydantic_settings.BaseSettings": _SETTINGS},
)
