"""Lists that change while their items are taken: work lists, and mistakes."""

import operator
from collections.abc import Iterable
from typing import Final

from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import MISSING, Arguments, Iterator, Value

__all__ = ["Watched", "each_item"]

# Items that are taken of those that were added meanwhile.
_MOST_ADDED: Final = 256


def each_item(run: Machine, source: Value, items: list[Value]) -> Iterable[Value]:
    """Yield the items of a value; of a list what it has when each is asked for, as Python does.

    MISSING comes last where nothing is known of what follows.

    Args:
        items: Those of the value at the beginning.
    """
    if not isinstance(source, list) or id(source) in run.views:
        yield from items
        return
    number = 0
    while not run.spoiled(source):
        if number >= len(source):
            return
        if number == len(items) + _MOST_ADDED:
            run.limits.meet("turns")
            break
        yield source[number]
        number += 1
    else:
        # It may have more by now.
        yield from items[number:]
    yield MISSING


class Watched:
    """The lists that an iterator reads, as they were at first."""

    def __init__(self, run: Machine, value: Value) -> None:
        self._run = run
        self._lists: list[tuple[list[Value], list[Value]]] = []
        # Those of which each turn takes the item of its number.
        self._in_step: set[int] = set()
        pending = [value]
        if isinstance(value, Iterator) and value.drive is not None:
            given = [part for part in value.holds if isinstance(part, Arguments)]
            self._in_step = {id(one) for part in given for one in part.positional}
        # Iterators over iterators that share some would be looked through again and again.
        seen: set[int] = set()
        while pending:
            one = pending.pop()
            if id(one) in seen:
                continue
            seen.add(id(one))
            if isinstance(one, Iterator):
                pending += one.holds
            elif isinstance(one, Arguments):
                pending += one.positional
            elif isinstance(one, list) and id(one) not in run.views and not run.spoiled(one):
                run.limits.spend(len(one) // 16)
                self._lists.append((one, list(one)))

    def replaced(self, turn: int) -> bool:
        """Report whether the item that a turn takes was replaced before it."""
        return any(
            turn < min(len(one), len(before)) and one[turn] is not before[turn]
            for one, before in self._lists
            if id(one) in self._in_step
        )

    def changed(self) -> bool:
        """Report whether one has other items than when this was made."""
        return any(
            len(one) != len(before)
            or self._run.spoiled(one)
            or (id(one) not in self._in_step and any(map(operator.is_not, one, before)))
            for one, before in self._lists
        )
