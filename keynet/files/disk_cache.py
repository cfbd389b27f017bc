"""What is long to make or find and always the same, kept in a folder for the next push."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from keynet.files import atomic, places

__all__ = ["DiskCache", "Kept", "kept"]

# Another version of keynet or pip may be at work with its own.
_MOST: Final = 4


@dataclass(frozen=True, slots=True)
class DiskCache:
    """Contents of one kind, each in a file ``STEM-KEY``.

    Attributes:
        folder: Made where it is missing, for this user alone.
        most: As many files are kept, those that were written or linked to last.
    """

    folder: Path
    stem: str
    most: int

    def path(self, key: str) -> Path:
        """Return where the content under this key is, or would be."""
        return self.folder / f"{self.stem}-{key}"

    def get(self, key: str) -> bytes | None:
        """Return what is kept under this key; None where nothing is, or it cannot be read."""
        try:
            return self.path(key).read_bytes()
        except OSError:
            return None

    def put(self, key: str, content: bytes | str) -> None:
        """Keep it under this key, and remove the oldest of others.

        Raises:
            OSError: It cannot be kept.
        """
        places.make_private(self.folder)
        atomic.write(self.path(key), content)
        with contextlib.suppress(OSError):
            # Not the time of the content: links to it change this time, too.
            files = sorted(self.folder.glob(f"{self.stem}-*"), key=lambda it: it.stat().st_ctime)
            for path in files[: -self.most]:
                path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes, and the file that has them; None where they could not be kept."""

    content: bytes = field(repr=False)
    path: Path | None


def kept(folder: Path | None, stem: str, key: str, make: Callable[[], bytes]) -> Kept:
    """Return what an earlier call kept as ``STEM-KEY``; else make it, and keep it.

    A folder that cannot be written costs the time again, and nothing else.

    Args:
        folder: None keeps nothing.
        key: Changes when the content would.
    """
    if folder is None:
        return Kept(make(), None)
    cache = DiskCache(folder, stem, _MOST)
    content = cache.get(key)
    if content is None:
        content = make()
        try:
            cache.put(key, content)
        except OSError:
            return Kept(content, None)
    return Kept(content, cache.path(key))
