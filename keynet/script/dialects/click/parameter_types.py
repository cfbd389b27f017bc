"""click: parameter types, both click's own and the script's."""

from typing import Final

from keynet.frozen import frozen
from keynet.script.conversion import converter_kind, element_kind
from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.lineage import class_member
from keynet.script.interpreter.machine import Handler, Machine, Native, NativeClass
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    Unknown,
    Value,
    kind_of,
)

__all__ = ["TYPE_CLASSES", "TYPE_HANDLERS", "DescribedType", "describe_type"]


@frozen
class DescribedType:
    """The type of a parameter's values; ``kind`` is "" when it is unknown."""

    kind: str
    choices: Value = None


class TypeObject(Instance):
    """A ``click.ParamType``: one of click's, or of a class derived from it."""

    def __init__(self, cls: Class | None, kind: str, *, chooses: bool = False) -> None:
        super().__init__(cls)
        self.kind = kind
        self.chooses = chooses
        self.choices: Value = None

    def native(self, name: str) -> Value:
        """Return the constructor, ``convert``, or the choices of a ``Choice``."""
        if name == "__init__":
            return Native(name, self._set_up)
        if name == "choices" and self.chooses:
            return self.choices
        if name == "convert":
            return Native(name, lambda _run, _given: Unknown(self.kind))
        return MISSING

    def _set_up(self, run: Machine, given: Arguments) -> Value:
        if self.chooses:
            choices = given.get("choices", 0)
            members = run.members(choices) if isinstance(choices, Class) else []
            self.choices = [member.name for member in members] or choices
        return None


def _made(kind: str, *, chooses: bool = False) -> NativeClass:
    return NativeClass(lambda cls: TypeObject(cls, kind, chooses=chooses))


TYPE_CLASSES: Final[dict[str, NativeClass]] = {
    "Choice": _made("str", chooses=True),
    "DateTime": _made("str"),
    "File": _made("str"),
    "FloatRange": _made("float"),
    "IntRange": _made("int"),
    "ParamType": _made(""),
    "Path": _made("str"),
    "types.ParamType": _made(""),
    "types.IntRange": _made("int"),
    "types.FloatRange": _made("float"),
    "types.Choice": _made("str", chooses=True),
    "types.Path": _made("str"),
    "types.StringParamType": _made("str"),
    "types.IntParamType": _made("int"),
    "types.FloatParamType": _made("float"),
}


def _tuple_type(run: Machine, given: Arguments) -> Value:
    items = run.iterate(given.get("types", 0, ()))
    return Unknown("list") if items is None else tuple(items)


TYPE_HANDLERS: Final[dict[str, Handler]] = {"Tuple": _tuple_type}
_NAMED: Final = {
    "BOOL": "bool",
    "FLOAT": "float",
    "INT": "int",
    "STRING": "str",
    "UNPROCESSED": "str",
    "UUID": "str",
}


def describe_type(run: Machine, value: Value) -> DescribedType:
    """Read the ``type=`` of an option or argument."""
    if isinstance(value, TypeObject):
        return DescribedType(_object_kind(run, value), value.choices)
    if isinstance(value, External) and value.name.rpartition(".")[2] in _NAMED:
        return DescribedType(_NAMED[value.name.rpartition(".")[2]])
    if isinstance(value, tuple | list):
        kinds = {describe_type(run, part).kind for part in value[:64]}
        return DescribedType(kinds.pop() if len(kinds) == 1 else "str")
    if isinstance(value, Class):
        made = run.call(value, Arguments())
        if isinstance(made, TypeObject):
            return describe_type(run, made)
    if isinstance(value, str | int | float):
        # click infers the type from an example value.
        return DescribedType(element_kind(value))
    return DescribedType(converter_kind(run, value))


def _object_kind(run: Machine, value: TypeObject) -> str:
    if value.cls is not None:
        convert = class_member(value.cls, "convert")
        if convert is not MISSING:
            notes = len(run.notes)
            with run.uncertain():
                arguments = Arguments((value, Unknown("str"), UNKNOWN, UNKNOWN))
                kind = kind_of(run.call(convert, arguments))
            del run.notes[notes:]
            return kind if kind in ("str", "int", "float", "bool") else value.kind or "str"
    return value.kind or "str"
