"""Exceptions that may be raised in a ``try`` that goes on with a handler.

From where something may raise, the rest of the ``try`` is uncertain, and a handler may begin.
"""

import builtins
from collections.abc import Callable

from keynet.script.interpreter.branching.flow import Signal, merged
from keynet.script.interpreter.definitions import Class, Scope
from keynet.script.interpreter.lineage import lineage, outside_bases
from keynet.script.interpreter.machine import Attempt, Machine
from keynet.script.interpreter.values import External, Value

__all__ = ["attempted", "caught_by", "from_failures", "may_raise"]


def may_raise(run: Machine, kind: Value = None) -> None:
    """Record that an exception may be raised here.

    Args:
        kind: Its class, None when that is unknown.
    """
    for attempt in reversed(run.tries):
        for handled, goes_on in attempt.handlers:
            caught = caught_by(handled, kind)
            if caught is False:
                continue
            if goes_on:
                attempt.states.append(run.parted_names(attempt.scope.names, attempt.frame))
                run.may_leave(attempt.frame)
                _leave_calls(run, attempt.frame)
                return
            if caught:
                return


def _leave_calls(run: Machine, frame: int) -> None:
    """Record the names of the calls that an exception ends, where a function reads them later."""
    for scope in reversed(run.scopes):
        if scope.frame.number < frame:
            return
        if scope.frame.closed:
            run.limits.spend(1 + len(scope.names) // 16)
            scope.frame.exits.append(dict(scope.names))


def attempted(
    run: Machine, scope: Scope, handlers: list[tuple[Value, bool]], body: Callable[[], Signal]
) -> tuple[Signal, list[dict[str, Value]]]:
    """Follow the body of a ``try``.

    Args:
        handlers: The class that each of them handles, and whether the script goes on after it.

    Returns:
        How it ended, and the names at each place where a handler may begin.
    """
    if not any(goes_on for _class, goes_on in handlers):
        return body(), []
    attempt = Attempt(scope, handlers, run.enter())
    run.tries.append(attempt)
    try:
        signal = body()
    finally:
        run.leave()
        run.tries.pop()
    return signal, attempt.states


def from_failures(
    run: Machine, scope: Scope, states: list[dict[str, Value]], follow: Callable[[], Signal]
) -> Callable[[], Signal]:
    """Return a branch that follows a handler from wherever something may have raised."""

    def branch() -> Signal:
        if states:
            scope.names = merged(run, [dict(states[0]), *states[1:]])
        return follow()

    return branch


def caught_by(handled: Value, kind: Value) -> bool | None:
    """Report whether a handler's class, or tuple of classes, catches an exception of a class."""
    if isinstance(handled, tuple):
        answers = [caught_by(one, kind) for one in handled]
        return True if True in answers else None if None in answers else False
    if handled is None:
        return True
    if isinstance(handled, Class) and isinstance(kind, Class):
        return handled in lineage(kind)
    if isinstance(handled, Class):
        return None if kind is None else False
    return _caught_by_outside(handled, kind)


def _caught_by_outside(handled: Value, kind: Value) -> bool | None:
    """Report whether a handler's class catches an exception if the project does not define it."""
    wanted = _builtin(handled)
    if isinstance(kind, Class):
        kinds = [_builtin(External(name)) for name in outside_bases(kind)]
    else:
        kinds = [_builtin(kind)]
    known = [one for one in kinds if one is not None]
    if wanted is not None and not known:
        # Of an exception that is not known only this is: it is none that ends a program.
        if wanted in (Exception, BaseException):
            return True
        return None if issubclass(wanted, Exception) else False
    if wanted is None or len(known) < len(kinds):
        return None
    return any(issubclass(one, wanted) for one in known)


def _builtin(value: Value) -> type[BaseException] | None:
    """Return the built-in exception that a value names, None for any other."""
    name = value.name if isinstance(value, External) else ""
    if not name.startswith("builtins."):
        return None
    found = getattr(builtins, name.removeprefix("builtins."), None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None
