"""What is long to make and always the same, kept in a folder for the next push."""

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from keynet.files import atomic, places

__all__ = ["Kept", "kept"]

# Another version of keynet or pip may be at work with its own.
_UNUSED_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Kept:
    """The bytes, and the file that has them; None where they could not be left."""

    content: bytes = field(repr=False)
    path: Path | None


def kept(folder: Path | None, stem: str, key: str, make: Callable[[], bytes]) -> Kept:
    """Give what an earlier call left as ``STEM-KEY``; else make it, and leave it.

    What nobody has touched for a day under another key of that stem is removed. A folder
    that cannot be written costs the time again, and nothing else.

    Args:
        folder: Made where it is missing; None keeps nothing.
        key: Changes when the content would.
    """
    if folder is None:
        return Kept(make(), None)
    path = folder / f"{stem}-{key}"
    try:
        return Kept(path.read_bytes(), path)
    except OSError:
        content = make()
    try:
        places.make_private(folder)
        atomic.write(path, content)
    except OSError:
        return Kept(content, None)
    with contextlib.suppress(OSError):
        for other in folder.glob(f"{stem}-*"):
            # Links to it change this time, too.
            if other != path and time.time() - other.stat().st_ctime > _UNUSED_S:
                other.unlink(missing_ok=True)
    return Kept(content, path)
