"""One HTTP exchange as values: the request, the answer, and how long it may take."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from dataclasses import field

from keynet.errors import UsageError
from keynet.frozen import frozen
from keynet.text import _, fill

__all__ = ["Answer", "Call", "ListLimits", "Stream", "Timeouts"]


@frozen
class Timeouts:
    """Seconds by phase; a phase that makes no progress for so long ends the exchange.

    ``commit_s`` is for the answer to the commit of a big blob, which registries hash and move
    first: None waits as long as TCP keep-alive finds the connection alive.
    """

    connect_s: float = 10.0
    read_s: float = 300.0
    write_s: float = 300.0
    commit_s: float | None = None

    def __post_init__(self) -> None:
        _check_positive(self.connect_s, self.read_s, self.write_s, self.commit_s)


@frozen
class ListLimits:
    """How long a list of tags, repositories or referrers may become before it is an error.

    A list is whole or an error: nothing is cut off. ``seconds`` is for all its pages together.
    """

    names: int = 1_000_000
    pages: int = 5_000
    seconds: float = 600.0

    def __post_init__(self) -> None:
        _check_positive(self.names, self.pages, self.seconds)


@frozen
class Call:
    """One request; ``body`` returns its bytes from the start at each call.

    ``limit`` bounds the answer's body in bytes; ``patient`` lifts the read timeout to
    ``Timeouts.commit_s``.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Callable[[], AsyncIterator[bytes]] | None = field(default=None, repr=False)
    limit: int = 1024 * 1024
    patient: bool = False


@frozen
class Answer:
    """A complete answer; the names in ``headers`` are lower-case.

    ``through`` names the proxy that read the request and may have answered itself.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    method: str = "GET"
    through: str = ""


@frozen
class Stream:
    """An answer whose body is still to be read, once."""

    status: int
    headers: Mapping[str, str]
    chunks: Callable[[], AsyncGenerator[bytes, None]]
    url: str
    method: str = "GET"
    through: str = ""


def _check_positive(*limits: float | None) -> None:
    for limit in limits:
        # Nor is NaN more than 0.
        if limit is not None and not limit > 0:
            raise UsageError(
                fill(_("The limit {limit} cannot be used."), limit=limit),
                _("Limits and timeouts must be greater than 0."),
            )
