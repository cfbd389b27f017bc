"""How statements end, and joining the names after several branches."""

from collections.abc import Callable
from typing import Final, TypeAlias

from keynet.script.interpreter.definitions import Scope
from keynet.script.interpreter.machine import Machine, PerhapsFinished
from keynet.script.interpreter.values import MISSING, Value, join

__all__ = ["BREAK", "CONTINUE", "RAISE", "RETURN", "Signal", "follow_branches", "merged"]

RETURN: Final = "return"
RAISE: Final = "raise"
BREAK: Final = "break"
CONTINUE: Final = "continue"

Signal: TypeAlias = str | None


def follow_branches(run: Machine, branches: list[Callable[[], Signal]], scope: Scope) -> Signal:
    """Follow each of several branches from the same state, then join their results."""
    before = scope.names
    falling: list[dict[str, Value]] = []
    signals: list[str] = []
    for branch in branches:
        scope.names = dict(before)
        run.limits.spend(len(before) // 16)
        with run.uncertain():
            try:
                signal = branch()
            except PerhapsFinished:
                # The rest of this branch does not matter; another may use another parser.
                signal = None
        if signal is None:
            falling.append(scope.names)
            continue
        signals.append(signal)
        if signal in (BREAK, CONTINUE):
            scope.frame.exits.append(scope.names)
    if not falling:
        return next((s for s in (CONTINUE, BREAK, RETURN, RAISE) if s in signals), None)
    scope.names = merged(run, falling)
    if any(signal != RAISE for signal in signals):
        run.doubts += 1
    if BREAK in signals or RETURN in signals:
        run.stops += 1
    return None


def merged(run: Machine, states: list[dict[str, Value]]) -> dict[str, Value]:
    """Return one state with the values that each name has in any of several states."""
    result, *others = states
    for other in others:
        run.limits.spend(len(other) // 16)
        for name, value in other.items():
            mine = result.get(name, MISSING)
            if mine is not value:
                result[name] = value if mine is MISSING else join(mine, value)
    return result
