"""Follow ``yield`` and ``await``: where a function waits for who uses what it makes."""

import ast
from collections.abc import Callable, Mapping
from typing import Final

from keynet.script.interpreter.definitions import Scope
from keynet.script.interpreter.evaluation.coroutines import awaited
from keynet.script.interpreter.evaluation.iterators import drive
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import UNKNOWN, Value

__all__ = ["SUSPENDING"]


def _await(run: Machine, node: ast.Await, scope: Scope) -> Value:
    return awaited(run, run.evaluate(node.value, scope))


def _yield(run: Machine, node: ast.Yield, scope: Scope) -> Value:
    value = None if node.value is None else run.evaluate(node.value, scope)
    _pass_on(run, scope, value)
    return UNKNOWN


def _yield_from(run: Machine, node: ast.YieldFrom, scope: Scope) -> Value:
    source, frame = run.evaluate(node.value, scope), scope.frame
    if frame.take is not None:
        drive(run, source, lambda item: _pass_on(run, scope, item))
        return UNKNOWN
    items = run.iterate(source)
    frame.unsure = frame.unsure or items is None
    _yielding(run, scope).extend([UNKNOWN] if items is None else items)
    if frame.partly:
        _may_stop(run, scope)
    return UNKNOWN


def _pass_on(run: Machine, scope: Scope, item: Value) -> bool:
    """Yield an item; report whether the generator may not be asked to go on."""
    frame = scope.frame
    if frame.take is None:
        _yielding(run, scope).append(item)
        stops = frame.partly
    else:
        stops = frame.take(item)
    if stops:
        _may_stop(run, scope)
    return stops


def _may_stop(run: Machine, scope: Scope) -> None:
    frame = scope.frame
    run.may_leave(frame.number)
    # What else it yields is not doubted for that.
    frame.time = run.time
    if frame.closed:
        frame.exits.append(dict(scope.names))


def _yielding(run: Machine, scope: Scope) -> list[Value]:
    """Return the list of what a call yields, marked where it may not yield here."""
    frame = scope.frame
    frame.unsure = frame.unsure or run.region != frame.region or run.doubtful_since(frame.time)
    return frame.yields


SUSPENDING: Final[Mapping[type[ast.expr], Callable[..., Value]]] = {
    ast.Await: _await,
    ast.Yield: _yield,
    ast.YieldFrom: _yield_from,
}
