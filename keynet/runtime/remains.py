"""What keynet has left in an engine's store, as values, and the protocol of those who find it."""

import enum
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

from keynet.frozen import frozen

__all__ = ["Finder", "Kind", "Remnant", "size_of"]

_UNITS: Final = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", re.IGNORECASE)


class Kind(enum.StrEnum):
    """What it is; the values are part of the JSON that keynet prints."""

    CONTAINER = "container"
    BUILD = "build container"
    NETWORK = "network"
    IMAGE = "image"


@frozen
class Remnant:
    """One thing in an engine's store, which keynet has made: its name or its labels say so.

    Attributes:
        id: What the engine removes it by.
        store: Equal for engines that share their store.
        owner: The token of the process that needs it; "" where nobody has said, None where it
            outlives its process on purpose: layer caches and networks.
        running: Whether the engine itself says that it is in use.
        size: In bytes, with layers that others share; None if the engine does not say.
    """

    kind: Kind
    id: str
    name: str
    engine: str
    store: str
    owner: str | None = ""
    running: bool = False
    created: datetime | None = None
    size: int | None = None


class Finder(Protocol):
    """An engine's store, in which keynet may have left something."""

    @property
    def engine(self) -> str:
        """Return the name of the engine."""
        ...

    def find(self) -> list[Remnant]:
        """Return what keynet has left in the store.

        Raises:
            EngineError: The engine does not answer, or cannot list it.
        """
        ...

    def remove(self, remnants: Sequence[Remnant]) -> None:
        """Remove what ``find`` has returned; what is gone already is not an error.

        Raises:
            EngineError: Some of it remains.
        """
        ...


def size_of(text: str) -> int | None:
    """Return the bytes of an engine's text such as ``12.3MB``; None for any other text."""
    found = _SIZE.fullmatch(text.strip())
    return round(float(found[1]) * _UNITS[found[2].lower()]) if found else None
