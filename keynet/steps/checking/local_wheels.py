"""Wheels that the project brings along, against the image's platform."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from keynet.errors import ContextInvalid
from keynet.oci import platform as platforms
from keynet.oci.platform import Platform
from keynet.plan import BuildPlan, Recipe
from keynet.steps.checking import plain_base
from keynet.text import _, fill, printable

__all__ = ["check"]

# A line that names a wheel of the set of files, and no marker.
_LINE: Final = r"(?:[\w.-]+ @ )?\./(\S+\.whl)(?: --\S+)*"
_MACHINES: Final = {"amd64": ("x86_64",), "arm64": ("aarch64",)}
_PARTS: Final = 5
_PYTHON: Final = re.compile(r"(cp|py)(\d)(\d{0,2})")


def check(plan: BuildPlan) -> None:
    """Refuse a wheel that no image of the plan's platforms can use, or its Python.

    Raises:
        ContextInvalid: There is one.
    """
    if not isinstance(plan.recipe, Recipe):
        return
    python = plain_base.python(plan.recipe, plan.base_facts)
    if python is not None:
        _check_python(plan.recipe, python)
    for platform in plan.platforms or (platforms.host(),):
        for name in _listed(plan.recipe.dependencies.files):
            tags = _platform_tags(name)
            if tags and not any(_fits(tag, platform) for tag in tags):
                raise ContextInvalid(
                    fill(
                        _("{file} is a wheel for {tags}; the image is for {platform}."),
                        file=printable(name, 200),
                        tags=printable(", ".join(tags), 200),
                        platform=platform,
                    ),
                    _("Bring the wheel for that platform, or list the package by its name."),
                )


def _check_python(recipe: Recipe, python: tuple[int, int]) -> None:
    for name in _listed(recipe.dependencies.files):
        parts = name.removesuffix(".whl").split("-")
        if len(parts) < _PARTS or _runs_on(parts[-3].split("."), parts[-2].split("."), python):
            continue
        raise ContextInvalid(
            fill(
                _("{file} is a wheel for {tags}; the base image {base} has Python {version}."),
                file=printable(name, 200),
                tags=printable(parts[-3], 200),
                base=recipe.from_name,
                version="{}.{}".format(*python),
            ),
            _("Bring the wheel for that Python, or choose another base image with --base-image."),
        )


def _runs_on(pythons: list[str], abis: list[str], python: tuple[int, int]) -> bool:
    """Report whether a Python may take one of these tags; what is not understood is left alone."""
    for tag in pythons:
        found = _PYTHON.fullmatch(tag)
        if found is None:
            return True
        version = (int(found[2]), int(found[3] or 0))
        is_exact = found[1] == "cp" and found[3] and "abi3" not in abis and "none" not in abis
        if version == python or (version[0] == python[0] and version < python and not is_exact):
            return True
    return False


def _listed(files: Mapping[str, bytes | Path]) -> Iterator[str]:
    if not any(isinstance(it, bytes) and b".whl" in it for it in files.values()):
        return
    from keynet.steps.checking.listed_lines import listed_lines

    for line in listed_lines(files):
        found = re.fullmatch(_LINE, line)
        if found is not None:
            yield PurePosixPath(found[1]).name


def _platform_tags(name: str) -> list[str]:
    """Return the platforms in a wheel's name; none where it has not the form of one.

    Source: packaging.python.org, "Binary distribution format", "File name convention".
    """
    parts = name.removesuffix(".whl").split("-")
    return parts[-1].split(".") if len(parts) >= _PARTS else []


def _fits(tag: str, platform: Platform) -> bool:
    if tag == "any":
        return True
    machines = _MACHINES.get(platform.architecture, ("",))
    return "linux" in tag and tag.endswith(machines)
