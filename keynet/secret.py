"""A string that must not be shown."""

from typing import Final

__all__ = ["Secret", "mask"]

_SHORTEST_SHOWN: Final = 16


class Secret:
    """A password or token; ``str`` and ``repr`` show asterisks.

    Only ``reveal()`` returns the value, so that a search finds every use of it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for a child's standard input or a request's header."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret cannot be pickled")


def mask(value: str) -> str:
    """Return the first 6 and last 3 characters, nothing of one under 16 characters."""
    if len(value) < _SHORTEST_SHOWN:
        return "***"
    return f"{value[:6]}…{value[-3:]}"
