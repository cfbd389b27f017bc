"""Read a file that somebody named, and never more of it than it may have."""

from pathlib import Path

__all__ = ["read"]


def read(path: Path, limit: int) -> bytes | None:
    """Give the whole content, None where it is longer than ``limit`` bytes.

    Pipes (``<(...)`` of a shell) are read to their end; they tell no size ahead, as devices,
    which may have no end.

    Raises:
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(limit + 1)
    return content if len(content) <= limit else None
