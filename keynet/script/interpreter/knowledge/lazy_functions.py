"""Built-in functions that return iterators, or take from them."""

from collections.abc import Mapping
from typing import Final

from keynet.script.interpreter.evaluation.iterators import delayed, later, next_of
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    Iterator,
    Unknown,
    Value,
    kind_of,
)

__all__ = ["LAZY_FUNCTIONS"]

_AS_LIST: Final = External("builtins.list")


def _enumerate(run: Machine, given: Arguments) -> Value:
    items = run.iterate(given.get("", 0))
    start = given.get("start", 1, 0)
    if items is None or not isinstance(start, int):
        return Unknown("list")
    return [(index, item) for index, item in enumerate(items, start)]


def _numbered(
    run: Machine, given: Arguments, count: int, values: list[Value]
) -> list[Value] | None:
    start = given.get("start", 1, 0)
    return [(start + count if isinstance(start, int) else Unknown("int"), values[0])]


def _zip(run: Machine, given: Arguments) -> Value:
    columns = [run.iterate(part) for part in given.positional]
    known = [column for column in columns if column is not None]
    if given.open or len(known) != len(columns):
        return Unknown("list")
    return list(zip(*known, strict=False))


def _reversed(run: Machine, given: Arguments) -> Value:
    items = run.iterate(given.get("", 0))
    listed = given.get("", 0)
    if items is None and isinstance(listed, list):
        # Of one that may have more, some items are known.
        made = run.fresh(listed[::-1])
        run.spoil(made)
        return made
    return Unknown("list") if items is None else run.fresh(items[::-1])


def _map(run: Machine, given: Arguments) -> Value:
    columns = [run.iterate(part) for part in given.positional[1:]]
    known = [column for column in columns if column is not None]
    if known and len(known) == len(columns):
        rows = zip(*known, strict=False)
        return [run.call(given.positional[0], Arguments(row)) for row in rows]
    if len(columns) != 1:
        return Unknown("list")
    with run.uncertain():
        made = run.call(given.positional[0], Arguments((Unknown("str"),)))
    return Unknown("list", of=kind_of(made))


def _mapped(run: Machine, given: Arguments, count: int, values: list[Value]) -> list[Value] | None:
    return [run.call(given.positional[0], Arguments(tuple(values)))]


def _filter(run: Machine, given: Arguments) -> Value:
    items = run.iterate(given.get("", 1))
    if items is None:
        return Unknown("list")
    kept = []
    test = given.positional[0]
    for item in items:
        known = run.truth(item if test is None else run.call(test, Arguments((item,))))
        if known is None:
            return Unknown("list")
        if known:
            kept.append(item)
    return kept


def _if_kept(run: Machine, given: Arguments, count: int, values: list[Value]) -> list[Value] | None:
    test, item = given.positional[0], values[0]
    known = run.truth(item if test is None else run.call(test, Arguments((item,))))
    return None if known is None else [item] if known else []


def _reduce(run: Machine, given: Arguments) -> Value:
    items = run.iterate(given.get("", 1))
    function, made = given.get("", 0), given.get("initial", 2)
    if items is None or given.open or (made is MISSING and not items):
        # What is handed on may be returned, changed or not.
        return run.call(UNKNOWN, given)
    left = list(items)
    if made is MISSING:
        made = left.pop(0)
    for item in left:
        made = run.call(function, Arguments((made, item), line=given.line, file=given.file))
    return made


def _next(run: Machine, given: Arguments) -> Value:
    iterated = given.get("", 0)
    if isinstance(iterated, Iterator):
        return next_of(run, iterated, given.get("", 1))
    return UNKNOWN


def _iter(run: Machine, given: Arguments) -> Value:
    if len(given.positional) != 1 or isinstance(given.positional[0], Iterator):
        return given.get("", 0) if len(given.positional) == 1 else UNKNOWN
    return later(run, lambda _partly: run.call(_AS_LIST, given), given)


LAZY_FUNCTIONS: Final[Mapping[str, Handler]] = {
    "builtins.enumerate": delayed(_enumerate, row=_numbered, columns=slice(1)),
    "builtins.filter": delayed(_filter, row=_if_kept, columns=slice(1, 2), calls=True),
    "builtins.iter": _iter,
    "builtins.map": delayed(_map, row=_mapped, columns=slice(1, None), calls=True),
    "builtins.next": _next,
    "builtins.reversed": delayed(_reversed),
    "functools.reduce": _reduce,
    "builtins.zip": delayed(_zip, row=lambda run, given, count, values: [tuple(values)]),
}
