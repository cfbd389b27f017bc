"""Convert values to what is reported: defaults, type names, choices and notes."""

import math
import sys
import unicodedata
from typing import Final, get_args

from keynet.confidential import is_suspicious, is_suspicious_value, mentions_secret
from keynet.script import converted
from keynet.script.arguments import Argument, JsonValue, Note, TypeName
from keynet.script.interpreter.definitions import Class, EnumMember, Function, Instance
from keynet.script.interpreter.lineage import outside_bases
from keynet.script.interpreter.machine import Declared, Machine, Native
from keynet.script.interpreter.values import (
    HERE,
    MISSING,
    Arguments,
    BoundMethod,
    External,
    OneOf,
    Partial,
    PathValue,
    SetValue,
    Unknown,
    Value,
    is_constant,
    kind_of,
    merge_kinds,
)
from keynet.text import _, fill, printable

__all__ = ["converter_kind", "element_kind", "guessed", "is_strange", "to_argument"]

_TYPES: Final[frozenset[str]] = frozenset(get_args(TypeName))
_SUPPRESS: Final = "==SUPPRESS=="
_LONGEST_DEFAULT: Final = 10_000
_MOST_PARTS: Final = 2_000
_MOST_CHOICES: Final = 1_000
_OUTSIDE: Final = {
    "int": "int", "int8": "int", "int16": "int", "int32": "int", "int64": "int", "long": "int",
    "float": "float", "float16": "float", "float32": "float", "float64": "float",
    "bool": "bool", "bool_": "bool", "str": "str",
}  # fmt: skip


# Of the packages that training scripts use; their results have no other form than text.
_LIBRARIES: Final = frozenset(["click", "jsonargparse", "rich_click", "typer"])
_TO_TEXT: Final = frozenset(["torch.device", "yaml.safe_load", "builtins.open"])


class _NotJsonError(Exception):
    """A value is unknown or cannot be written as JSON; the message says why."""


def to_argument(run: Machine, declared: Declared) -> tuple[Argument, list[Note]]:
    """Convert a declared argument to what is reported, with notes on what is unknown."""
    notes: list[Note] = []

    def note(text: str) -> None:
        notes.append(Note.on(declared.name, declared.line, text, declared.file))

    for text in declared.notes:
        note(text)
    default = _default(run, declared, note_with=note)
    kind = declared.kind
    if kind not in _TYPES:
        note(_("The type of {name} is unknown; it is reported as str."))
        kind = "str"
    choices = None
    if declared.choices is not None:
        choices = _choices(run, declared.choices, declared.converter)
        if choices is None:
            note(_("The choices of {name} are unknown."))
        elif any(is_suspicious_value(choice) for choice in choices):
            choices = None
            note(_("The choices of {name} look like secrets and are omitted."))
    help_text = _help(declared.help)
    if mentions_secret(help_text):
        help_text = ""
        note(_("The help of {name} appears to contain a secret and is omitted."))
    if choices is not None and not _among(default, choices):
        note(_("The default of {name} is not among its choices."))
    argument = Argument(
        declared.name,
        kind,  # type: ignore[arg-type]
        default,
        bool(declared.required),
        help_text,
        choices,
    )
    return argument, notes


def _among(default: JsonValue, choices: tuple[str, ...]) -> bool:
    parts = default if isinstance(default, list) else [default]
    return all(part is None or str(part) in choices for part in parts)


def _default(run: Machine, declared: Declared, *, note_with: object) -> JsonValue:
    assert callable(note_with)
    if isinstance(declared.default, str) and declared.default == _SUPPRESS:
        return None
    try:
        value = _to_json(run, converted.parsed(run, declared), [_MOST_PARTS])
    except _NotJsonError as error:
        text = _("The default of {name} is unknown: {reason}.")
        note_with(fill(text, name="{name}", reason=error))
        return None
    if _holds_secret(value, declared.name):
        note_with(_("The default of {name} looks like a secret and is omitted."))
        return None
    return value


def _holds_secret(value: JsonValue, *names: str) -> bool:
    """Report whether a default looks like a secret; the keys of a dict name its values, too."""
    match value:
        case str():
            return any(is_suspicious(name, value, "argument") for name in names)
        case list():
            return any(_holds_secret(item, *names) for item in value)
        case dict():
            return any(
                _holds_secret(key, *names) or _holds_secret(item, *names, key)
                for key, item in value.items()
            )
    return False


def _to_json(run: Machine, value: Value, left: list[int]) -> JsonValue:  # noqa: PLR0911, PLR0912
    left[0] -= 1
    if left[0] < 0:
        raise _NotJsonError(_("it is too large"))
    match value:
        case None | bool():
            return value
        case int():
            if value.bit_length() > 1_024:
                raise _NotJsonError(_("it is too large"))
            return value
        case float():
            if not math.isfinite(value):
                raise _NotJsonError(fill(_("JSON cannot represent {value}"), value=value))
            return value
        case str():
            if len(value) > _LONGEST_DEFAULT:
                raise _NotJsonError(_("it is too large"))
            if HERE in value:
                raise _NotJsonError(fill(_("it depends on the machine ({name})"), name="__file__"))
            if any("\ud800" <= character <= "\udfff" for character in value):
                raise _NotJsonError(_("it is not valid text"))
            return value
        case PathValue():
            return _to_json(run, value.text, left)
        case EnumMember():
            return _to_json(run, value.value, left)
        case list() | tuple() | SetValue() | dict():
            return _container(run, value, left)
        case Unknown():
            raise _NotJsonError(value.why or _("it is computed when the script runs"))
        case OneOf():
            raise _NotJsonError(_("it depends on a condition"))
        case External():
            raise _NotJsonError(
                fill(_("{name} is defined outside the project"), name=printable(value.name, 100))
            )
    raise _NotJsonError(_("it is not a plain value"))


def _container(
    run: Machine,
    value: "list[Value] | tuple[Value, ...] | SetValue | dict[Value, Value]",
    left: list[int],
) -> JsonValue:
    if run.spoiled(value):
        raise _NotJsonError(_("it changes depending on a condition"))
    if len(left) > 16:
        raise _NotJsonError(_("it is nested too deeply"))
    left.append(0)
    result: JsonValue
    if isinstance(value, dict):
        result = {_key(run, key): _to_json(run, item, left) for key, item in value.items()}
    else:
        items = value.items if isinstance(value, SetValue) else value
        result = [_to_json(run, item, left) for item in items]
    left.pop()
    return result


def _key(run: Machine, key: Value) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, EnumMember) and isinstance(key.value, str):
        return key.value
    if is_constant(key) and not isinstance(key, (bytes, complex)):
        return str(key)
    raise _NotJsonError(_("it is not a plain value"))


def _help(value: Value) -> str:
    if not isinstance(value, str) or value == _SUPPRESS or HERE in value:
        return ""
    return " ".join(printable(value).split())


def _typed(run: Machine, member: EnumMember, converter: Value) -> Value:
    """Return what a user types for a member: its name where the converter looks names up."""
    if converter is None or converted.of_text(run, converter, member.name) is not member:
        return member.value
    by_value = (
        isinstance(member.value, str) and converted.of_text(run, converter, member.value) is member
    )
    return member.value if by_value else member.name


def _choices(run: Machine, value: Value, converter: Value) -> tuple[str, ...] | None:
    """Write choices as strings, None when they are not all known."""
    items = run.iterate(value)
    if items is None or len(items) > _MOST_CHOICES:
        return None
    texts: list[str] = []
    for item in items:
        part = _typed(run, item, converter) if isinstance(item, EnumMember) else item
        if isinstance(part, PathValue):
            part = part.text
        if not is_constant(part) or isinstance(part, (bytes, complex)):
            return None
        if isinstance(part, str) and HERE in part:
            return None
        if isinstance(part, int) and part.bit_length() > 1_024:
            return None
        text = str(part)
        if len(text) > _LONGEST_DEFAULT or any(unicodedata.category(c) == "Cs" for c in text):
            return None
        texts.append(text)
    return tuple(texts) or None


def element_kind(value: Value) -> str:
    """Return the type name of a value or of a list's elements, "" for any other type."""
    if isinstance(value, EnumMember):
        value = value.value
    if isinstance(value, (list, tuple, SetValue)):
        items = value.items if isinstance(value, SetValue) else value
        kinds = {kind_of(item) for item in list(items)[:_MOST_CHOICES]}
        if kinds == {"int", "float"}:
            return "float"
        kind = kinds.pop() if len(kinds) == 1 else ""
    else:
        kind = kind_of(value)
    if kind == "path":
        return "str"
    return kind if kind in _TYPES else ""


def converter_kind(run: Machine, converter: Value) -> str:  # noqa: PLR0911
    """Return the type name of what a ``type=`` callable returns for a string.

    The callable is followed with an unknown string. "" when the callable itself is unknown.
    """
    match converter:
        case None:
            return "str"
        case External(name=name):
            kind = _OUTSIDE.get(name.rpartition(".")[2])
            if kind is not None:
                return kind
            if run.handler(name) is not None:
                return _result_kind(run, converter)
            return "str"
        case Class():
            return _class_kind(run, converter)
        case Function() | BoundMethod() | Partial() | Native() | Instance():
            return _result_kind(run, converter)
        case OneOf():
            kinds = {converter_kind(run, one) for one in converter.values}
            return kinds.pop() if len(kinds) == 1 else ""
    return ""


def is_strange(run: Machine, converter: External) -> bool:
    """Report whether nothing is known of what a converter from outside the project returns."""
    top, _dot, rest = converter.name.partition(".")
    if rest.rpartition(".")[2] in _OUTSIDE or converter.name in _TO_TEXT:
        return False
    if top in sys.stdlib_module_names or top in _LIBRARIES:
        return False
    return run.native_class(converter.name) is None and run.handler(converter.name) is None


def guessed(converter: External) -> str:
    """Return the note on a converter that ``is_strange``."""
    text = _("{function}() converts {name}: the type is a guess, as that function is not read.")
    return fill(text, name="{name}", function=printable(converter.name, 100))


def _class_kind(run: Machine, cls: Class) -> str:
    members = run.members(cls)
    if members:
        return element_kind([member.value for member in members]) or "str"
    for base in outside_bases(cls):
        kind = _OUTSIDE.get(base.removeprefix("builtins."))
        if kind is not None:
            return kind
    return "str"


def _result_kind(run: Machine, converter: Value) -> str:
    notes = len(run.notes)
    with run.uncertain():
        result = run.call(converter, Arguments((Unknown("str"),)))
    del run.notes[notes:]
    if result is MISSING:
        return "str"
    kind = _kind_made(result)
    return kind if kind in _TYPES else "str"


def _kind_made(result: Value) -> str:
    """Return the type name of a converter's result, that of its elements for a list."""
    if isinstance(result, OneOf):
        return merge_kinds([_kind_made(part) for part in result.values])
    if isinstance(result, Unknown) and result.kind == "list":
        return result.of
    return element_kind(result) if isinstance(result, (list, tuple)) else kind_of(result)
