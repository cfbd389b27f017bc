"""The names of distributions: those that requirements name, and those of uv's answers. Pure."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from keynet.recipe.dependencies.declared import canonical
from keynet.recipe.dependencies.lines.plain_lines import plain_name
from keynet.recipe.packages import import_names

__all__ = ["instead_of", "named", "resolved"]

_ARCHIVES: Final = (".whl", ".tar.gz", ".zip")
_MOST_LINES: Final = 20_000
# What people write and mean something else by; modules are found in the table of modules.
_INSTEAD: Final = {
    "faiss": "faiss-cpu",
    "nvidia-cudnn": "nvidia-cudnn-cu12",
    "opencv": "opencv-python",
    # Written by pip freeze of old Debian and Ubuntu.
    "pkg-resources": "setuptools",
    "python-opencv": "opencv-python",
    "python-pytorch": "torch",
    "pytorch": "torch",
}


def named(files: Mapping[str, bytes | Path]) -> frozenset[str]:
    """Return the canonical names of the distributions that requirements files name."""
    found = set()
    for name, content in files.items():
        if isinstance(content, Path) or not name.endswith(".txt"):
            if name.endswith(".whl"):
                found.add(_archive_name(name))
            continue
        for line in content.decode("utf-8", "replace").splitlines()[:_MOST_LINES]:
            written = line.partition(" --")[0].partition(" #")[0].rstrip("\\ ")
            found.add(plain_name(written) or _parsed_name(written))
    return frozenset(found) - {""}


def resolved(lines: str) -> Iterator[str]:
    """Iterate over the names in uv's output: ``six==1.16.0 ; marker``, ``./archives/x-1-….whl``."""
    for line in lines.splitlines():
        written = line.split(" ", 1)[0]
        if not written or written.startswith(("#", "-")):
            continue
        if written.endswith(_ARCHIVES):
            yield _archive_name(written)
        else:
            yield canonical(re.split(r"[=\[]", written, maxsplit=1)[0])


def instead_of(name: str) -> str:
    """Return the distribution that people mean who write another name for it; "" if unknown."""
    written = canonical(name)
    known = _INSTEAD.get(written) or import_names.best_provider(written.replace("-", "_"))
    return "" if known == written else known


def _archive_name(path: str) -> str:
    return canonical(PurePosixPath(path).name.partition("-")[0])


def _parsed_name(line: str) -> str:
    """Return the canonical name in a requirement; "" if it is not one."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return canonical(Requirement(line).name)
    except InvalidRequirement:
        return ""
