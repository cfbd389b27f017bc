"""Folders that may hold files of a script's project."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keynet.files import limited_read, places

__all__ = [
    "has_marker",
    "installed_with",
    "is_shared",
    "project_root",
    "search_folders",
    "top_package",
]

_STRONG: Final = (".git", "pyproject.toml", "setup.py", "setup.cfg")
_MARKERS: Final = (*_STRONG, "requirements.txt")
_MOST_PARENTS: Final = 6
_LARGEST_RECORD: Final = 8_000_000
_TOP_LEVEL = re.compile(rb"^[^/,\r\n]+", re.MULTILINE)


def top_package(folder: Path) -> Path | None:
    """Return the outermost package around a folder, None if it is not a package."""
    top = None
    for _step in range(_MOST_PARENTS):
        if not (folder / "__init__.py").is_file() or folder.parent == folder:
            break
        top, folder = folder, folder.parent
    return top


def project_root(folder: Path, package: Path | None) -> Path:
    """Return the nearest folder with a marker, else the top package's parent.

    A folder of a project may have a ``requirements.txt`` of its own: one counts only where no
    folder above it has another marker.
    """
    candidate = folder
    weak = None
    home = places.home()
    for _step in range(_MOST_PARENTS):
        if candidate in (candidate.parent, home):
            break
        if _has_any(candidate, _STRONG):
            return candidate
        if weak is None and has_marker(candidate):
            weak = candidate
        candidate = candidate.parent
    if weak is not None:
        return weak
    return folder if package is None else package.parent


def search_folders(folder: Path, root: Path) -> Iterator[Path]:
    """Iterate over the folders of a project in the order of imports."""
    yield folder
    while folder not in (root, folder.parent):
        folder = folder.parent
        yield folder
    yield root / "src"


def has_marker(folder: Path) -> bool:
    """Report whether a folder looks like the root of a project."""
    return _has_any(folder, _MARKERS)


def _has_any(folder: Path, names: tuple[str, ...]) -> bool:
    # A path object for each of them takes longer than the look itself.
    return any(os.path.exists(f"{folder}{os.sep}{name}") for name in names)  # noqa: PTH110


def is_shared(folder: Path) -> bool:
    """Report whether a folder holds installed packages, unrelated to each other."""
    return folder.name in ("site-packages", "dist-packages") or (folder / "argparse.py").is_file()


def installed_with(script: Path, folder: Path) -> frozenset[str]:
    """Return the top-level modules that were installed together with a script.

    Source: PyPA, "Recording installed projects", the RECORD file.
    """
    relative = script.relative_to(folder)
    first = relative.parts[0].removesuffix(".py")
    line = b"\n" + os.fsencode(relative.as_posix()) + b","
    for record in _records(folder, first):
        try:
            content = b"\n" + limited_read.head(record, _LARGEST_RECORD, regular_only=True)
        except OSError:
            continue
        if line in content:
            tops = {os.fsdecode(name).removesuffix(".py") for name in _TOP_LEVEL.findall(content)}
            return frozenset({first, *tops})
    return frozenset([first])


def _records(folder: Path, first: str) -> Iterator[Path]:
    """Iterate over lists of installed files, distributions with a similar name first."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(".dist-info")]
    except OSError:
        return
    like = first.lower()
    names.sort(key=lambda name: like not in name.lower().replace("-", "_"))
    for name in names:
        yield folder / name / "RECORD"
