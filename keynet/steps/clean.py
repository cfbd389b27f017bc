"""What keynet left on this machine, and taking it away (SPEC 9)."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from keynet import places
from keynet.errors import KeynetError
from keynet.runtime import store
from keynet.text import _, printable

__all__ = ["Leftover", "find", "remove"]


@dataclass(frozen=True, slots=True)
class Leftover:
    """One folder that keynet made; ``what`` is for people, ``size`` in bytes on the disk."""

    what: str
    path: Path
    size: int


def find() -> list[Leftover]:
    """List what is there; empty on a clean machine."""
    found = []
    cache = places.cache()
    if cache.exists():
        found.append(Leftover(_("remembered engines, staging folders"), cache, _usage(cache)))
    own = store.own_store()
    if own is not None:
        found.append(Leftover(_("keynet's own image store"), own.path, own.size))
    return found


def remove(leftover: Leftover) -> None:
    """Remove one of them with everything in it.

    Raises:
        KeynetError: Something in it cannot be removed.
    """
    own = store.own_store()
    try:
        if own is not None and leftover.path == own.path:
            store.remove()
        else:
            shutil.rmtree(leftover.path)
    except OSError as error:
        raise KeynetError(
            _("{path} cannot be removed: {why}.").format(
                path=printable(leftover.path), why=printable(error.strerror or error)
            ),
            _("End the builds that still use it, then try again."),
        ) from error


def _usage(folder: Path) -> int:
    return sum(
        path.lstat().st_size for path in folder.rglob("*") if path.is_file() or path.is_symlink()
    )
