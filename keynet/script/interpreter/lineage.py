"""A class of the project with its bases: what it has from them."""

from collections.abc import Iterator
from typing import Final

from keynet.script.interpreter.definitions import Class
from keynet.script.interpreter.values import MISSING, External, Generic, Value

__all__ = ["class_member", "lineage", "outside_bases"]

_MOST_CLASSES: Final = 32


def lineage(cls: Class) -> Iterator[Class]:
    """Iterate over a class and its bases in the project, in method resolution order."""
    walked: list[Class] = []
    pending: list[Value] = [cls]
    while pending and len(walked) < _MOST_CLASSES:
        one = pending.pop(0)
        if isinstance(one, Class):
            walked.append(one)
            pending[:0] = one.bases
    # A base that several classes share follows all of them.
    yield from reversed(dict.fromkeys(reversed(walked)))


def outside_bases(cls: Class) -> list[str]:
    """Return the names of the classes outside the project that a class derives from."""
    named = (External, Generic)
    return [base.name for one in lineage(cls) for base in one.bases if isinstance(base, named)]


def class_member(cls: Class, name: str, after: Class | None = None) -> Value:
    """Return what a class or its bases in the project define, MISSING when none does.

    Args:
        after: Only the bases that come after this one count.
    """
    if after is None and name in cls.namespace:
        return cls.namespace[name]
    passed = after is None
    for one in lineage(cls):
        if passed and name in one.namespace:
            return one.namespace[name]
        passed = passed or one is after
    return MISSING
