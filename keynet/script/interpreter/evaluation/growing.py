"""Lists that change while their items are taken: work lists, and mistakes."""

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
        self._lists: list[tuple[list[Value], int]] = []
        pending = [value]
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
                self._lists.append((one, len(one)))

    def changed(self) -> bool:
        """Report whether one has other items than when this was made."""
        return any(len(one) != length or self._run.spoiled(one) for one, length in self._lists)
