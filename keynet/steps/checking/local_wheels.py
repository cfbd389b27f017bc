"""Wheels that the project brings along, against the image's platform."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from keynet.errors import ContextInvalid
from keynet.oci import platform as platforms
from keynet.oci.platform import Platform
from keynet.plan import BuildPlan, Recipe
from keynet.text import _, fill, printable

__all__ = ["check"]

# A line that names a wheel of the set of files, and no marker.
_LINE: Final = rb"(?m)^(?:[\w.-]+ @ )?\./(\S+\.whl)(?: --\S+)*$"
_MACHINES: Final = {"amd64": ("x86_64",), "arm64": ("aarch64",)}
_PARTS: Final = 5


def check(plan: BuildPlan) -> None:
    """Refuse a wheel that no image of the plan's platforms can use.

    Raises:
        ContextInvalid: There is one.
    """
    if not isinstance(plan.recipe, Recipe):
        return
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


def _listed(files: Mapping[str, bytes | Path]) -> Iterator[str]:
    for name, content in sorted(files.items()):
        if name.endswith(".txt") and isinstance(content, bytes):
            yield from (PurePosixPath(found.decode()).name for found in re.findall(_LINE, content))


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
