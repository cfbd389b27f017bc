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
from keynet.script.interpreter.branching.growing import Watched, each_item
from keynet.script.interpreter.branching.widening import stored_names, widen
from keynet.script.interpreter.definitions import Scope
from keynet.script.interpreter.evaluation.items import iterator_of
from keynet.script.interpreter.evaluation.iterators import content, drive
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.names import assign
from keynet.script.interpreter.values import (
    MISSING,
    UNKNOWN,
    Iterator,
    OneOf,
    Unknown,
    Value,
    join,
    join_all,
)

__all__ = ["LOOPS"]

_MAX_TURNS: Final = 256
# Of ``while True`` that declares no arguments: within loops and calls, they add up.
_MAX_ENDLESS_TURNS: Final = 32
# Of a loop that may not run at all and declares no arguments.
_MAX_IDLE_TURNS: Final = 64


def _for(run: Machine, node: ast.For | ast.AsyncFor, scope: Scope) -> Signal:
    iterated = iterator_of(run, run.evaluate(node.iter, scope))
    if not isinstance(iterated, Iterator):
        return _over(run, node, iterated, scope)
    if iterated.code is None or iterated.make is None:
        watched = Watched(run, iterated)
        items = content(run, iterated, partly=_leaves(node))
        signal = _over(run, node, items, scope, watched)
        if signal is None and watched.changed():
            # Its items were those of before the turns.
            return _left_by_breaks(run, node, scope, lambda: _unknown_turns(run, node, scope))
        return signal
    if iterated.drive is not None:
        return _left_by_breaks(run, node, scope, lambda: _driven(run, node, iterated, scope))
    # What makes the items is followed before the turns, and they may change what it reads.
    again = iterated.make
    with run.uncertain():
        content(run, iterated, partly=True)
    signal = _over(run, node, Unknown("list"), scope)
    with run.uncertain():
        again(True)
    return signal


def _driven(run: Machine, node: ast.For | ast.AsyncFor, source: Iterator, scope: Scope) -> Signal:
    """Follow a turn wherever code of the script makes an item."""
    ended: list[str] = []
    region, outer, since = run.region, len(run.frames), run.time
    tries = list(run.tries)

    def take(item: Value) -> bool:
        nonlocal since
        if ended:
            return True
        time, inner = run.time, run.tries
        # What a turn raises does not pass through the generator.
        run.tries = tries
        try:
            if run.region == region and not run.left_since(since, outer):
                assign(run, node.target, item, scope)
                signal = _turn(run, node.body, scope)
            else:
                signal = _unknown_turns(run, node, scope, item)
        finally:
            run.tries = inner
        if signal is not None:
            ended.append(signal)
        stops = bool(ended) or run.outer_left_since(time, outer)
        if stops:
            for frame in run.frames[outer:]:
                run.may_leave(frame)
            # The turns that follow are not doubted for that.
            since = run.time
        return stops

    drive(run, source, take)
    return ended[0] if ended else None


def _leaves(node: ast.For | ast.AsyncFor) -> bool:
    """Report whether a turn may leave the loop."""
    leaving = (ast.Break, ast.Return, ast.Raise)
    return any(isinstance(one, leaving) for statement in node.body for one in ast.walk(statement))


def _over(
    run: Machine,
    node: ast.For | ast.AsyncFor,
    iterated: Value,
    scope: Scope,
    watched: Watched | None = None,
) -> Signal:
    if isinstance(iterated, OneOf):
        listed = [(value, run.iterate(value)) for value in iterated.values]
        branches = [
            _each(run, node, value, items, scope) for value, items in listed if items is not None
        ]
        if len(branches) == len(listed):
            return follow_branches(run, branches, scope)
    items = run.iterate(iterated)
    if items is None:
        one = _some_item(iterated)
        return _left_by_breaks(run, node, scope, lambda: _unknown_turns(run, node, scope, one))
    return _each(run, node, iterated, items, scope, watched)()


def _some_item(iterated: Value) -> Value:
    """Return what an item may be: of lists that may have more, some items are known."""
    lists = iterated.values if isinstance(iterated, OneOf) else (iterated,)
    items = [item for one in lists if isinstance(one, list) for item in one]
    return join(join_all(items), UNKNOWN) if len(lists) > 1 else join_all(items)


def _each(
    run: Machine,
    node: ast.For | ast.AsyncFor,
    source: Value,
    items: list[Value],
    scope: Scope,
    watched: Watched | None = None,
) -> Callable[[], Signal]:
    def turns() -> Signal:
        declarations = run.declarations
        for turn, item in enumerate(each_item(run, source, items)):
            run.limits.spend(1)
            if item is MISSING or (watched is not None and watched.replaced(turn)):
                return _unknown_turns(run, node, scope)
            if turn == _MAX_IDLE_TURNS and run.region and run.declarations == declarations:
                return _unknown_turns(run, node, scope)
            assign(run, node.target, item, scope)
            signal = _turn(run, node.body, scope)
            if signal is not None:
                return signal
        return None

    return lambda: _left_by_breaks(run, node, scope, turns)


def _left_by_breaks(
    run: Machine,
    node: ast.For | ast.AsyncFor | ast.While,
    scope: Scope,
    turns: Callable[[], Signal],
) -> Signal:
    """Follow the turns of a loop and its ``else``; each ``break`` leads to what comes after it."""
    frame = scope.frame
    outer, frame.breaks = frame.breaks, []
    # What was made before is changed by the second turn only if the first one has not left.
    around, frame.loop = frame.loop, run.enter()
    try:
        signal = turns()
        breaks = frame.breaks
    finally:
        run.leave()
        frame.breaks, frame.loop = outer, around
    if signal == BREAK:
        breaks.append(scope.names)
        scope.names = merged(run, breaks)
        return None

    def ended() -> Signal:
        return run.execute(node.orelse, scope) if signal is None else signal

    def broken() -> Signal:
        scope.names = merged(run, breaks)
        return None

    if not breaks:
        return ended()
    if signal is None and not node.orelse:
        scope.names = merged(run, [scope.names, *breaks])
        return None
    return follow_branches(run, [broken, ended], scope)


def _turn(run: Machine, body: list[ast.stmt], scope: Scope) -> Signal:
    """Follow the body once; join the names at its uncertain continues."""
    frame = scope.frame
    outer, frame.continues = frame.continues, []
    around, frame.turn = frame.turn, run.enter()
    try:
        signal = run.execute(body, scope)
    finally:
        run.leave()
        frame.turn = around
    continues, frame.continues = frame.continues, outer
    if continues:
        scope.names = merged(run, [scope.names, *continues])
    return None if signal == CONTINUE else signal


def _unknown_turns(
    run: Machine, node: ast.For | ast.AsyncFor | ast.While, scope: Scope, item: Value = UNKNOWN
) -> Signal:
    """Follow a loop of which it is unknown how often it runs, if at all."""
    names = run.stored.get(node)
    if names is None:
        names = run.stored[node] = stored_names(node.body)
        run.limits.spend(4 * len(names))

    def once() -> Signal:
        if isinstance(node, (ast.For, ast.AsyncFor)):
            assign(run, node.target, item, scope)
        return _turn(run, node.body, scope)

    widen(run, names, scope)
    return follow_branches(run, [lambda: None, once], scope)


def _while(run: Machine, node: ast.While, scope: Scope) -> Signal:
    return _left_by_breaks(run, node, scope, lambda: _turns_of_while(run, node, scope))


def _turns_of_while(run: Machine, node: ast.While, scope: Scope) -> Signal:
    breaks = scope.frame.breaks
    declarations = run.declarations
    for turn in range(_MAX_TURNS):
        known = run.truth(run.evaluate(node.test, scope))
        if known is None:
            return _unknown_turns(run, node, scope)
        if not known:
            return None
        signal = _turn(run, node.body, scope)
        if signal is not None:
            return signal
        if not isinstance(node.test, ast.Constant):
            continue
        if turn == _MAX_ENDLESS_TURNS and run.declarations == declarations:
            break
        if breaks:
            # Nothing but what is unknown ends it.
            _unknown_turns(run, node, scope)
            scope.names = breaks.pop()
            return BREAK
    run.limits.meet("turns")
    widen(run, stored_names(node.body), scope)
    return None


LOOPS: Final[Mapping[type[ast.stmt], Callable[..., Signal]]] = {
    ast.AsyncFor: _for,
    ast.For: _for,
    ast.While: _while,
}
