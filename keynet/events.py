"""Progress, as values: parts of keynet call an ``Emit``; only the command line shows it."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = [
    "BlobAdvanced",
    "BlobFinished",
    "BlobMounted",
    "BlobRewound",
    "BlobSkipped",
    "BlobStarted",
    "Emit",
    "Event",
    "LogLine",
    "Notice",
    "StepFinished",
    "StepStarted",
    "ignore",
]


@dataclass(frozen=True, slots=True)
class StepStarted:
    """A step begins; ``step`` is its stable name (``"build"``), ``title`` is for people."""

    step: str
    title: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StepFinished:
    """The step is done; ``detail`` is what it found, ``seconds`` its wall time."""

    step: str
    detail: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of an engine's output, without its newline; not yet safe for a terminal."""

    text: str
    step: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know; ``level`` is ``"warning"`` or ``"note"``."""

    text: str
    level: str = "warning"


@dataclass(frozen=True, slots=True)
class BlobStarted:
    """Bytes begin to move; ``size`` in bytes, None where the engine does not tell."""

    blob: str
    size: int | None


@dataclass(frozen=True, slots=True)
class BlobAdvanced:
    """``position`` bytes of this blob are over, counted from its start."""

    blob: str
    position: int


@dataclass(frozen=True, slots=True)
class BlobRewound:
    """A retry goes back to ``position`` bytes."""

    blob: str
    position: int


@dataclass(frozen=True, slots=True)
class BlobSkipped:
    """The registry holds this blob already; nothing was sent."""

    blob: str
    size: int | None


@dataclass(frozen=True, slots=True)
class BlobMounted:
    """The registry took this blob from another of its repositories; nothing was sent."""

    blob: str
    size: int | None


@dataclass(frozen=True, slots=True)
class BlobFinished:
    """The whole blob is over and verified."""

    blob: str


Event = (
    StepStarted
    | StepFinished
    | LogLine
    | Notice
    | BlobStarted
    | BlobAdvanced
    | BlobRewound
    | BlobSkipped
    | BlobMounted
    | BlobFinished
)

# Never blocks, never raises.
Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Take an event and do nothing: the ``Emit`` of callers who do not watch."""
