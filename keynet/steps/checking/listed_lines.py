"""Lines of requirements files that ask for packages; constraints ask for none."""

from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

__all__ = ["listed_lines"]

_CONSTRAINTS = ("-c", "--constraint")


def listed_lines(files: Mapping[str, bytes | Path]) -> Iterator[str]:
    """Yield the lines of a recipe's requirements files, but those of files of constraints."""
    texts = {
        name: content.decode("utf-8", "replace").splitlines()
        for name, content in sorted(files.items())
        if name.endswith(".txt") and isinstance(content, bytes)
    }
    constraints = {
        PurePosixPath(words[1]).name
        for lines in texts.values()
        for line in lines
        if line.startswith(_CONSTRAINTS)
        and len(words := line.replace("=", " ", 1).split()) > 1
        and words[0] in _CONSTRAINTS
    }
    for name, lines in texts.items():
        if PurePosixPath(name).name not in constraints:
            yield from lines
