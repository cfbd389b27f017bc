"""Announce and time the stages of a verb."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from keynet.events import Emit, StepFinished, StepStarted

__all__ = ["Stage", "Stages"]


class Stage:
    """A running stage; set ``detail`` to its result, for people."""

    def __init__(self, detail: str) -> None:
        self.detail = detail


class Stages:
    """Emit begin and end of stages; ``seconds`` has the duration of finished ones."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._began = monotonic()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, title: str, detail: str = "") -> Iterator[Stage]:
        """Run a block as a stage; if the block raises, the stage does not finish.

        Args:
            name: For ``seconds``.
            title: For people.
            detail: Shown at the start, for stages that take long.
        """
        began = monotonic()
        self._emit(StepStarted(name, title, detail))
        current = Stage("")
        yield current
        self.seconds[name] = round(monotonic() - began, 3)
        self._emit(StepFinished(name, current.detail, self.seconds[name]))

    @property
    def total(self) -> float:
        """Return the seconds since this object was created."""
        return round(monotonic() - self._began, 3)
