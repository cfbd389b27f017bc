"""Built-in functions applied to known values."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Final

from keynet.script.interpreter.definitions import EnumMember, Function, Instance
from keynet.script.interpreter.evaluation import attributes, methods, operations
from keynet.script.interpreter.evaluation.items import starts_here
from keynet.script.interpreter.evaluation.operations import MAX_ITEMS, concrete
from keynet.script.interpreter.knowledge.introspection import INTROSPECTION
from keynet.script.interpreter.knowledge.lazy_functions import LAZY_FUNCTIONS
from keynet.script.interpreter.lineage import class_member, outside_bases
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.names import doubt
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    BoundMethod,
    External,
    Leftover,
    OneOf,
    PathValue,
    SetValue,
    Unknown,
    Value,
    is_constant,
    join_all,
    kind_of,
    merge_kinds,
    reason_of,
)

__all__ = ["BUILTINS"]

_VALUE_ERROR: Final = External("builtins.ValueError")
_FAILURES: Final = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)


def _whole(run: Machine, given: Arguments, position: int = 0) -> list[Value] | None:
    value = given.get("", position)
    return None if value is MISSING else run.iterate(value)


def _list(run: Machine, given: Arguments) -> Value:
    if not given.positional:
        return run.fresh([])
    items = _whole(run, given)
    return _unknown_list(given) if items is None else run.fresh(items)


def _unknown_list(given: Arguments) -> Unknown:
    value = given.get("", 0)
    if isinstance(value, Leftover):
        return value
    return Unknown("list", of=value.of if isinstance(value, Unknown) else "")


def _tuple(run: Machine, given: Arguments) -> Value:
    if not given.positional:
        return ()
    items = _whole(run, given)
    return _unknown_list(given) if items is None else tuple(items)


def _set(run: Machine, given: Arguments) -> Value:
    items = _whole(run, given) if given.positional else []
    if items is None or not all(is_constant(item) for item in items):
        return Unknown("list")
    return run.fresh(SetValue(dict.fromkeys(items)))


def _dict(run: Machine, given: Arguments) -> Value:
    result: dict[Value, Value] = {}
    run.fresh(result)
    if given.positional:
        run.call(methods.method(result, "update"), Arguments(given.positional[:1]))
    if given.open:
        doubt(run, result)
    result.update(given.keywords)
    return result


def _convert(kind: type, name: str) -> Callable[[Machine, Arguments], Value]:
    def convert(run: Machine, given: Arguments) -> Value:  # noqa: PLR0911
        if not given.positional:
            return kind() if not given.open else Unknown(name)
        value = given.positional[0]
        if isinstance(value, OneOf):
            rest = given.positional[1:]
            return join_all([convert(run, Arguments((item, *rest))) for item in value.values])
        if kind is bool:
            known = run.truth(value)
            return Unknown("bool", reason_of(value)) if known is None else known
        if isinstance(value, PathValue) and kind is str:
            return value.text
        if given.keywords.keys() - {"base"} or (isinstance(value, bytes) and kind is str):
            return Unknown(name)
        if isinstance(value, EnumMember) and kind is str:
            return _text_of_member(run, value)
        options = [*given.positional[1:], *given.keywords.values()]
        if not is_constant(value) or not all(is_constant(item) for item in options):
            if kind is not str and kind_of(value) not in ("int", "float", "bool"):
                run.may_raise(_VALUE_ERROR)
            return Unknown(name, reason_of(value))
        if isinstance(value, int) and value.bit_length() > operations.MAX_BITS:
            return Unknown(name)
        if isinstance(value, (str, bytes)) and kind is not str and len(value) > 1_000:
            return Unknown(name)
        try:
            return kind(value, *options)
        except _FAILURES:
            run.may_raise(_VALUE_ERROR)
            return Unknown(name)

    return convert


def _text_of_member(run: Machine, member: EnumMember) -> Value:
    own = class_member(member.cls, "__str__")
    if own is not MISSING:
        return run.call(BoundMethod(own, member), Arguments())
    if "enum.StrEnum" in outside_bases(member.cls):
        return member.value
    return f"{member.cls.name}.{member.name}"


def _length(run: Machine, given: Arguments) -> Value:
    value = given.get("obj", 0)
    if isinstance(value, (str, bytes)) and not starts_here(value):
        return len(value)
    if isinstance(value, Instance) and value.cls is not None:
        own = class_member(value.cls, "__len__")
        if own is not MISSING:
            return run.call(attributes.bound(run, own, value, value.cls), Arguments())
    items = run.iterate(value)
    return Unknown("int", reason_of(value)) if items is None else len(items)


def _range(run: Machine, given: Arguments) -> Value:
    bounds = [part for part in given.positional if isinstance(part, int)]
    if given.open or len(bounds) != len(given.positional) or not 1 <= len(bounds) <= 3:
        return Unknown("list")
    try:
        numbers = range(*bounds)
        if len(numbers) > MAX_ITEMS:
            return Unknown("list")
    except (ValueError, OverflowError):
        return Unknown("list")
    run.limits.spend(len(numbers))
    return tuple(numbers)


def _sorted(run: Machine, given: Arguments) -> Value:
    items = _whole(run, given)
    if items is None or len(items) > MAX_ITEMS:
        return Unknown("list")
    key = given.keywords.get("key")
    keys = (
        _first_parts(items)
        if key is None
        else [run.call(key, Arguments((item,))) for item in items]
    )
    if not concrete(keys) or any(isinstance(part, (dict, SetValue)) for part in keys):
        return Unknown("list")
    backwards = run.truth(given.keywords.get("reverse", False))
    run.limits.spend(len(items) * 4)
    try:
        order = sorted(range(len(items)), key=lambda i: keys[i], reverse=bool(backwards))  # type: ignore[arg-type,return-value]
    except TypeError:
        return Unknown("list")
    return Unknown("list") if backwards is None else run.fresh([items[i] for i in order])


def _first_parts(items: list[Value]) -> list[Value]:
    """Return what orders items: of pairs whose first parts all differ, nothing else is compared."""
    parts = [item[0] for item in items if isinstance(item, tuple) and item]
    texts = [part for part in parts if isinstance(part, str)]
    return parts if len(set(texts)) == len(items) else items


def _fold(function: Callable[..., object], kind: str) -> Callable[[Machine, Arguments], Value]:
    """Return a handler that applies ``min``, ``max``, ``any``, … to constants."""

    def fold(run: Machine, given: Arguments) -> Value:
        values: list[Value] = []
        why = ""
        _call_key(run, given)
        for part in given.positional:
            items = run.iterate(part) if isinstance(part, (list, tuple, dict, SetValue)) else [part]
            values.append(Unknown("list") if items is None else items if items != [part] else part)
            why = why or reason_of(part)
        every = [*values, *given.keywords.values()]
        if given.open or not all(concrete(value) for value in every):
            return Unknown(kind or merge_kinds([kind_of(value) for value in values]), why)
        if any(isinstance(v, int) and v.bit_length() > operations.MAX_BITS for v in values):
            return UNKNOWN
        try:
            result = function(*values, **given.keywords)
        except _FAILURES:
            return UNKNOWN
        return result if concrete(result) else UNKNOWN

    return fold


def _call_key(run: Machine, given: Arguments) -> None:
    """Follow ``key`` of ``min`` and ``max`` for what it changes; its results are not compared."""
    key = given.keywords.get("key")
    if key is not None:
        items = run.iterate(given.positional[0]) if len(given.positional) == 1 else None
        with nullcontext() if items is not None else run.uncertain():
            for item in (UNKNOWN,) if items is None else items:
                run.call(key, Arguments((item,)))


def _round(run: Machine, given: Arguments) -> Value:
    digits = given.get("ndigits", 1, 0)
    if not isinstance(digits, int) or abs(digits) > 100:
        return UNKNOWN
    return _fold(round, "")(run, given)


def _sum(run: Machine, given: Arguments) -> Value:
    items = _whole(run, given)
    start = given.get("start", 1, 0)
    if items is None or not all(isinstance(item, (int, float)) for item in [*items, start]):
        if start == [] and items and all(isinstance(item, (list, tuple)) for item in items):
            total = [part for item in items for part in (run.iterate(item) or ())]
            return total if len(total) <= MAX_ITEMS else Unknown("list")
        return UNKNOWN
    return sum(item for item in [start, *items] if isinstance(item, (int, float)))


def _nothing(run: Machine, given: Arguments) -> Value:
    run.call_later(
        value for value in given.positional if isinstance(value, (Function, BoundMethod))
    )
    return None


def _represent(run: Machine, given: Arguments) -> Value:
    return operations.format_value(given.get("", 0), "r", "")


def _import(run: Machine, given: Arguments) -> Value:
    name = given.get("name", 0)
    if isinstance(name, str):
        return run.import_name(name)
    run.unseen_imports = True
    return UNKNOWN


_OWN: Final[Mapping[str, Handler]] = {
    f"builtins.{name}": handler
    for name, handler in {
        "__import__": _import,
        "abs": _fold(abs, ""),
        "all": _fold(all, "bool"),
        "any": _fold(any, "bool"),
        "bool": _convert(bool, "bool"),
        "chr": _fold(chr, "str"),
        "dict": _dict,
        "divmod": _fold(divmod, "list"),
        "float": _convert(float, "float"),
        "frozenset": _set,
        "int": _convert(int, "int"),
        "len": _length,
        "list": _list,
        "max": _fold(max, ""),
        "min": _fold(min, ""),
        "ord": _fold(ord, "int"),
        "print": _nothing,
        "range": _range,
        "repr": _represent,
        "round": _round,
        "set": _set,
        "sorted": _sorted,
        "str": _convert(str, "str"),
        "sum": _sum,
        "tuple": _tuple,
    }.items()
}
BUILTINS: Final[Mapping[str, Handler]] = {**_OWN, **INTROSPECTION, **LAZY_FUNCTIONS}
