"""Keep what takes long to make in a folder for the next push."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keynet.files import atomic, places

__all__ = ["DiskCache", "kept"]

# Another version of keynet or pip may use its own.
_MOST: Final = 4


@dataclass(frozen=True, slots=True)
class DiskCache:
    """Contents of one kind, each in a file ``STEM-KEY``.

    Attributes:
        folder: Created where it is missing, with mode 0700.
        most: The number of files to keep: those written or linked to last.
    """

    folder: Path
    stem: str
    most: int

    def path(self, key: str) -> Path:
        """Return where the content under this key is, or would be."""
        return self.folder / f"{self.stem}-{key}"

    def get(self, key: str) -> bytes | None:
        """Return the content of this key; None where there is none or it cannot be read."""
        try:
            return self.path(key).read_bytes()
        except OSError:
            return None

    def put(self, key: str, content: bytes | str) -> None:
        """Store the content of this key and remove the oldest files of the kind.

        Raises:
            OSError: It cannot be stored.
        """
        places.make_private(self.folder)
        atomic.write(self.path(key), content)
        with contextlib.suppress(OSError):
            # Unlike st_mtime, this time changes with each link to the file.
            files = sorted(self.folder.glob(f"{self.stem}-*"), key=lambda it: it.stat().st_ctime)
            for path in files[: -self.most]:
                path.unlink(missing_ok=True)


def kept(folder: Path | None, stem: str, key: str, make: Callable[[], bytes]) -> bytes | Path:
    """Return the file that holds the content of a key, made where it is missing.

    A folder that cannot be written is not an error: the content itself is returned, and made
    again next time.

    Args:
        folder: None stores nothing.
        key: Different for each different content.
    """
    if folder is None:
        return make()
    cache = DiskCache(folder, stem, _MOST)
    path = cache.path(key)
    if not path.is_file():
        content = make()
        try:
            cache.put(key, content)
        except OSError:
            return content
    return path
