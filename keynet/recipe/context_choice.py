"""Choose the folder that becomes the image's /workspace where the user names none."""

import os
import tempfile
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files import places
from keynet.text import _, fill

__all__ = ["MARKS", "choose", "repository"]

_GIT: Final = ".git"
MARKS: Final = (
    _GIT,
    "pyproject.toml",
    "requirements.txt",
    "setup.py",
    "setup.cfg",
    ".dockerignore",
    ".containerignore",
    "Containerfile",
    "Dockerfile",
)
# What lies in them belongs to many programs or many users.
_SHARED: Final = ("/tmp", "/var/tmp", "/dev/shm", "/home", "/Users")  # noqa: S108
_MOST_PARENTS: Final = 200


def choose(script: Path, current: Path) -> Path:
    """Return the context of a script: a project around it, else the current folder.

    It is the outermost folder with a mark, from the script up to the current folder; ``.git``
    ends the search. Where the script is not below the current folder, the search ends at what
    both are below. The root of the file system, the home and folders for temporary files are
    never chosen, and nothing above them.

    Args:
        script: As the user gave it.
        current: The working directory.

    Returns:
        ``Path()`` for the working directory, else a path with links resolved.

    Raises:
        ContextInvalid: The script lies directly in a folder that is never chosen.
    """
    real, here = places.real(script), places.real(current)
    unsuitable = _unsuitable()
    marked = None
    below_current = real.is_relative_to(here)
    for folder in real.parents[:_MOST_PARENTS]:
        if folder in unsuitable:
            # The current folder is the same, or has it among much else.
            below_current = False
            break
        if _is_marked(folder):
            marked = folder
        if os.path.lexists(folder / _GIT) or here.is_relative_to(folder):
            break
    if marked is not None:
        return _as_given(marked, here)
    if below_current:
        return Path()
    # A script that does not exist has an error of its own.
    if real.parent in unsuitable:
        if real.is_file():
            raise _never(script, real.parent)
        return Path()
    return _as_given(real.parent, here)


def repository(folder: Path) -> Path | None:
    """Return the repository (a folder with ``.git``) that a folder is part of, else None."""
    unsuitable = _unsuitable()
    for candidate in (folder, *folder.parents[:_MOST_PARENTS]):
        if candidate in unsuitable:
            return None
        if os.path.lexists(candidate / _GIT):
            return candidate
    return None


def _is_marked(folder: Path) -> bool:
    return any(os.path.lexists(folder / mark) for mark in MARKS)


def _unsuitable() -> frozenset[Path]:
    """Return the folders that are no project, by their real paths."""
    named = [Path("/"), places.home(), Path(tempfile.gettempdir()), *map(Path, _SHARED)]
    return frozenset(map(places.real, named))


def _as_given(folder: Path, here: Path) -> Path:
    return Path() if folder == here else folder


def _never(script: Path, folder: Path) -> ContextInvalid:
    return ContextInvalid(
        fill(
            _(
                "The script {script} lies directly in {folder}, and all of that folder would be "
                "copied into the image."
            ),
            script=script,
            folder=folder,
        ),
        _(
            "Move the script into a folder of its own. To use that folder all the same, name it "
            "with --context DIR."
        ),
    )
