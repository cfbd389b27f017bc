"""transformers: ``HfArgumentParser`` and the parsers that derive from it."""

from typing import Final

from keynet.script.dialects.argparse.parser import Parser
from keynet.script.dialects.fields.declaring import Style, declare_all
from keynet.script.dialects.fields.field import FieldInfo, class_fields
from keynet.script.interpreter.definitions import Class
from keynet.script.interpreter.lineage import outside_bases
from keynet.script.interpreter.machine import (
    Declared,
    Dialect,
    Handler,
    Machine,
    Native,
    NativeClass,
)
from keynet.script.interpreter.values import UNKNOWN, Arguments, External, Unknown, Value
from keynet.text import _, fill, printable

__all__ = ["TRANSFORMERS"]

_STYLE: Final = Style(nested=False, enum_names=False, false_flags=True, metadata_choices=True)


class HfParser(Parser):
    """An ``HfArgumentParser``: fields of its dataclasses, then what is added by hand."""

    dialect = "transformers"

    def __init__(self, cls: Class | None = None) -> None:
        super().__init__(cls)
        self.fields: list[Declared] = []

    def native(self, name: str) -> Value:
        """Return a method, transformers' own or argparse's."""
        if name == "__init__":
            return Native(name, lambda run, given: _set_up(run, self, given))
        if name in ("parse_args_into_dataclasses", "parse_args_and_config"):
            return Native(name, lambda run, given: _parse(run, self, given))
        if name in ("parse_json_file", "parse_yaml_file", "parse_dict"):
            return Native(name, lambda _run, _given: Unknown())
        return super().native(name)

    def declared(self) -> list[Declared]:
        """Return the fields in the order of the classes, then what was added by hand."""
        return [*self.fields, *super().declared()]


def _set_up(run: Machine, parser: HfParser, given: Arguments) -> Value:
    types = given.get("dataclass_types", 0, ())
    rest = {name: value for name, value in given.keywords.items() if name != "dataclass_types"}
    plain = Arguments((), rest, given.open, given.line, given.file)
    run.call(super(HfParser, parser).native("__init__"), plain)
    classes = [types] if isinstance(types, Class | External) else run.iterate(types)
    if classes is None:
        text = _("The dataclasses passed to HfArgumentParser are unknown.")
        run.note(given.line, text, given.file)
    for cls in classes or ():
        if isinstance(cls, Class):
            parser.fields.extend(declare_all(run, class_fields(run, cls), _STYLE))
            for name in outside_bases(cls):
                _outside(run, name, given)
        else:
            _outside(run, cls.name if isinstance(cls, External) else "?", given)
    return None


def _outside(run: Machine, name: str, given: Arguments) -> None:
    if name.startswith("builtins."):
        return
    text = _("The fields of {name} are defined outside the project and omitted.")
    run.note(given.line, fill(text, name=printable(name, 100)), given.file)


def _parse(run: Machine, parser: HfParser, _given: Arguments) -> Value:
    run.parsed(parser)
    return Unknown()


def _hf_arg(_run: Machine, given: Arguments) -> Value:
    """Read ``HfArg(default=…, help=…)``."""
    return FieldInfo(given) if not given.open else UNKNOWN


_PARSER: Final = NativeClass(HfParser)
_HANDLERS: Final[dict[str, Handler]] = {
    "transformers.hf_argparser.HfArg": _hf_arg,
    "transformers.HfArg": _hf_arg,
}

TRANSFORMERS: Final = Dialect(
    _HANDLERS,
    {"*.HfArgumentParser": _PARSER, "*.TrlParser": _PARSER, "*.H4ArgumentParser": _PARSER},
)
