"""The Python of the base image against what script and project need."""

from collections.abc import Iterator
from pathlib import Path

from keynet.recipe.dependencies import default_python
from keynet.recipe.packages import python_versions
from keynet.script.imports import Imports
from keynet.steps.checking.doubt import Doubt
from keynet.text import _, fill

__all__ = ["check"]


def check(
    path: Path, text: str, imports: Imports, requires_python: str, base: tuple[int, int], image: str
) -> Iterator[Doubt]:
    """Compare with a base image whose Python is known.

    Args:
        text: The script.
        requires_python: The project's version specifier, "" without one.
        base: (major, minor) of the base image's Python.
        image: The base image, as it is shown.
    """
    has = _version(base)
    if requires_python and not python_versions.admits(requires_python, base):
        yield Doubt(
            fill(
                _("The project requires Python {wanted}; the base image {image} has {has}."),
                wanted=requires_python,
                image=image,
                has=has,
            ),
            _fitting(requires_python),
        )
    needed = python_versions.needed_by_syntax(text, base)
    if needed is not None:
        version, line = needed
        yield Doubt(
            fill(
                _("{path}, line {line}: needs Python {needed}; the base image {image} has {has}."),
                path=path,
                line=line,
                needed=_version(version),
                image=image,
                has=has,
            ),
            fill(
                _("Choose a newer base with --base-image, such as python:{needed}-slim."),
                needed=_version(version),
            ),
        )
    for each in imports.modules:
        since = python_versions.standard_since(each.top)
        until = python_versions.standard_until(each.top)
        if (since is not None and base < since) or (until is not None and base >= until):
            yield Doubt(
                fill(
                    _(
                        "{path}, line {line}: Python {has} of the base image {image} has no "
                        "module {module}."
                    ),
                    path=each.path,
                    line=each.line,
                    module=each.top,
                    image=image,
                    has=has,
                ),
                fill(
                    _("Choose a base with --base-image whose Python is {bound}."),
                    bound=f">= {_version(since)}" if since else f"< {_version(until or base)}",
                ),
            )


def _version(version: tuple[int, int]) -> str:
    return "{}.{}".format(*version)


def _fitting(requires_python: str) -> str:
    """Return what to do where the base's Python is not one that the project takes."""
    for version in default_python.KNOWN:
        if python_versions.admits(requires_python, version):
            return fill(
                _("Choose another base with --base-image, such as python:{version}-slim."),
                version=_version(version),
            )
    return _("Choose another base image with --base-image.")
