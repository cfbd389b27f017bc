"""Python's own images, of which it is known what they bring. Pure."""

import re
from typing import Final

from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, Recipe

__all__ = ["BROUGHT", "is_musl", "is_plain", "python"]

# Python's own images, of Docker Hub or a mirror that keeps its names, hold pip and, before 3.12,
# setuptools and wheel; nothing else. One that is called python in another place may hold anything.
_PLAIN_BASE: Final = "library/python"
BROUGHT: Final = frozenset(["pip", "setuptools", "wheel"])
_TAG: Final = re.compile(r"(\d+)\.(\d+)(?:[.-]|$)")
_OF_PYTHON: Final = "PYTHON_SHA256"
_OWN_FOLDER: Final = "/usr/local/bin"
_OTHER_PYTHONS: Final = r"(?i)conda|mamba|miniforge|pyenv|/python|/uv/"
_MUSL: Final = "alpine"
_MUSL_LIBRARY: Final = "musl"


def is_plain(base: Reference, facts: BaseFacts | None = None) -> bool:
    """Report whether an image is one of Python's own, by its name or by its layers."""
    by_layers = facts is not None and bool(facts.plain)
    return by_layers or f"/{base.repository}".endswith(f"/{_PLAIN_BASE}")


def python(recipe: Recipe, facts: BaseFacts | None) -> tuple[int, int] | None:
    """Return the base image's Python, by its config, else by its tag; None if it is not sure."""
    if facts is not None and facts.python is not None:
        return None if _is_hidden(facts) else facts.python
    tag = _TAG.match(recipe.base.tag or "")
    return (int(tag[1]), int(tag[2])) if is_plain(recipe.base) and tag is not None else None


def _is_hidden(facts: BaseFacts) -> bool:
    """Report whether another Python may come before the one of Python's own image on the PATH.

    An image that was made on one of them keeps its PYTHON_VERSION.
    """
    before = facts.environment.get("PATH", "").partition(_OWN_FOLDER)[0]
    return _OF_PYTHON in facts.environment and re.search(_OTHER_PYTHONS, before) is not None


def is_musl(base: Reference, facts: BaseFacts | None = None) -> bool | None:
    """Report whether one of Python's own images has musl as its C library; None if unknown."""
    if facts is not None and facts.plain:
        return facts.plain == _MUSL_LIBRARY
    if base.tag is None:
        return False if base.digest is None else None
    return _MUSL in base.tag
