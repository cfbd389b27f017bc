"""Keep what takes long to make in a folder for the next push.

Programs are among it, and decisions which programs are started: what another user owns or may
write to counts as missing.
"""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from keynet.errors import KeynetError
from keynet.files import atomic, ownership, places
from keynet.frozen import frozen

__all__ = ["DAMAGED", "DiskCache", "kept"]

# What reading a record raises that is not whole, or of another version: it counts as missing.
DAMAGED: Final = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    KeynetError,
)

# Another version of keynet or pip may use its own.
_MOST: Final = 4


@frozen
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

    def find(self, key: str) -> Path | None:
        """Return the file of this key; None where there is none, or one that others may change."""
        path = self.path(key)
        try:
            trusted = path.is_file() and ownership.distrusted(path, own_folder=True) is None
        except OSError:
            return None
        return path if trusted else None

    def contents(self) -> Iterator[bytes]:
        """Yield the content of each key, as ``get`` returns it."""
        for path in sorted(self.folder.glob(f"{self.stem}-*")):
            content = self.get(path.name.removeprefix(f"{self.stem}-"))
            if content is not None:
                yield content

    def distrusted(self) -> Path | None:
        """Return what others may change of the folder and the files of the kind, if anything."""
        for path in (self.folder, *sorted(self.folder.glob(f"{self.stem}-*"))):
            with contextlib.suppress(OSError):
                found = ownership.distrusted(path, own_folder=True)
                if found is not None:
                    return found
        return None

    def get(self, key: str) -> bytes | None:
        """Return the content of this key; None where ``find`` does or it cannot be read."""
        path = self.find(key)
        try:
            return None if path is None else path.read_bytes()
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
    path = cache.find(key)
    if path is None:
        content = make()
        with contextlib.suppress(OSError):
            cache.put(key, content)
            path = cache.find(key)
        return content if path is None else path
    return path
