"""Dataclasses as configurations: pyrallis, draccus and OmegaConf."""

from dataclasses import replace
from functools import partial
from typing import Final

from keynet.script.dialects.command_line import CommandLine
from keynet.script.dialects.fields import omegaconf
from keynet.script.dialects.fields.choice_registry import REGISTRIES, declare_fields
from keynet.script.dialects.fields.field import (
    class_fields,
    field_with_default,
    function_fields,
    function_of,
)
from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.machine import (
    Declared,
    Dialect,
    Handler,
    Machine,
    Native,
    ParserLike,
)
from keynet.script.interpreter.values import UNKNOWN, Arguments, Unknown, Value

__all__ = ["CONFIGS"]


def _fill(
    run: Machine,
    command_line: CommandLine,
    config: Value,
    given: Arguments,
    *,
    file: bool = True,
    files: bool = False,
) -> None:
    cls = config.cls if isinstance(config, Instance) else config
    if not isinstance(cls, Class):
        return
    if file:
        command_line.found.append(
            Declared("config_path", "str", None, line=given.line, file=given.file)
        )
    fields = class_fields(run, cls)
    if isinstance(config, Instance):
        made = config.attributes
        fields = [replace(field, default=made.get(field.name, field.default)) for field in fields]
    command_line.found.extend(declare_fields(run, fields, files=files))


def _parse(run: Machine, given: Arguments, *, files: bool = False) -> Value:
    command_line = CommandLine("dataclass", given)
    run.created(command_line)
    _fill(run, command_line, given.get("config_class", 0), given, files=files)
    run.parsed(command_line)
    return Unknown()


def _wrap(_run: Machine, given: Arguments, *, files: bool = False) -> Value:
    """Read ``@wrap()``; the class is the annotation of the first parameter."""

    def decorate(run: Machine, inner: Arguments) -> Value:
        value = inner.get("fn", 0, UNKNOWN)
        function = function_of(value)
        if function is None:
            return value
        command_line = CommandLine("dataclass", given)
        run.created(command_line)
        fields = function_fields(run, function)
        if fields:
            _fill(run, command_line, fields[0].annotation, given, files=files)

        def parse(run: Machine, _arguments: Arguments) -> Value:
            run.parsed(command_line)
            return Unknown()

        return Native("main", parse)

    return Native("wrap", decorate)


class Structured(CommandLine):
    """A structured configuration, a command line only where ``from_cli`` reads one.

    Its fields are then what the merged configuration accepts, in either order of the two calls.
    """

    read = False

    def declared(self) -> list[Declared]:
        """Return the fields, none as long as nothing reads the command line."""
        return super().declared() if self.read else []


def _structured(run: Machine, given: Arguments) -> Value:
    config = given.get("obj", 0)
    command_line = Structured("dataclass", given)
    _fill(run, command_line, config, given, file=False)
    if command_line.found:
        command_line.read = any(_reads(parser) for parser in run.parsers)
        run.created(command_line)
        if command_line.read:
            run.parsed(command_line, complete=False)
    return omegaconf.Config(tuple(command_line.found), command_line)


def _reads(parser: ParserLike) -> bool:
    return isinstance(parser, Structured) and parser.read


def _from_command_line(run: Machine, given: Arguments) -> Value:
    words = given.get("args_list", 0, None)
    if words is not None and run.truth(words) is False:
        return Unknown()
    for parser in run.parsers:
        if isinstance(parser, Structured):
            parser.read = True
            run.parsed(parser, complete=False)
            break
    else:
        reader = Structured("dataclass", given)
        reader.read = True
        run.created(reader)
    return omegaconf.CommandLineConfig()


_HANDLERS: Final[dict[str, Handler]] = {
    "pyrallis.parse": _parse,
    "pyrallis.wrap": _wrap,
    "pyrallis.field": field_with_default,
    "draccus.parse": partial(_parse, files=True),
    "draccus.wrap": partial(_wrap, files=True),
    "draccus.field": field_with_default,
    "omegaconf.OmegaConf.structured": _structured,
    "omegaconf.OmegaConf.from_cli": _from_command_line,
    **omegaconf.HANDLERS,
}

CONFIGS: Final = Dialect(_HANDLERS, REGISTRIES)
