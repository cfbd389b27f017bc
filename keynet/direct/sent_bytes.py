"""Count what is sent to a registry, from the events of its client."""

from keynet.events import BlobAdvanced, BlobRewound, Emit, Event

__all__ = ["SentBytes"]


class SentBytes:
    """An Emit that passes events on, and adds up the bytes of blobs that were read to be sent."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._positions: dict[str, int] = {}
        self._again = 0

    @property
    def total(self) -> int:
        """Bytes sent, with those that were sent twice."""
        return sum(self._positions.values()) + self._again

    def __call__(self, event: Event) -> None:
        """Count an event, and pass it on."""
        if isinstance(event, BlobAdvanced):
            self._positions[event.blob] = event.position
        elif isinstance(event, BlobRewound):
            self._again += max(0, self._positions.get(event.blob, 0) - event.position)
        self._emit(event)
