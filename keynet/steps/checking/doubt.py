"""One reason why an image may not train."""

from keynet.frozen import frozen
from keynet.text import Block, stacked

__all__ = ["Doubt"]


@frozen
class Doubt:
    """What will fail, with file and line, and what to do about it; both are safe to show."""

    message: str
    hint: str

    @property
    def text(self) -> str:
        """Return both as one text of several lines."""
        return Block(stacked(self.message, self.hint))
