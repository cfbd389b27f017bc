"""Iterators: their items are made when they are asked for, and each is taken once."""

import ast
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from functools import partial
from typing import Final, TypeAlias

from keynet.script.interpreter.branching.growing import each_item
from keynet.script.interpreter.definitions import Function
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    Iterator,
    Take,
    Unknown,
    Value,
)

__all__ = [
    "LAZY",
    "as_lists",
    "code_of",
    "content",
    "delayed",
    "drive",
    "later",
    "next_of",
]

# Stands for code of the script that is not known.
_SOME_CODE: Final = ast.Pass()
_LIST: Final = Unknown("list")
_STOPPED: Final = External("builtins.StopIteration")
# Functions that take items of their arguments when they are asked for items themselves.
LAZY: Final = frozenset(
    [
        *(f"builtins.{name}" for name in ("enumerate", "filter", "iter", "map", "next", "zip")),
        "builtins.reversed",
        "contextlib.exit_stack.enter_async_context",
        "contextlib.exit_stack.enter_context",
        "itertools.chain",
        "itertools.chain.from_iterable",
    ]
)
# Makes the items of one row; see ``delayed``.
Row: TypeAlias = Callable[[Machine, Arguments, int, list[Value]], list[Value] | None]
# These may leave the rest of what they are asked of.
_STOPPING: Final = frozenset(["builtins.all", "builtins.any"])


def later(
    run: Machine,
    make: Callable[[bool], Value],
    *holds: Value,
    code: ast.AST | None = None,
    drive: Callable[[Take], None] | None = None,
) -> Value:
    """Return an iterator.

    Args:
        make: Makes the items, as a list or an unknown one; its argument is set where the rest may
            not be made after any of them.
        holds: What it can reach.
        code: The statements or expressions of the script that make the items.
        drive: Passes on each item as soon as it is made.
    """
    return run.fresh(Iterator(make, holds, code, drive=drive))


def delayed(
    handler: Handler,
    *,
    row: Row | None = None,
    columns: slice = slice(None),
    calls: bool = False,
) -> Handler:
    """Return a handler whose result makes its items when they are asked for.

    Args:
        row: Makes those of one item of each column; its arguments are the run, those of the call
            and how many came before. None where they are unknown.
        columns: Which arguments those are.
        calls: Whether a function of the script makes them.
    """

    def handle(run: Machine, given: Arguments) -> Value:
        iterators = [id(part) for part in given.positional if isinstance(part, Iterator)]
        if len(set(iterators)) < len(iterators):
            # They take turns.
            return Unknown("list")
        function = given.get("", 0)
        code: ast.AST | None = function.node if calls and isinstance(function, Function) else None
        if calls and code is None and not isinstance(function, External):
            code = _SOME_CODE

        def make(partly: bool) -> Value:
            with run.uncertain() if partly else nullcontext():
                return handler(run, given)

        def rows(take: Take) -> None:
            if row is not None:
                _by_rows(run, given.positional[columns], partial(row, run, given), take)

        made_by = code_of(given.positional, code)
        driven = row is not None and not given.open
        driven = driven and _driving(given.positional[columns]) is not None
        return later(run, make, given, code=made_by, drive=rows if driven else None)

    return handle


def _driving(columns: tuple[Value, ...]) -> int | None:
    """Return the column that makes its items as they are asked for, None when there are several."""
    coded = [n for n, one in enumerate(columns) if isinstance(one, Iterator) and one.code]
    return None if len(coded) > 1 or not columns else (coded or [0])[0]


def _by_rows(
    run: Machine,
    columns: tuple[Value, ...],
    row: Callable[[int, list[Value]], list[Value] | None],
    take: Take,
) -> None:
    """Pass on what each row of some columns makes."""
    driving = _driving(columns) or 0
    listed = [() if n == driving else run.iterate(one) for n, one in enumerate(columns)]
    sure = None not in listed
    count = 0

    def each(item: Value) -> bool:
        nonlocal count
        values: list[Value] = []
        for number, column in enumerate(listed):
            if number == driving or column is None:
                values.append(item if number == driving else UNKNOWN)
            elif count < len(column):
                values.append(column[count])
            else:
                return True
        made = row(count, values)
        count += 1
        with nullcontext() if sure and made is not None else run.uncertain():
            # Each of them is passed on, whatever becomes of the others.
            return True in [take(one) for one in ([item] if made is None else made)]

    drive(run, columns[driving], each)


def drive(run: Machine, value: Value, take: Take) -> None:
    """Pass on each item of a value as soon as it is made; of unknown ones, any that may be."""
    stopped = False

    def taking(item: Value) -> bool:
        nonlocal stopped
        run.limits.spend(1)
        stops = take(item)
        stopped = stopped or stops
        return stops

    if isinstance(value, Iterator) and value.make is not None and value.drive is not None:
        follow, value.make, value.drive = value.drive, None, None
        value.rest = _LIST
        follow(taking)
        if not stopped and run.may_change(value):
            value.rest = []
        return
    items = run.iterate(value)
    for item in [MISSING] if items is None else each_item(run, value, items):
        if item is not MISSING:
            taking(item)
            continue
        with run.uncertain():
            taking(UNKNOWN)


def code_of(values: Iterable[Value], code: ast.AST | None) -> ast.AST | None:
    """Return code with that of the iterators among some values."""
    inner = [one.code for one in values if isinstance(one, Iterator) and one.code is not None]
    # Each once: iterators over iterators that share some would have twice as many at each level.
    every: dict[int, ast.AST] = {}
    for one in inner if code is None else [code, *inner]:
        every |= {id(part): part for part in (one.body if isinstance(one, ast.Module) else [one])}
    parts = list(every.values())
    return ast.Module(parts, []) if len(parts) > 1 else next(iter(parts), None)  # type: ignore[arg-type]


def content(run: Machine, iterator: Iterator, *, partly: bool = False) -> Value:
    """Return what is left: a list, or an unknown one.

    Args:
        partly: Whether some may stay, so that nothing is known of what comes after them.
    """
    made = _made(run, iterator, partly=partly)
    sure = not partly and run.may_change(iterator)
    iterator.rest = [] if sure or made == [] else _LIST
    return made


def _made(run: Machine, iterator: Iterator, *, partly: bool) -> Value:
    make, iterator.make = iterator.make, None
    if make is not None:
        iterator.rest = make(partly)
    return iterator.rest


def next_of(run: Machine, iterator: Iterator, default: Value) -> Value:
    """Return what ``next`` returns; ``default`` is MISSING where that would raise."""
    made = _made(run, iterator, partly=True)
    if not isinstance(made, list) or run.spoiled(made):
        iterator.rest = _LIST
        return UNKNOWN
    if not made:
        if default is MISSING:
            run.may_raise(_STOPPED)
            return UNKNOWN
        return default
    # What code of the script makes of the rest depends on what names are bound to by then.
    sure = iterator.code is None and run.may_change(iterator)
    iterator.rest = made[1:] if sure else _LIST
    return made[0]


def as_lists(run: Machine, given: Arguments, name: str = "") -> Arguments:
    """Return the arguments of a call that takes the items of each iterator."""
    if not _has_iterator(given):
        return given
    partly = name in _STOPPING

    def taken(value: Value) -> Value:
        return content(run, value, partly=partly) if isinstance(value, Iterator) else value

    return Arguments(
        tuple(map(taken, given.positional)),
        {key: taken(value) for key, value in given.keywords.items()},
        given.open,
        given.line,
        given.file,
    )


def _has_iterator(given: Arguments) -> bool:
    # Almost no call has one: a generator expression would take most of the time.
    for value in given.positional:
        if type(value) is Iterator:
            return True
    return bool(given.keywords) and any(type(v) is Iterator for v in given.keywords.values())
