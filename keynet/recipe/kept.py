"""What is long to make and always the same, kept in a folder for the next push."""

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

__all__ = ["kept"]


def kept(folder: Path | None, stem: str, key: str, make: Callable[[], bytes]) -> bytes:
    """Give what an earlier call left as ``STEM-KEY``; else make it, and leave it.

    What was left under another key of that stem is removed. A folder that cannot be written
    costs the time again, and nothing else.

    Args:
        folder: Made where it is missing; None keeps nothing.
        key: Changes when the content would.
    """
    if folder is None:
        return make()
    path = folder / f"{stem}-{key}"
    try:
        return path.read_bytes()
    except OSError:
        content = make()
    with contextlib.suppress(OSError):
        _leave(path, content)
        for other in folder.glob(f"{stem}-*"):
            if other != path:
                other.unlink(missing_ok=True)
    return content


def _leave(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            # After a crash a name without its content would be believed for ever.
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
