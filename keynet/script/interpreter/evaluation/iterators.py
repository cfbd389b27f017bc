"""Iterators: their items are made when they are asked for, and each is taken once."""

import ast
import bisect
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Final

from keynet.script.interpreter.definitions import Function, Scope
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.names import stored_names
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Arguments,
    External,
    Iterator,
    Unknown,
    Value,
    join,
)

__all__ = [
    "LAZY",
    "as_lists",
    "code_of",
    "content",
    "delayed",
    "is_generator",
    "later",
    "next_of",
    "resumed",
    "turns_of",
]

# Stands for code of the script that is not known.
_SOME_CODE: Final = ast.Pass()
_LIST: Final = Unknown("list")
_YIELDING: Final = (ast.Yield, ast.YieldFrom)
_OWN_BODY: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_STOPPED: Final = External("builtins.StopIteration")
# Functions that take items of their arguments when they are asked for items themselves.
LAZY: Final = frozenset(
    [
        *(f"builtins.{name}" for name in ("enumerate", "filter", "iter", "map", "next", "zip")),
        "builtins.reversed",
        "itertools.chain",
        "itertools.chain.from_iterable",
    ]
)
# These may leave the rest of what they are asked of.
_STOPPING: Final = frozenset(["builtins.all", "builtins.any"])


def later(
    run: Machine,
    make: Callable[[bool], Value],
    *holds: Value,
    code: ast.AST | None = None,
) -> Value:
    """Return an iterator.

    Args:
        make: Makes the items, as a list or an unknown one; its argument is set where the rest may
            not be made after any of them.
        holds: What it can reach.
        code: The statements or expressions of the script that make the items.
    """
    return run.fresh(Iterator(make, holds, code))


def delayed(handler: Handler, *, calls: bool = False) -> Handler:
    """Return a handler whose result makes its items when they are asked for.

    Args:
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

        return later(run, make, given, code=code_of(given.positional, code))

    return handle


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


def turns_of(run: Machine, iterator: Iterator, node: ast.For | ast.AsyncFor, scope: Scope) -> Value:
    """Return what a loop goes through: a list, or an unknown one.

    The code that makes an item is followed before the first turn, and not between the turns: the
    names that a turn binds are unknown to it.
    """
    leaves = _leaves(node)
    if iterator.code is None or iterator.make is None:
        return content(run, iterator, partly=leaves)
    changed = stored_names(node.body) & _loaded(iterator.code)
    saved: list[tuple[Scope, str, Value, Value]] = []
    for name in changed:
        target = scope.bound_in.get(name, scope)
        if name in target.names:
            value = target.names[name]
            target.names[name] = unsure = join(value, UNKNOWN)
            saved.append((target, name, value, unsure))
    made = _made(run, iterator, partly=True)
    for target, name, value, unsure in saved:
        if target.names.get(name) is unsure:
            target.names[name] = value
    iterator.rest = [] if not leaves and run.may_change(iterator) else _LIST
    return made


def resumed(run: Machine, iterator: Iterator) -> None:
    """Follow what a generator does between and after the turns, or after the body of a ``with``.

    That was followed before them: a name that it binds outside of it may be bound by either.
    """
    function = next(iter(iterator.holds), None)
    if not isinstance(function, Function) or iterator.code is not function.node:
        return
    for node in ast.walk(function.node):
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            run.limits.spend(1)
            for name in node.names:
                scope = _binding(name, function.scope, everywhere=isinstance(node, ast.Global))
                if scope is not None:
                    scope.names[name] = join(scope.names[name], UNKNOWN)


def _binding(name: str, scope: Scope, *, everywhere: bool) -> Scope | None:
    """Return the scope in which a global or nonlocal name is bound."""
    inner: Scope | None = scope
    while inner is not None:
        if name in inner.names and inner.kind != "class" and not (everywhere and inner.parent):
            return inner
        inner = inner.parent
    return None


def _loaded(code: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(code) if isinstance(node, ast.Name)}


def _leaves(node: ast.For | ast.AsyncFor) -> bool:
    """Report whether a turn may leave the loop."""
    leaving = (ast.Break, ast.Return, ast.Raise)
    return any(isinstance(one, leaving) for statement in node.body for one in ast.walk(statement))


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


def is_generator(run: Machine, function: Function) -> bool:
    """Report whether a call of a function returns a generator."""
    node = function.node
    known = run.generators.get(node)
    if known is None:
        module = function.scope.module
        lines = run.yields.get(id(module))
        if lines is None:
            lines = run.yields[id(module)] = _lines_with_yield(module.text)
            run.limits.spend(len(module.text) // 1024)
        at = bisect.bisect_left(lines, node.lineno)
        known = at < len(lines) and lines[at] <= (node.end_lineno or node.lineno)
        if known:
            body = [node.body] if isinstance(node, ast.Lambda) else node.body
            known = any(map(_yields, body))
        run.generators[node] = known
    return known


def _lines_with_yield(text: str) -> list[int]:
    """Return the lines of a module that have the word; few modules have any."""
    at = text.find("yield")
    if at >= 0 and "\r" in text:
        # As the parser of Python counts lines.
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        at = text.find("yield")
    lines: list[int] = []
    line, before = 1, 0
    while at >= 0:
        line, before = line + text.count("\n", before, at), at
        lines.append(line)
        at = text.find("yield", at + 1)
    return lines


def _yields(node: ast.AST) -> bool:
    if isinstance(node, _YIELDING):
        return True
    if isinstance(node, _OWN_BODY):
        return False
    return any(map(_yields, ast.iter_child_nodes(node)))
