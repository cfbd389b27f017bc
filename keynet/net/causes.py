"""The exceptions below an exception, which HTTP libraries wrap more than once."""

from collections.abc import Iterator
from typing import Final, TypeVar

__all__ = ["cause", "causes"]

_MOST: Final = 50

_Error = TypeVar("_Error", bound=BaseException)


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and all that caused it, groups opened, outermost first."""
    seen = 0
    waiting: list[BaseException | None] = [error]
    while waiting and seen < _MOST:
        current = waiting.pop(0)
        if current is None:
            continue
        seen += 1
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        waiting.append(current.__cause__ or current.__context__)


def cause(error: BaseException, kind: type[_Error]) -> _Error | None:
    """Return the outermost of the errors below that is of this kind, None when none is."""
    return next((each for each in causes(error) if isinstance(each, kind)), None)
