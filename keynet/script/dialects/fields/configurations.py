"""Dataclasses as configurations: pyrallis, draccus, OmegaConf."""

from typing import Final

from keynet.script.dialects.fields.declaring import Style, declare_all
from keynet.script.dialects.fields.field import (
    class_fields,
    field_with_default,
    function_fields,
    function_of,
)
from keynet.script.dialects.form import Form
from keynet.script.interpreter.definitions import Class
from keynet.script.interpreter.machine import Declared, Dialect, Handler, Machine, Native
from keynet.script.interpreter.values import UNKNOWN, Arguments, Unknown, Value

__all__ = ["CONFIGS"]

_STYLE: Final = Style()


def _fill(run: Machine, form: Form, config: Value, given: Arguments, *, file: bool = True) -> None:
    if not isinstance(config, Class):
        return
    if file:
        form.found.append(Declared("config_path", "str", None, line=given.line, file=given.file))
    form.found.extend(declare_all(run, class_fields(run, config), _STYLE))


def _parse(run: Machine, given: Arguments) -> Value:
    form = Form("dataclass", given)
    run.created(form)
    _fill(run, form, given.get("config_class", 0), given)
    run.parsed(form)
    return Unknown()


def _wrap(_run: Machine, given: Arguments) -> Value:
    """Read ``@wrap()``: the class is the annotation of the function's first parameter."""

    def decorate(run: Machine, inner: Arguments) -> Value:
        value = inner.get("fn", 0, UNKNOWN)
        function = function_of(value)
        if function is None:
            return value
        form = Form("dataclass", given)
        run.created(form)
        fields = function_fields(run, function)
        if fields:
            _fill(run, form, fields[0].annotation, given)

        def parse(run: Machine, _arguments: Arguments) -> Value:
            run.parsed(form)
            return Unknown()

        return Native("main", parse)

    return Native("wrap", decorate)


def _structured(run: Machine, given: Arguments) -> Value:
    config = given.get("obj", 0)
    form = Form("dataclass", given)
    _fill(run, form, config, given, file=False)
    if form.found:
        run.created(form)
    return Unknown()


def _from_command_line(run: Machine, _given: Arguments) -> Value:
    for parser in run.parsers:
        if isinstance(parser, Form) and parser.dialect == "dataclass":
            run.parsed(parser, complete=False)
            break
    return Unknown()


_HANDLERS: Final[dict[str, Handler]] = {
    "pyrallis.parse": _parse,
    "pyrallis.wrap": _wrap,
    "pyrallis.field": field_with_default,
    "draccus.parse": _parse,
    "draccus.wrap": _wrap,
    "draccus.field": field_with_default,
    "omegaconf.OmegaConf.structured": _structured,
    "omegaconf.OmegaConf.from_cli": _from_command_line,
}

CONFIGS: Final = Dialect("dataclass", ("pyrallis", "draccus", "OmegaConf"), _HANDLERS)
