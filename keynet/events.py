"""Progress events: parts of keynet emit them, the command line shows them."""

from collections.abc import Callable

from keynet.frozen import frozen

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


@frozen
class StepStarted:
    """A step begins; ``step`` is its stable name, ``title`` the one for people."""

    step: str
    title: str
    detail: str = ""


@frozen
class StepFinished:
    """A step is done; ``detail`` is its result, ``seconds`` its wall time."""

    step: str
    detail: str = ""
    seconds: float = 0.0


@frozen
class LogLine:
    """One line of an engine's output without newline; not safe for a terminal."""

    text: str
    step: str = ""


@frozen
class Notice:
    """Something the user should know; ``level`` is ``"warning"``, ``"note"`` or ``"detail"``.

    Details are for those who want to see more (``--verbose``).
    """

    text: str
    level: str = "warning"


@frozen
class BlobStarted:
    """A transfer begins; ``size`` in bytes, None if it is not known."""

    blob: str
    size: int | None


@frozen
class BlobAdvanced:
    """``position`` bytes of this blob have been transferred, from its start."""

    blob: str
    position: int


@frozen
class BlobRewound:
    """A retry continues from ``position`` bytes."""

    blob: str
    position: int


@frozen
class BlobSkipped:
    """The registry already holds this blob; nothing was sent."""

    blob: str
    size: int | None


@frozen
class BlobMounted:
    """The registry mounted this blob from another repository; nothing was sent."""

    blob: str
    size: int | None


@frozen
class BlobFinished:
    """The whole blob has been transferred and verified."""

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

# Must not block or raise.
Emit = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Do nothing: the ``Emit`` of callers that do not need events."""
