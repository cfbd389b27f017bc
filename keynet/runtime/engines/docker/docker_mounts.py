"""Mount host CA and package index into a user's RUN steps, with BuildKit.

They are mounted as secrets, because BuildKit cannot mount a folder of the host. A secret that is
not passed is not mounted.
"""

import re
from pathlib import Path
from typing import Final

from keynet.plan import BuildPlan, UserContainerfile
from keynet.runtime.build import host_files
from keynet.runtime.build.rendering import Rendered

__all__ = ["render", "secret_flags", "without_mounts"]

_FLAGS: Final = " ".join(
    f"--mount=type=secret,id=keynet-{name},target={host_files.FOLDER}/{name},mode=0444"
    for name in host_files.FILES
)
# Names of frontends whose RUN is known to have mounts.
_MOUNTING_SYNTAX: Final = re.compile(r"(?:docker\.io/)?docker/dockerfile:1(?:\.(?:[2-9]|\d\d)\S*)?")
_RUN: Final = re.compile(r"\s*RUN(?=\s)", re.IGNORECASE)


def render(plan: BuildPlan, recipe: UserContainerfile) -> Rendered:
    """Return the Containerfile, with mounts added to each RUN if possible."""
    if not host_files.are_needed(plan) or not _can_mount(recipe):
        return Rendered(recipe.text)
    return Rendered(_with_flags(recipe, _FLAGS))


def secret_flags(plan: BuildPlan, built: Rendered, private: Path) -> list[str]:
    """Write the files for the mounts of ``built``; return their ``--secret`` flags.

    Empty if ``built`` has no such mounts.
    """
    if _FLAGS not in built.text:
        return []
    folder = host_files.write(plan, private)
    files = [folder / name for name in host_files.FILES]
    return [f"--secret=id=keynet-{file.name},src={file}" for file in files if file.exists()]


def without_mounts(line: str) -> str:
    """Return a line of the build log without the mounts that keynet has added."""
    return line.replace(f"{_FLAGS} ", "")


def _can_mount(recipe: UserContainerfile) -> bool:
    # The user already mounts something there.
    if f"={host_files.FOLDER}" in recipe.text:
        return False
    return not recipe.syntax or _MOUNTING_SYNTAX.fullmatch(recipe.syntax) is not None


def _with_flags(recipe: UserContainerfile, flags: str) -> str:
    lines = recipe.text.removeprefix("\ufeff").splitlines(keepends=True)
    for instruction in recipe.instructions:
        if instruction.name == "RUN":
            line = lines[instruction.line - 1]
            lines[instruction.line - 1] = _RUN.sub(rf"\g<0> {flags}", line, count=1)
    return "".join(lines)
