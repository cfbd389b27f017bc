"""absl: flags, also under TensorFlow's names for them."""

from collections.abc import Callable
from typing import Final

from keynet.script.conversion import element_kind
from keynet.script.dialects.command_line import CommandLine
from keynet.script.interpreter.definitions import Class, EnumMember, Instance
from keynet.script.interpreter.machine import Declared, Dialect, Handler, Machine
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    OneOf,
    Unknown,
    Value,
    is_constant,
)
from keynet.text import _

__all__ = ["ABSL"]

_MODULES: Final = (
    "absl.flags",
    "tensorflow.flags",
    "tensorflow.app.flags",
    "tensorflow.compat.v1.flags",
    "tensorflow.compat.v1.app.flags",
    "tensorflow.python.platform.flags",
    "gflags",
)
_APPS: Final = (
    "absl.app",
    "tensorflow.app",
    "tensorflow.compat.v1.app",
    "tensorflow.python.platform.app",
)


class Flag(Instance):
    """The flag holder that ``DEFINE_…`` returns."""

    def __init__(self, declared: Declared) -> None:
        super().__init__()
        self.flag = declared

    def native(self, name: str) -> Value:
        """Return name and default; the value depends on the command line."""
        known = {"name": self.flag.name, "default": self.flag.default, "value": Unknown()}
        return known.get(name, MISSING)


def _flags(run: Machine, given: Arguments) -> CommandLine:
    for parser in run.parsers:
        if isinstance(parser, CommandLine) and parser.dialect == "absl":
            return parser
    command_line = CommandLine("absl", given)
    run.created(command_line)
    return command_line


def _define(kind: str, *, many: bool = False, separator: str = "") -> Handler:
    def define(run: Machine, given: Arguments) -> Value:
        default = _default(run, given.get("default", 1, Unknown()), kind, separator, many=many)
        return _declare(run, given, kind, default, given.get("help", 2, ""))

    return define


def _default(run: Machine, value: Value, kind: str, separator: str, *, many: bool) -> Value:
    if value is None or isinstance(value, Unknown):
        return value
    if separator and isinstance(value, str):
        parts = value.split() if separator == " " else value.split(separator)
        return run.fresh([part.strip() for part in parts if part.strip()])
    if many and (is_constant(value) or isinstance(value, EnumMember)):
        return run.fresh([value])
    if kind == "bool" and isinstance(value, str | int):
        return str(value).lower() in ("true", "t", "1", "y", "yes")
    return value


def _define_enum(*, many: bool = False) -> Handler:
    def define(run: Machine, given: Arguments) -> Value:
        default = _default(run, given.get("default", 1, Unknown()), "str", "", many=many)
        choices = given.get("enum_values", 2, Unknown())
        return _declare(run, given, "str", default, given.get("help", 3, ""), choices)

    return define


def _define_enum_class(*, many: bool = False) -> Handler:
    def define(run: Machine, given: Arguments) -> Value:
        cls = given.get("enum_class", 2)
        choices: Value = Unknown()
        if isinstance(cls, Class):
            choices = [member.name for member in run.members(cls)]
        default = _default(run, given.get("default", 1, Unknown()), "str", "", many=many)
        if isinstance(default, EnumMember):
            default = default.name
        elif isinstance(default, list):
            default = [m.name if isinstance(m, EnumMember) else m for m in default]
        return _declare(run, given, "str", default, given.get("help", 3, ""), choices)

    return define


def _define_any(run: Machine, given: Arguments) -> Value:
    """Read ``DEFINE(parser, name, default, help)``."""
    parser, rest = given.get("parser", 0), given.after(1)
    named = parser.name if isinstance(parser, External) else ""
    kinds = {"Integer": "int", "Float": "float", "Boolean": "bool"}
    kind = next((kind for word, kind in kinds.items() if word in named), "")
    default = rest.get("default", 1, Unknown())
    return _declare(run, rest, kind or element_kind(default), default, rest.get("help", 2, ""))


def _declare(
    run: Machine,
    given: Arguments,
    kind: str,
    default: Value,
    text: Value,
    choices: Value = None,
) -> Value:
    name = given.get("name", 0)
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 200:
        run.note(given.line, _("An argument whose name is unknown is omitted."), given.file)
        return UNKNOWN
    required = run.truth(given.keywords.get("required", False))
    notes: list[str] = []
    command_line = _flags(run, given)
    sure = run.sure_for(command_line)
    if required is None or (required and not sure):
        notes.append(_("It is unknown whether the script requires {name}."))
        required = False
    declared = Declared(name, kind, default, required, text, choices, given.line, given.file, notes)
    declared.certain, declared.alternative = sure, not sure
    if not any(seen.name == name and seen.line == declared.line for seen in command_line.found):
        command_line.found.append(declared)
    return Flag(declared)


def _named(value: Value) -> str:
    if isinstance(value, Flag):
        return value.flag.name
    return value if isinstance(value, str) else ""


def _mark_required(run: Machine, given: Arguments) -> Value:
    wanted = given.get("flag_name", 0, given.get("flag_names", 0, ()))
    items = [wanted] if isinstance(wanted, str | Flag) else run.iterate(wanted) or []
    names = {_named(item) for item in items}
    for declared in _flags(run, given).found:
        unsure = not run.sure_for(_flags(run, given))
        # The script starts without a flag that has a default.
        if declared.name not in names or declared.required or _is_known(declared.default):
            continue
        if unsure or declared.default is not None:
            declared.notes.append(_("It is unknown whether the script requires {name}."))
        else:
            declared.required = True
    return None


def _is_known(default: Value) -> bool:
    """Report whether a flag has a default in any case."""
    return default is not None and not isinstance(default, (OneOf, Unknown))


def _set_default(run: Machine, given: Arguments) -> Value:
    name = _named(given.get("flag_holder", 0, given.get("name", 0)))
    for declared in _flags(run, given).found:
        if declared.name == name:
            value = given.get("value", 1, Unknown())
            sure = run.sure_for(_flags(run, given))
            declared.default = value if sure else Unknown()
            if declared.required and not (sure and value is None):
                declared.required = False
                if not (sure and _is_known(value)):
                    declared.notes.append(_("It is unknown whether the script requires {name}."))
    return None


def _parse(run: Machine, given: Arguments) -> Value:
    run.load_unread()
    command_line = _flags(run, given)
    run.call_later(value for value in given.positional[:1])
    run.parsed(command_line)
    return Unknown()


_DEFINERS: Final[dict[str, Handler]] = {
    "DEFINE": _define_any,
    "DEFINE_bool": _define("bool"),
    "DEFINE_boolean": _define("bool"),
    "DEFINE_config_dict": _define("str"),
    "DEFINE_config_file": _define("str"),
    "DEFINE_enum": _define_enum(),
    "DEFINE_enum_class": _define_enum_class(),
    "DEFINE_float": _define("float"),
    "DEFINE_integer": _define("int"),
    "DEFINE_list": _define("str", separator=","),
    "DEFINE_multi_enum": _define_enum(many=True),
    "DEFINE_multi_enum_class": _define_enum_class(many=True),
    "DEFINE_multi_float": _define("float", many=True),
    "DEFINE_multi_integer": _define("int", many=True),
    "DEFINE_multi_string": _define("str", many=True),
    "DEFINE_multistring": _define("str", many=True),
    "DEFINE_spaceseplist": _define("str", separator=" "),
    "DEFINE_string": _define("str"),
}
_OTHERS: Final[dict[str, Callable[[Machine, Arguments], Value]]] = {
    "FLAGS": _parse,
    "FLAGS.set_default": _set_default,
    "mark_flag_as_required": _mark_required,
    "mark_flags_as_required": _mark_required,
    "set_default": _set_default,
}


ABSL: Final = Dialect(
    {
        **{f"*.{name}": handler for name, handler in _DEFINERS.items() if name != "DEFINE"},
        **{f"{module}.DEFINE": _define_any for module in _MODULES},
        **{f"{module}.{name}": made for module in _MODULES for name, made in _OTHERS.items()},
        **{f"{module}.run": _parse for module in _APPS},
    },
)
