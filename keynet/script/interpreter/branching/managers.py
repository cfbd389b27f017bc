"""Follow ``with`` statements: what enters, the body, and what a manager does after it."""

import ast
from collections.abc import Callable

from keynet.script.interpreter.branching.flow import (
    BREAK,
    CONTINUE,
    RAISE,
    RETURN,
    Signal,
)
from keynet.script.interpreter.branching.trying import follow_suppressed
from keynet.script.interpreter.definitions import Function, Instance, Scope
from keynet.script.interpreter.evaluation.coroutines import awaited, opens
from keynet.script.interpreter.evaluation.generators import is_coroutine, is_generator
from keynet.script.interpreter.evaluation.iterators import drive
from keynet.script.interpreter.knowledge.exit_stacks import STACK
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.names import assign
from keynet.script.interpreter.values import (
    UNKNOWN,
    Arguments,
    BoundMethod,
    External,
    Iterator,
    Unknown,
    Value,
    join,
    join_all,
)

__all__ = ["follow_with"]


def follow_with(run: Machine, node: ast.With | ast.AsyncWith, scope: Scope) -> Signal:
    """Follow a ``with`` statement."""
    return _managed(run, node, list(node.items), scope, suppressed=False)


def _managed(
    run: Machine,
    node: ast.With | ast.AsyncWith,
    items: list[ast.withitem],
    scope: Scope,
    *,
    suppressed: bool,
) -> Signal:
    """Enter the first of some managers, and follow the body inside the others."""
    if not items:
        return follow_suppressed(run, node, scope, every=suppressed)
    item, *rest = items
    manager = run.evaluate(item.context_expr, scope)
    waits = isinstance(node, ast.AsyncWith)
    leaving = "__aexit__" if waits else "__exit__"
    passing = suppressed or (isinstance(manager, Instance) and _passes_over(run, manager, leaving))

    def body(entered: Value) -> Signal:
        if item.optional_vars is not None:
            assign(run, item.optional_vars, entered, scope)
        return _managed(run, node, rest, scope, suppressed=passing)

    if isinstance(manager, Iterator) and manager.drive is not None:
        # That of a function with contextlib.contextmanager.
        return _around(run, manager, body, scope)
    if isinstance(manager, Instance):
        entered = _called(run, manager, "__aenter__" if waits else "__enter__", (), waits=waits)
        signal = body(entered)
        fails = signal == RAISE or run.tries or passing
        ending = (UNKNOWN,) * 3 if fails else (None,) * 3
        _called(run, manager, leaving, ending, waits=waits)
        return signal
    return _outside(run, manager, body)


def manages(run: Machine, decorator: Value, value: Value) -> bool:
    """Decorate a function with a context manager, around each of its calls."""
    if not isinstance(value, Function) or is_coroutine(run, value) or is_generator(run, value):
        return False
    if isinstance(decorator, Instance):
        called = run.attribute(decorator, "__call__")
        found = not isinstance(run.attribute(decorator, "__exit__"), Unknown)
        found = found and isinstance(called, Unknown)
    else:
        found = isinstance(decorator, Iterator) and decorator.drive is not None
    if found:
        value.managers = (decorator, *value.managers)
    return found


def inside(run: Machine, managers: tuple[Value, ...], follow: Callable[[], Value]) -> Value:
    """Follow a call inside the context managers that decorate a function."""
    if not managers:
        return follow()
    first, *rest = managers
    results: list[Value] = []

    def body(_entered: Value) -> Signal:
        results.append(inside(run, tuple(rest), follow))
        return None

    if isinstance(first, Iterator):
        # It is made anew for each call.
        made = Iterator(first.make, first.holds, first.code, drive=first.drive)
        time = run.time
        _around(run, made, body, None)
        return join(join_all(results), None) if run.time > time else join_all(results)
    if isinstance(first, Instance):
        _called(run, first, "__enter__", (), waits=False)
        body(UNKNOWN)
        _called(run, first, "__exit__", (UNKNOWN,) * 3, waits=False)
        if _passes_over(run, first, "__exit__"):
            results.append(None)
    return join_all(results)


def _outside(run: Machine, manager: Value, body: Callable[[Value], Signal]) -> Signal:
    """Follow a body inside a manager that the project does not define."""
    outer, run.exits = run.exits, []
    try:
        stacked = manager == STACK or (isinstance(manager, External) and opens(manager))
        signal = body(manager if stacked else UNKNOWN)
        for leave in reversed(run.exits):
            leave()
        if stacked:
            awaited(run, UNKNOWN)
    finally:
        run.exits = outer
    return signal


def _passes_over(run: Machine, manager: Instance, name: str) -> bool:
    """Report whether the end of a manager may return what passes over an exception."""
    method = run.attribute(manager, name)
    function = method.function if isinstance(method, BoundMethod) else method
    return isinstance(function, Function) and any(
        isinstance(node, ast.Return)
        and not (node.value is None or getattr(node.value, "value", True) in (None, False))
        for node in ast.walk(function.node)
    )


def _called(
    run: Machine, manager: Instance, name: str, given: tuple[Value, ...], *, waits: bool
) -> Value:
    method = run.attribute(manager, name)
    if isinstance(method, Unknown):
        return UNKNOWN
    result = run.call(method, Arguments(given))
    return awaited(run, result) if waits else result


def _around(
    run: Machine, manager: Iterator, body: Callable[[Value], Signal], scope: Scope | None
) -> Signal:
    """Follow a body where a generator yields, which then goes on."""
    region, outer, began = run.region, len(run.frames), run.time
    signals: list[Signal] = []
    passed: list[Value] = []
    swallowed = False
    again = manager.make

    def take(entered: Value) -> bool:
        nonlocal swallowed
        if signals or run.region != region or run.left_since(began, outer):
            # Which of several places yields is not known.
            passed.append(entered)
            return True
        time, before = run.time, {} if scope is None else dict(scope.names)
        signals.append(body(entered))
        if signals[0] == RAISE:
            run.may_raise(run.raised)
        swallowed = run.left_since(time, outer)
        if swallowed and scope is not None:
            _doubt_changes(run, before, scope)
        return signals[0] == RAISE or swallowed or run.outer_left_since(time, outer)

    drive(run, manager, take)
    if not signals:
        signals.append(body(join_all(passed) if passed else UNKNOWN))
        if again is not None:
            # What follows the place that yields may bind names and attributes once more.
            with run.uncertain():
                again(True)
    return _after(run, signals[0], scope) if swallowed and scope is not None else signals[0]


def _doubt_changes(run: Machine, before: dict[str, Value], scope: Scope) -> None:
    """Doubt the names of a body that an exception may have ended, and the manager caught."""
    run.limits.spend(1 + len(scope.names) // 16)
    for name, value in scope.names.items():
        if before.get(name) is not value:
            scope.names[name] = join(value, UNKNOWN)


def _after(run: Machine, signal: Signal, scope: Scope) -> Signal:
    """Record how a body may end that may also have ended before."""
    frame = scope.frame
    if signal == CONTINUE:
        frame.continues.append(run.parted_names(scope.names, frame.turn))
        run.may_leave(frame.turn)
    elif signal == BREAK:
        frame.breaks.append(run.parted_names(scope.names, frame.loop))
        run.may_leave(frame.loop)
    elif signal == RETURN:
        run.may_leave(frame.number)
    return None
