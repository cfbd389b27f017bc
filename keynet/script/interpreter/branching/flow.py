"""How statements end, and joining the names after several branches."""

from collections.abc import Callable
from typing import Final, TypeAlias

from keynet.script.interpreter.definitions import Scope
from keynet.script.interpreter.machine import Machine, PerhapsFinished
from keynet.script.interpreter.names import look_up
from keynet.script.interpreter.values import MISSING, UNKNOWN, Value, join

__all__ = ["BREAK", "CONTINUE", "RAISE", "RETURN", "Signal", "follow_branches", "merged", "settle"]

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
    regions: list[int] = []
    raising: list[tuple[dict[str, Value], Value]] = []
    for branch in branches:
        scope.names = dict(before)
        run.limits.spend(len(before) // 16)
        with run.uncertain():
            try:
                signal = branch()
            except PerhapsFinished:
                # The rest of this branch does not matter; another may use another parser.
                signal = None
            if signal != RAISE:
                regions.append(run.region)
            else:
                raising.append((scope.names, run.raised))
        if signal is None:
            falling.append(scope.names)
            continue
        signals.append(signal)
        if signal == CONTINUE:
            scope.frame.continues.append(run.parted_names(scope.names, scope.frame.turn))
        elif signal == BREAK:
            scope.frame.breaks.append(run.parted_names(scope.names, scope.frame.loop))
    settle(run, regions)
    _raise(run, raising, scope, every=len(raising) == len(branches))
    return _joined(run, falling, signals, scope)


def _raise(
    run: Machine, raising: list[tuple[dict[str, Value], Value]], scope: Scope, *, every: bool
) -> None:
    """Record what branches raise: for certain where every one of them does."""
    if every:
        same = all(kind == raising[0][1] for _names, kind in raising)
        run.raised = run.raised if same else None
    elif run.tries:
        for names, kind in raising:
            scope.names = names
            run.may_raise(kind)


def _joined(
    run: Machine, falling: list[dict[str, Value]], signals: list[str], scope: Scope
) -> Signal:
    """Join the names after branches; return how they end where none of them falls through."""
    frame = scope.frame
    ending: Signal = None
    if falling:
        if scope.kind == "class":
            _see_through(run, falling, scope)
        scope.names = merged(run, falling)
    else:
        ending = next((s for s in (CONTINUE, BREAK, RETURN, RAISE) if s in signals), None)
    if ending in (CONTINUE, BREAK):
        scope.names = (frame.continues if ending == CONTINUE else frame.breaks).pop()
    for signal, left in ((CONTINUE, frame.turn), (BREAK, frame.loop), (RETURN, frame.number)):
        if signal in signals and signal != ending:
            run.may_leave(left)
    return ending


def _see_through(run: Machine, states: list[dict[str, Value]], scope: Scope) -> None:
    """Bind what only some branches of a class body bind to what the others see under that name."""
    names = set().union(*states)
    run.limits.spend(len(names) // 16)
    for state in states:
        for name in names - state.keys():
            state[name] = UNKNOWN if scope.parent is None else look_up(run, name, scope.parent)


def settle(run: Machine, regions: list[int]) -> None:
    """Take what each of several branches declares as declared by what surrounds them.

    Args:
        regions: Those of the branches after which the script goes on; one of them is followed.
    """
    if not run.added:
        return
    added = [run.added.pop(region, {}) for region in regions]
    for key, parser in added[0].items() if added else ():
        if all(key in one for one in added):
            run.limits.spend(1)
            parser.settle(run, key[1])


def merged(run: Machine, states: list[dict[str, Value]]) -> dict[str, Value]:
    """Return one state with the values that each name has in any of several states."""
    result, *others = states
    for other in others:
        run.limits.spend(len(other) // 16)
        for name, value in other.items():
            mine = result.get(name, MISSING)
            if mine is MISSING:
                result[name] = value
            elif mine is not value and not run.unchanged(mine, value):
                result[name] = join(mine, value)
    return result
