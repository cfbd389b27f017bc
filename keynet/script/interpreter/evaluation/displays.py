"""Evaluate lists, tuples, sets and dicts, as literals and as comprehensions."""

import ast
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Final

from keynet.script.interpreter.branching.growing import each_item
from keynet.script.interpreter.definitions import Scope, content_of
from keynet.script.interpreter.evaluation import operations
from keynet.script.interpreter.evaluation.iterators import code_of, drive, later
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.names import assign, doubt, is_key
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Iterator,
    Leftover,
    SetValue,
    Take,
    Unknown,
    Value,
    kind_of,
)

__all__ = ["DISPLAYS"]


def _items(run: Machine, nodes: list[ast.expr], scope: Scope) -> list[Value] | Unknown:
    values: list[Value] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            spread = run.evaluate(node.value, scope)
            more = run.iterate(spread)
            if more is None:
                return spread if isinstance(spread, Leftover) else Unknown("list")
            values.extend(more)
        else:
            values.append(run.evaluate(node, scope))
    return values if len(values) <= operations.MAX_ITEMS else Unknown("list")


def _list(run: Machine, node: ast.List, scope: Scope) -> Value:
    values = _items(run, node.elts, scope)
    return values if isinstance(values, Unknown) else run.fresh(values)


def _tuple(run: Machine, node: ast.Tuple, scope: Scope) -> Value:
    values = _items(run, node.elts, scope)
    return values if isinstance(values, Unknown) else tuple(values)


def _set(run: Machine, node: ast.Set, scope: Scope) -> Value:
    values = _items(run, node.elts, scope)
    if isinstance(values, Unknown) or not all(is_key(value) for value in values):
        return Unknown("list")
    return run.fresh(SetValue(dict.fromkeys(values)))


def _dict(run: Machine, node: ast.Dict, scope: Scope) -> Value:
    result: dict[Value, Value] = {}
    whole = True
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = run.evaluate(value_node, scope)
        if key_node is None:
            value = content_of(value)
            if isinstance(value, dict):
                run.limits.spend(len(value))
                if run.spoiled(value):
                    doubt(run, result)
                    whole = False
                result.update(value)
            else:
                doubt(run, result)
                whole = False
            continue
        key = run.evaluate(key_node, scope)
        if is_key(key):
            result[key] = value
        else:
            whole = False
    run.fresh(result)
    if not whole:
        run.spoil(result)
    return result


def _generator(run: Machine, node: ast.GeneratorExp, scope: Scope) -> Value:
    """Return the iterator of a generator expression; Python evaluates its first iterable now."""
    first = run.evaluate(node.generators[0].iter, scope)

    def make(partly: bool) -> Value:
        with run.uncertain() if partly else nullcontext():
            return _comprehension(run, node, scope, first)

    def drive_items(take: Take) -> None:
        def collect(inner: Scope) -> None:
            take(run.evaluate(node.elt, inner))

        if not _each(run, node.generators, scope, collect, first):
            with run.uncertain():
                take(UNKNOWN)

    return later(run, make, first, code=code_of([first], node), drive=drive_items)


def _comprehension(
    run: Machine,
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp,
    scope: Scope,
    first: Value = MISSING,
) -> Value:
    if first is MISSING:
        first = run.evaluate(node.generators[0].iter, scope)
    values: list[Value] = []

    def collect(inner: Scope) -> None:
        values.append(run.evaluate(node.elt, inner))

    if not _each(run, node.generators, scope, collect, first):
        if isinstance(first, Leftover):
            return first
        return Unknown("list", of=_element_kind(run, node, scope))
    if isinstance(node, ast.SetComp):
        if not all(is_key(value) for value in values):
            return Unknown("list")
        return run.fresh(SetValue(dict.fromkeys(values)))
    return run.fresh(values)


def _element_kind(
    run: Machine, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope
) -> str:
    """Return the kind of the elements when the items are unknown strings."""
    inner = Scope(scope.module, scope, {}, "comprehension", scope.frame)
    for generator in node.generators:
        assign(run, generator.target, Unknown("str"), inner)
    with run.uncertain():
        return kind_of(run.evaluate(node.elt, inner))


def _dict_comprehension(run: Machine, node: ast.DictComp, scope: Scope) -> Value:
    result: dict[Value, Value] = {}
    whole = [True]

    def collect(inner: Scope) -> None:
        key = run.evaluate(node.key, inner)
        value = run.evaluate(node.value, inner)
        if is_key(key):
            result[key] = value
        else:
            whole[0] = False

    known = _each(run, node.generators, scope, collect)
    run.fresh(result)
    if not known or not whole[0]:
        run.spoil(result)
    return result


def _each(
    run: Machine,
    generators: list[ast.comprehension],
    scope: Scope,
    collect: Callable[[Scope], None],
    source: Value = MISSING,
) -> bool:
    """Run the loops of a comprehension; return False when some items are unknown."""
    if not generators:
        collect(scope)
        return True
    first, *rest = generators
    if source is MISSING:
        source = run.evaluate(first.iter, scope)
    inner = Scope(scope.module, scope, {}, "comprehension", scope.frame)

    def turn(item: Value) -> bool:
        assign(run, first.target, item, inner)
        kept: bool | None = True
        for test in first.ifs:
            kept = run.truth(run.evaluate(test, inner))
            if not kept:
                break
        if kept is None:
            return False
        return _each(run, rest, inner, collect) if kept else True

    if isinstance(source, Iterator) and source.drive is not None:
        return _all_driven(run, source, turn)
    items = run.iterate(source)
    if items is None:
        return False
    for item in each_item(run, source, items):
        run.limits.spend(1)
        if item is MISSING or not turn(item):
            return False
    return True


def _all_driven(run: Machine, source: Iterator, turn: Callable[[Value], bool]) -> bool:
    """Take each item as soon as it is made; return False where some are unknown."""
    whole, region, since, outer = True, run.region, run.time, len(run.frames)

    def take(item: Value) -> bool:
        nonlocal whole
        sure = run.region == region and not run.left_since(since, outer)
        whole = turn(item) and sure and whole
        return False

    drive(run, source, take)
    return whole


DISPLAYS: Final[Mapping[type[ast.expr], Callable[..., Value]]] = {
    ast.Dict: _dict,
    ast.DictComp: _dict_comprehension,
    ast.GeneratorExp: _generator,
    ast.List: _list,
    ast.ListComp: _comprehension,
    ast.Set: _set,
    ast.SetComp: _comprehension,
    ast.Tuple: _tuple,
}
