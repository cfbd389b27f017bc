"""What is certain to happen: branches, calls and turns that may be left early, and who made what.

These are methods of the interpreter, as functions.
"""

import bisect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from keynet.script.interpreter.machine import Machine, Made
from keynet.script.interpreter.values import Value

__all__ = [
    "apart",
    "enter",
    "fresh",
    "leave",
    "made_since",
    "may_change",
    "passed_over",
    "sure_for",
    "uncertain",
]


class _Follower(Machine, Protocol):
    """``young`` has containers and objects with the region and the frame that made them.

    ``frames`` are the calls and turns of loops that are followed, by number, and ``begun`` how
    many doubts there were when each of them began.
    """

    last_region: int
    last_frame: int
    begun: list[int]
    young: dict[int, tuple[object, int, int]]


_OLD = (None, 0, 0)


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
    """Begin a call or a turn of a loop, which may be left early; return its number."""
    run.last_frame += 1
    run.frames.append(run.last_frame)
    run.begun.append(run.doubts)
    return run.last_frame


def leave(run: _Follower) -> None:
    """End the last call or turn that began."""
    run.frames.pop()
    run.begun.pop()


@contextmanager
def apart(run: _Follower) -> Iterator[None]:
    """Follow a module: wherever that is read, Python runs it as a whole."""
    state = run.region, run.doubts, run.frames, run.begun, run.tries
    run.region, run.doubts, run.frames, run.begun, run.tries = 0, 0, [], [], []
    try:
        yield
    finally:
        run.region, run.doubts, run.frames, run.begun, run.tries = state


def fresh(run: _Follower, made: Value) -> Value:
    """Record a new container or object: its changes are certain in the branch that made it."""
    if run.region or run.frames:
        run.young[id(made)] = (made, run.region, run.frames[-1] if run.frames else 0)
    return made


def may_change(run: _Follower, container: object) -> bool:
    """Report whether a change of a container at this point is certain to happen."""
    if passed_over(run, container):
        return False
    return not run.region or run.young.get(id(container), _OLD)[1] == run.region


def passed_over(run: _Follower, changed: object) -> bool:
    """Report whether a call or turn that began since it was made may have been left before.

    What the same call, or the same turn of a loop, has made is gone with it.
    """
    if not run.begun or run.doubts <= run.begun[0]:
        return False
    first = bisect.bisect_right(run.frames, run.young.get(id(changed), _OLD)[2])
    return first < len(run.begun) and run.doubts > run.begun[first]


def sure_for(run: _Follower, owner: Made) -> bool:
    """Report whether a change of an object at this point is certain to happen."""
    return run.region in (0, owner.region) and not passed_over(run, owner)


def made_since(run: _Follower, container: object, frame: int) -> bool:
    """Report whether a container was made in a call, or in one that it has made."""
    return run.young.get(id(container), _OLD)[2] >= frame > 0
