"""Follow loops, iteration by iteration where their items are known."""

import ast
from collections.abc import Callable, Mapping
from typing import Final

from keynet.script.interpreter.branching.flow import (
    BREAK,
    CONTINUE,
    Signal,
    follow_branches,
    merged,
)
from keynet.script.interpreter.definitions import Scope
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.names import assign, stored_names, widen
from keynet.script.interpreter.values import UNKNOWN, OneOf, Value

__all__ = ["LOOPS"]

_MAX_TURNS: Final = 256
# Of a loop that may not run at all and declares no arguments.
_MAX_IDLE_TURNS: Final = 64


def _for(run: Machine, node: ast.For | ast.AsyncFor, scope: Scope) -> Signal:
    iterated = run.evaluate(node.iter, scope)
    if isinstance(iterated, OneOf):
        listed = [run.iterate(value) for value in iterated.values]
        branches = [_each(run, node, items, scope) for items in listed if items is not None]
        if len(branches) == len(listed):
            return follow_branches(run, branches, scope)
    items = run.iterate(iterated)
    if items is None:
        return _uncertain_loop(run, node, scope, node.target)
    return _each(run, node, items, scope)()


def _each(
    run: Machine, node: ast.For | ast.AsyncFor, items: list[Value], scope: Scope
) -> Callable[[], Signal]:
    def follow() -> Signal:
        declarations, stops = run.declarations, run.stops
        for turn, item in enumerate(items):
            run.limits.spend(1)
            if turn == _MAX_IDLE_TURNS and run.region and run.declarations == declarations:
                return _uncertain_loop(run, node, scope, node.target)
            assign(run, node.target, item, scope)
            signal = _turn(run, node.body, scope)
            if signal == BREAK:
                return None
            if signal is not None:
                return signal
        return _otherwise(run, node, scope, stops)

    return follow


def _otherwise(
    run: Machine, node: ast.For | ast.AsyncFor | ast.While, scope: Scope, stops: int
) -> Signal:
    """Follow the ``else`` of a loop, which a ``break`` on a condition may pass over."""
    if run.stops == stops or not node.orelse:
        return run.execute(node.orelse, scope)
    return follow_branches(run, [lambda: None, lambda: run.execute(node.orelse, scope)], scope)


def _turn(run: Machine, body: list[ast.stmt], scope: Scope) -> Signal:
    """Follow the body once; join the names at its uncertain breaks and continues."""
    outer, scope.frame.exits = scope.frame.exits, []
    doubts, stops, failures = run.doubts, run.stops, run.failures
    run.enter()
    try:
        signal = run.execute(body, scope)
    finally:
        run.leave()
    # What a ``continue`` passes over, the next turn reaches again.
    run.doubts = doubts + (run.stops != stops) + run.failures - failures
    exits, scope.frame.exits = scope.frame.exits, outer
    if exits:
        scope.names = merged(run, [scope.names, *exits])
    return None if signal == CONTINUE else signal


def _uncertain_loop(
    run: Machine,
    node: ast.For | ast.AsyncFor | ast.While,
    scope: Scope,
    target: ast.expr | None,
) -> Signal:
    stops = run.stops
    broken = False
    names = run.stored.get(node)
    if names is None:
        names = run.stored[node] = stored_names(node.body)
        run.limits.spend(4 * len(names))

    def once() -> Signal:
        nonlocal broken
        if target is not None:
            assign(run, target, UNKNOWN, scope)
        signal = _turn(run, node.body, scope)
        broken = signal == BREAK
        return None if broken else signal

    widen(run, names, scope)
    signal = follow_branches(run, [lambda: None, once], scope)
    if signal is not None or not node.orelse:
        return signal
    if broken:
        run.stops += 1
    return _otherwise(run, node, scope, stops)


def _while(run: Machine, node: ast.While, scope: Scope) -> Signal:
    stops = run.stops
    for _count in range(_MAX_TURNS):
        known = run.truth(run.evaluate(node.test, scope))
        if known is None:
            return _uncertain_loop(run, node, scope, None)
        if not known:
            return _otherwise(run, node, scope, stops)
        signal = _turn(run, node.body, scope)
        if signal == BREAK:
            return None
        if signal is not None:
            return signal
    run.limits.meet("turns")
    widen(run, stored_names(node.body), scope)
    return None


LOOPS: Final[Mapping[type[ast.stmt], Callable[..., Signal]]] = {
    ast.AsyncFor: _for,
    ast.For: _for,
    ast.While: _while,
}
