"""The distributions that bring a module: ``cv2`` comes from ``opencv-python``.

Source: the table of the distribution pyimport2pkg, made from the 15,000 most downloaded
distributions of PyPI. Only its data file is read; none of its code runs.
"""

import atexit
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keynet.recipe.dependencies.declared import canonical

if TYPE_CHECKING:
    import sqlite3

__all__ = ["Brought", "best_provider", "brings", "is_listed", "providers"]

_DISTRIBUTION: Final = "pyimport2pkg"
_TABLE: Final = "data/mapping.db"
# A name that so many distributions use is a namespace, or no sign of any of them.
_MOST_PROVIDERS: Final = 8
_MODULES: Final = (
    "SELECT package_name FROM mappings LEFT JOIN packages USING (package_name) "
    "WHERE module_name = ? ORDER BY download_count DESC LIMIT ?"
)
_LISTED: Final = "SELECT 1 FROM packages WHERE package_name = ?"


def providers(module: str) -> tuple[str, ...]:
    """Return the distributions that bring a top-level module, the most used one first.

    Nothing where the module is unknown, is a namespace of many distributions, or where the table
    is not installed.
    """
    rows = _ask(_MODULES, module, _MOST_PROVIDERS + 1)
    if len(rows) > _MOST_PROVIDERS:
        return ()
    return tuple(canonical(str(name)) for (name,) in rows)


def best_provider(module: str) -> str:
    """Return the distribution to name to people who lack a module; "" where none is known.

    A part of another one is often downloaded more than it: ``fiftyone-brain`` than ``fiftyone``.
    """
    found = providers(module)
    own = canonical(module)
    is_part = bool(found) and own in found and found[0].startswith(f"{own}-")
    return own if is_part else next(iter(found), "")


def is_listed(name: str) -> bool:
    """Report whether the table knows the modules of a distribution."""
    return bool(_ask(_LISTED, canonical(name)))


class Brought:
    """The modules that some distributions may bring, for many questions."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(map(canonical, names))
        unlisted = (name for name in self._names if not is_listed(name))
        self._words = frozenset(word for name in unlisted for word in name.split("-"))

    def has(self, module: str) -> bool:
        """Report whether one of them may bring a top-level module.

        One that the table does not know may bring a module whose name resembles its own.
        """
        own = canonical(module)
        if own in self._names or not self._names.isdisjoint(providers(module)):
            return True
        return not self._words.isdisjoint(own.split("-"))


def brings(name: str, module: str) -> bool:
    """Report whether a distribution may bring a top-level module, as ``Brought`` does."""
    return Brought([name]).has(module)


@cache
def _ask(query: str, *values: object) -> list[tuple[object, ...]]:
    opened = _opened()
    if opened is None:
        return []
    import sqlite3

    try:
        return opened.execute(query, values).fetchall()
    except sqlite3.Error:
        return []


@cache
def _opened() -> "sqlite3.Connection | None":
    """Open the table once: that takes ten times as long as a question."""
    path = _table()
    if path is None:
        return None
    # Most scripts import what their requirements name.
    import sqlite3

    try:
        # SQLite's own lock serves all threads, and nothing writes.
        opened = sqlite3.connect(
            f"{path.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
    except sqlite3.Error:
        return None
    atexit.register(opened.close)
    return opened


@cache
def _table() -> Path | None:
    # This finds the folder, and imports nothing.
    found = find_spec(_DISTRIBUTION)
    folders = (found and found.submodule_search_locations) or ()
    tables = (Path(folder, _TABLE) for folder in folders)
    return next((table for table in tables if table.is_file()), None)
