"""What a project says that it needs: distributions that its image has for certain."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from keynet.files import limited_toml

__all__ = ["required"]

_NAME: Final = re.compile(
    r"\s*+([A-Za-z0-9][A-Za-z0-9._-]*+)\s*+(\[[^\]]*+\])?\s*+([<>=!~@(].*)?$", re.S
)
_FILES: Final = ("requirements.txt", "pyproject.toml")
# Distributions whose name is not that of what they are imported as.
_IMPORTED_AS: Final = {
    "absl-py": "absl",
    "opencv-python": "cv2",
    "opencv-python-headless": "cv2",
    "pillow": "pil",
    "pytorch-lightning": "pytorch_lightning",
    "pyyaml": "yaml",
    "scikit-image": "skimage",
    "scikit-learn": "sklearn",
    "typed-argument-parser": "tap",
}


def required(read: Callable[[str], bytes | None]) -> frozenset[str]:
    """Return the names, in lower case, by which what a project requires is imported.

    What depends on a marker, an extra or another file does not count.

    Args:
        read: Returns the content of a file in the project's root, None where there is none.
    """
    found: set[str] = set()
    for name in _FILES:
        content = read(name)
        if content is not None:
            text = content.decode("utf-8", "replace")
            lines = _of_pyproject(text) if name.endswith(".toml") else text.splitlines()
            found.update(_names(lines))
    return frozenset(found)


def _of_pyproject(text: str) -> list[str]:
    # Few scripts have an import that may fail.
    try:
        project = limited_toml.loads(text.encode()).get("project")
    except ValueError:
        return []
    listed = project.get("dependencies") if isinstance(project, dict) else None
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def _names(lines: list[str]) -> Iterator[str]:
    for line in lines:
        plain = re.sub(r"(^|\s)#.*", "", line)
        match = None if ";" in plain else _NAME.match(plain)
        if match is not None:
            name = re.sub(r"[-_.]+", "-", match[1]).lower()
            yield _IMPORTED_AS.get(name, name.replace("-", "_"))
