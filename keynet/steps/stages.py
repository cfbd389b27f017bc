"""The named stages of a verb: each is announced, timed and finished with what it found."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from keynet.events import Emit, StepFinished, StepStarted

__all__ = ["Stage", "Stages"]


class Stage:
    """One stage under way; set ``detail`` to what it found."""

    def __init__(self, detail: str) -> None:
        self.detail = detail


class Stages:
    """Announce stages to ``emit``; ``seconds`` has the wall time of each finished one, by name."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._began = monotonic()
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str, title: str, detail: str = "") -> Iterator[Stage]:
        """Run a block as a stage; a block that raises leaves it unfinished.

        A ``detail`` given here is shown at once, for stages that take long.
        """
        began = monotonic()
        self._emit(StepStarted(name, title, detail))
        current = Stage("")
        yield current
        self.seconds[name] = round(monotonic() - began, 3)
        self._emit(StepFinished(name, current.detail, self.seconds[name]))

    @property
    def total(self) -> float:
        """Seconds since the first stage could begin."""
        return round(monotonic() - self._began, 3)
