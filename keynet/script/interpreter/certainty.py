"""What is certain to happen: branches, and calls, loops and turns that may be left early.

What is left early goes on later: a call at its caller, a turn at the next one, a loop after it,
the body of a ``try`` at a handler. A change is uncertain where something may have been left since
its target was made, unless the target is gone with what was left. These are methods of the
interpreter, as functions.
"""

import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from keynet.script.interpreter.definitions import Class, Instance
from keynet.script.interpreter.machine import Machine, Made, Young
from keynet.script.interpreter.values import Value

__all__ = [
    "apart",
    "doubtful_since",
    "enter",
    "fresh",
    "leave",
    "left_since",
    "may_change",
    "may_leave",
    "outer_left_since",
    "passed_over",
    "sure_for",
    "uncertain",
]


class _Follower(Machine, Protocol):
    """``frames`` are the calls, loops, turns and bodies of ``try`` that are followed, by number.

    ``left`` has when each of them may have been left last, 0 for never.
    """

    last_region: int
    last_frame: int
    left: list[int]


_OLD = Young(None, 0, 0, 0)


@contextmanager
def uncertain(run: _Follower) -> Iterator[None]:
    """Follow something that may not happen."""
    outer = run.region
    run.last_region += 1
    run.region = run.last_region
    run.regions.append(run.region)
    try:
        yield
    finally:
        run.regions.pop()
        run.region = outer


def enter(run: _Follower) -> int:
    """Begin what may be left early; return its number."""
    run.last_frame += 1
    run.frames.append(run.last_frame)
    run.left.append(0)
    return run.last_frame


def leave(run: _Follower) -> None:
    """End what began last: wherever it was left, the script goes on here."""
    run.frames.pop()
    run.left.pop()


def may_leave(run: _Follower, frame: int) -> None:
    """Record that a call, loop, turn or body of ``try`` may be left here."""
    at = bisect.bisect_left(run.frames, frame)
    if at < len(run.frames) and run.frames[at] == frame:
        run.time += 1
        run.left[at] = run.time


def doubtful_since(run: _Follower, time: int) -> bool:
    """Report whether anything that is followed may have been left since then."""
    return any(left > time for left in run.left)


def left_since(run: _Follower, time: int, outer: int) -> bool:
    """Report whether anything but the outermost frames may have been left since then."""
    return any(left > time for left in run.left[outer:])


def outer_left_since(run: _Follower, time: int, outer: int) -> bool:
    """Report whether any of the outermost frames may have been left since then."""
    return any(left > time for left in run.left[:outer])


@contextmanager
def apart(run: _Follower) -> Iterator[None]:
    """Follow a module: wherever that is read, Python runs it as a whole."""
    state = run.region, run.frames, run.left, run.tries
    run.region, run.frames, run.left, run.tries = 0, [], [], []
    try:
        yield
    finally:
        run.region, run.frames, run.left, run.tries = state


def fresh(run: _Follower, made: Value) -> Value:
    """Record a new container or object: its changes are certain in the branch that made it."""
    if run.region or run.frames or isinstance(made, (Class, Instance)):
        frame = run.frames[-1] if run.frames else 0
        run.young[id(made)] = Young(made, run.region, frame, run.time)
    return made


def may_change(run: _Follower, container: object) -> bool:
    """Report whether a change of a container at this point is certain to happen."""
    if passed_over(run, container):
        return False
    return not run.region or run.young.get(id(container), _OLD).region == run.region


def passed_over(run: _Follower, changed: object) -> bool:
    """Report whether anything that it outlives may have been left since it was made."""
    if not run.time or not run.frames:
        return False
    young = run.young.get(id(changed), _OLD)
    outlived = run.left[bisect.bisect_right(run.frames, young.frame) :]
    return any(left > young.time for left in outlived)


def sure_for(run: _Follower, owner: Made) -> bool:
    """Report whether a change of an object at this point is certain to happen."""
    return run.region in (0, owner.region) and not passed_over(run, owner)
