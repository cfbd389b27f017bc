"""Find programs on PATH, and never in a folder that depends on where keynet was started.

An empty entry of PATH is the current folder: often a repository that was just cloned, in which
anybody may have put a program called docker.
"""

import os
from collections.abc import Mapping
from typing import Final

__all__ = ["WITHOUT_GIT", "find", "with_safe_path"]

# For uv: it runs git wherever a requirement names a repository, with this user's keys, and asks
# GitHub what git would. What it names may be hidden in the metadata of an archive. No program is
# found on this PATH.
WITHOUT_GIT: Final[Mapping[str, str]] = {"PATH": os.devnull, "UV_NO_GITHUB_FAST_PATH": "1"}


def find(name: str) -> str | None:
    """Return the path of a program; None where there is none.

    Args:
        name: Without a slash it is looked for in the absolute folders of PATH; with one it has
            to be an absolute path.
    """
    if "/" in name:
        return name if name.startswith("/") and _is_program(name) else None
    for folder in _folders(os.environ.get("PATH", os.defpath)):
        path = os.path.join(folder, name)  # noqa: PTH118
        if _is_program(path):
            return path
    return None


def with_safe_path(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with a PATH of absolute folders only, for what programs start."""
    safe = dict(variables)
    if "PATH" in safe:
        # An empty PATH would be the current folder.
        safe["PATH"] = os.pathsep.join(_folders(safe["PATH"])) or os.defpath
    return safe


def _folders(path: str) -> list[str]:
    return [folder for folder in path.split(os.pathsep) if folder.startswith("/")]


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113
