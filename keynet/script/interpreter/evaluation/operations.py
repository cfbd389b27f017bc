"""Apply operators to known values, each bounded in the size of its result."""

import ast
import operator
import re
import string
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Final

from keynet.script.interpreter.definitions import Class, Container, EnumMember, Instance
from keynet.script.interpreter.values import (
    SCALARS,
    UNKNOWN,
    External,
    Generic,
    Leftover,
    OneOf,
    PathValue,
    SetValue,
    Unknown,
    Value,
    is_constant,
    join_all,
    kind_of,
    reason_of,
)

__all__ = [
    "MAX_BITS",
    "MAX_ITEMS",
    "MAX_TEXT",
    "binary",
    "concrete",
    "format_value",
    "percent",
    "template",
    "truth",
    "unary",
]

MAX_TEXT: Final = 65_536
MAX_ITEMS: Final = 4_096
MAX_BITS: Final = 2_048
_MAX_CONCRETE: Final = 2_000
_MAX_NESTING: Final = 24
_LONG_NUMBER: Final = r"\d{4}|\*"
_LONG_PERCENT: Final = r"%(?:\([^)]*\))?[#0\- +.\d]*?(?:\d{4}|\*)"

_BINARY: Final[Mapping[type[ast.operator], Callable[[object, object], object]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
}
_CONVERSIONS: Final[Mapping[str, Callable[[object], str]]] = {"r": repr, "s": str, "a": ascii}
_FAILURES: Final = (ArithmeticError, ValueError, TypeError, LookupError, AttributeError)


def concrete(value: Value, budget: int = _MAX_CONCRETE) -> bool:
    """Report whether a value consists of constants; examine ``budget`` parts."""
    if is_constant(value):
        return True
    pending: list[tuple[Value, int]] = [(value, 0)]
    while pending:
        part, depth = pending.pop()
        if is_constant(part):
            continue
        parts: list[Value]
        if isinstance(part, (list, tuple)):
            parts = list(part)
        elif isinstance(part, dict):
            parts = [*part.keys(), *part.values()]
        elif isinstance(part, SetValue):
            parts = list(part.items)
        else:
            return False
        budget -= len(parts) + 1
        if budget < 0 or depth > _MAX_NESTING:
            return False
        pending.extend((item, depth + 1) for item in parts)
    return True


def truth(value: Value) -> bool | None:  # noqa: PLR0911
    """Return the truth of a value, None when it is unknown."""
    if is_constant(value) or isinstance(value, (list, tuple, dict)):
        return bool(value)
    if isinstance(value, SetValue):
        return bool(value.items)
    if isinstance(value, Container):
        return truth(value.items)
    if isinstance(value, OneOf):
        truths = {truth(item) for item in value.values}
        return truths.pop() if len(truths) == 1 else None
    if isinstance(value, (Unknown, External, Generic)):
        return None
    if isinstance(value, Instance) and value.cls is not None:
        return None if _defines_truth(value) else True
    return True


def _defines_truth(value: Instance) -> bool:
    cls = value.cls
    return cls is not None and (
        "__bool__" in cls.namespace or "__len__" in cls.namespace or bool(cls.bases)
    )


def unary(op: ast.unaryop, operand: Value) -> Value:  # noqa: PLR0911
    """Apply ``not``, ``-``, ``+`` or ``~``."""
    if isinstance(op, ast.Not):
        known = truth(operand)
        return Unknown("bool") if known is None else not known
    if isinstance(operand, OneOf):
        return join_all([unary(op, item) for item in operand.values])
    if isinstance(operand, (bool, int, float)):
        if isinstance(op, ast.USub):
            return -operand
        if isinstance(op, ast.UAdd):
            return +operand
        return ~int(operand) if isinstance(operand, int) else UNKNOWN
    if isinstance(operand, Unknown) and operand.kind in ("int", "float"):
        return Unknown(operand.kind, operand.why)
    return Unknown(why=reason_of(operand))


def binary(op: ast.operator, left: Value, right: Value) -> Value:  # noqa: PLR0911
    """Apply an operator to two operands."""
    if type(op) is ast.Add and type(left) in SCALARS and type(right) in SCALARS:
        return _plain(op, left, right)
    if isinstance(left, OneOf):
        return join_all([binary(op, item, right) for item in left.values])
    if isinstance(right, OneOf):
        return join_all([binary(op, left, item) for item in right.values])
    if isinstance(op, ast.Mod) and isinstance(left, str):
        return percent(left, right)
    if isinstance(left, PathValue) or isinstance(right, PathValue):
        return _join_paths(op, left, right)
    if isinstance(op, (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)) and (
        isinstance(left, SetValue) and isinstance(right, SetValue)
    ):
        return _sets(op, left, right)
    if isinstance(op, ast.BitOr) and isinstance(left, dict) and isinstance(right, dict):
        return {**left, **right}
    if isinstance(op, ast.BitOr) and _is_type(left) and _is_type(right):
        return Generic("types.UnionType", _members(left) + _members(right))
    if isinstance(op, ast.Add):
        for part in (left, right):
            if isinstance(part, Leftover):
                return part
    return _plain(op, left, right)


def _plain(op: ast.operator, left: Value, right: Value) -> Value:
    if not _fits(op, left, right):
        of = next((part.of for part in (left, right) if isinstance(part, Unknown) and part.of), "")
        return Unknown(_kind(op, left, right), reason_of(left) or reason_of(right), of)
    try:
        return _BINARY[type(op)](left, right)
    except (*_FAILURES, KeyError):
        return UNKNOWN


def _members(value: Value) -> tuple[Value, ...]:
    union = isinstance(value, Generic) and value.name == "types.UnionType"
    return value.arguments if union and isinstance(value, Generic) else (value,)


def _is_type(value: Value) -> bool:
    return value is None or isinstance(value, (External, Class, Generic, str))


def _fits(op: ast.operator, left: Value, right: Value) -> bool:  # noqa: PLR0911
    """Report whether the result is known and small enough."""
    numbers = isinstance(left, (int, float, complex)) and isinstance(right, (int, float, complex))
    if numbers:
        return _number_fits(op, left, right)
    if isinstance(op, ast.Add):
        if isinstance(left, str) and isinstance(right, str):
            return len(left) + len(right) <= MAX_TEXT
        if isinstance(left, bytes) and isinstance(right, bytes):
            return len(left) + len(right) <= MAX_TEXT
        if (isinstance(left, list) and isinstance(right, list)) or (
            isinstance(left, tuple) and isinstance(right, tuple)
        ):
            return len(left) + len(right) <= MAX_ITEMS
    if isinstance(op, ast.Mult):
        if isinstance(left, int):
            left, right = right, left
        if isinstance(right, int) and isinstance(left, (str, bytes)):
            return len(left) * right <= MAX_TEXT
        if isinstance(right, int) and isinstance(left, (list, tuple)):
            return len(left) * right <= MAX_ITEMS
    return False


def _number_fits(op: ast.operator, left: Value, right: Value) -> bool:
    if not isinstance(left, int) or not isinstance(right, int):
        return True
    if isinstance(op, ast.Pow):
        return abs(right) <= MAX_BITS and left.bit_length() * max(right, 1) <= MAX_BITS
    if isinstance(op, ast.LShift):
        return 0 <= right <= MAX_BITS and left.bit_length() + right <= MAX_BITS
    if isinstance(op, ast.Mult):
        return left.bit_length() + right.bit_length() <= MAX_BITS
    return left.bit_length() <= MAX_BITS and right.bit_length() <= MAX_BITS


def _kind(op: ast.operator, left: Value, right: Value) -> str:  # noqa: PLR0911
    a, b = kind_of(left), kind_of(right)
    if isinstance(op, ast.Div):
        if "path" in (a, b):
            return "path"
        return "float" if {a, b} <= {"int", "float", "bool"} else ""
    if isinstance(op, ast.Add) and "str" in (a, b) and {a, b} <= {"str", ""}:
        return "str"
    if {a, b} <= {"int", "bool"} and not isinstance(op, ast.Pow):
        return "int"
    if "float" in (a, b) and {a, b} <= {"int", "float", "bool", ""}:
        return "float"
    if isinstance(op, (ast.Add, ast.Mult)) and "list" in (a, b):
        return "list"
    return ""


def _join_paths(op: ast.operator, left: Value, right: Value) -> Value:
    parts = [part.text if isinstance(part, PathValue) else part for part in (left, right)]
    if not isinstance(op, ast.Div) or not all(isinstance(part, str) for part in parts):
        return Unknown("path", reason_of(left) or reason_of(right))
    first, second = str(parts[0]), str(parts[1])
    if len(first) + len(second) >= MAX_TEXT:
        return Unknown("path")
    return PathValue(str(PurePosixPath(first, second)))


def _sets(op: ast.operator, left: SetValue, right: SetValue) -> Value:
    if isinstance(op, ast.BitOr):
        return SetValue({**left.items, **right.items})
    if isinstance(op, ast.BitAnd):
        return SetValue({item: None for item in left.items if item in right.items})
    kept: dict[Value, None] = {item: None for item in left.items if item not in right.items}
    if isinstance(op, ast.BitXor):
        kept.update({item: None for item in right.items if item not in left.items})
    return SetValue(kept)


def percent(pattern: str, values: Value) -> Value:
    """Format with ``%``."""
    parts = values if isinstance(values, tuple) else (values,)
    shown: Value = values
    if isinstance(values, dict):
        known = all(is_constant(part) for part in values.values())
    else:
        known = all(is_constant(part) or isinstance(part, PathValue) for part in parts)
        plain = tuple(part.text if isinstance(part, PathValue) else part for part in parts)
        shown = plain
    if not known or re.search(_LONG_PERCENT, pattern) or len(pattern) > MAX_TEXT:
        return Unknown("str", next((reason_of(part) for part in parts if reason_of(part)), ""))
    if _too_long(parts if not isinstance(values, dict) else tuple(values.values()), pattern):
        return Unknown("str")
    try:
        return pattern % shown
    except _FAILURES:
        return Unknown("str")


def _too_long(parts: tuple[Value, ...], pattern: str) -> bool:
    longest = max((len(part) for part in parts if isinstance(part, str)), default=8)
    return longest * (pattern.count("%") + pattern.count("{") + 1) + len(pattern) > MAX_TEXT


def template(pattern: str, positional: tuple[Value, ...], named: Mapping[str, Value]) -> Value:
    """Format with ``str.format``; fields with attributes or items are unknown."""
    parts = [*positional, *named.values()]
    if len(pattern) > MAX_TEXT or _too_long(tuple(parts), pattern):
        return Unknown("str")
    try:
        fields = list(string.Formatter().parse(pattern))
    except ValueError:
        return Unknown("str")
    pieces: list[str] = []
    automatic = 0
    for literal, name, spec, conversion in fields:
        pieces.append(literal)
        if name is None:
            continue
        if name == "":
            name, automatic = str(automatic), automatic + 1  # noqa: PLW2901
        value: Value = UNKNOWN
        if name.isdecimal() and len(name) < 4 and int(name) < len(positional):
            value = positional[int(name)]
        elif name in named:
            value = named[name]
        text = format_value(value, conversion or "", spec or "")
        if not isinstance(text, str):
            return text
        pieces.append(text)
    return "".join(pieces)


def format_value(value: Value, conversion: str, spec: str) -> Value:
    """Format one field of an f-string or of ``str.format``."""
    if isinstance(value, OneOf):
        return join_all([format_value(item, conversion, spec) for item in value.values])
    if isinstance(value, PathValue):
        value = value.text
    if isinstance(value, EnumMember) and not conversion:
        return Unknown("str")
    container = isinstance(value, (list, tuple, dict)) and concrete(value, 200)
    if not (is_constant(value) or container) or re.search(_LONG_NUMBER, spec) or "{" in spec:
        return Unknown("str", reason_of(value))
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        return Unknown("str")
    try:
        converted = _CONVERSIONS[conversion](value) if conversion in _CONVERSIONS else value
        text = format(converted, spec)
    except _FAILURES:
        return Unknown("str")
    return text if len(text) <= MAX_TEXT else Unknown("str")
