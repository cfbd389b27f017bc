"""What is certain to happen: branches, calls and turns that may be left early, and who made what.

These are methods of the interpreter, as functions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from keynet.script.interpreter.machine import Machine, Made
from keynet.script.interpreter.values import Value

__all__ = [
    "entered",
    "fresh",
    "made_since",
    "may_change",
    "passed_over",
    "sure_for",
    "uncertain",
]


class _Follower(Machine, Protocol):
    """``young`` has containers and objects with the region and the frame that made them."""

    last_region: int
    last_frame: int
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


@contextmanager
def entered(run: _Follower) -> Iterator[None]:
    """Follow a call or a turn of a loop, which may be left early."""
    outer, began = run.frame, run.began
    run.last_frame += 1
    run.frame, run.began = run.last_frame, run.doubts
    try:
        yield
    finally:
        run.frame, run.began = outer, began


def fresh(run: _Follower, made: Value) -> Value:
    """Record a new container or object: its changes are certain in the branch that made it."""
    if run.region or run.frame:
        run.young[id(made)] = (made, run.region, run.frame)
    return made


def may_change(run: _Follower, container: object) -> bool:
    """Report whether a change of a container at this point is certain to happen."""
    if not run.region and run.doubts <= run.began:
        return True
    if passed_over(run, container):
        return False
    return run.young.get(id(container), _OLD)[1] == run.region


def passed_over(run: _Follower, changed: object) -> bool:
    """Report whether what is followed may have been left before something is changed.

    That says nothing of what the same call, or the same turn of a loop, has made.
    """
    if run.doubts <= run.began:
        return False
    return run.young.get(id(changed), _OLD)[2] != run.frame


def sure_for(run: _Follower, owner: Made) -> bool:
    """Report whether a change of an object at this point is certain to happen."""
    return run.region in (0, owner.region) and not passed_over(run, owner)


def made_since(run: _Follower, container: object, frame: int) -> bool:
    """Report whether a container was made in a call, or in one that it has made."""
    return run.young.get(id(container), _OLD)[2] >= frame > 0
