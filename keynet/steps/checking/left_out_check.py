"""Modules of the project that the script imports and that stay out of the image."""

from collections.abc import Iterator
from pathlib import Path

from keynet.files import places
from keynet.plan import BuildPlan
from keynet.script.imports import Imports
from keynet.steps.checking.doubt import Doubt
from keynet.text import _, fill

__all__ = ["check"]


def check(plan: BuildPlan, imports: Imports) -> Iterator[Doubt]:
    """Find the first module in the context that an ignore file excludes."""
    context = Path(places.real(plan.context))
    there = {file.path for file in plan.files if not file.is_folder}
    for path in imports.own:
        if not path.is_relative_to(context) or not path.is_file():
            # What lies above the context is named when the start is decided; a package without
            # __init__.py has no file.
            continue
        name = path.relative_to(context).as_posix()
        if name not in there and not _is_linked(name, there):
            yield Doubt(
                fill(
                    _(
                        "{path} is imported when the script starts, but is not in the image: the "
                        "ignore file excludes it."
                    ),
                    path=name,
                ),
                fill(
                    _("Remove the line that excludes it from the ignore file, or add: !{path}"),
                    path=name,
                ),
            )
            return


def _is_linked(name: str, there: set[str]) -> bool:
    """Report whether a folder above it is in the image as a link."""
    parents = name.split("/")[:-1]
    return any("/".join(parents[:depth]) in there for depth in range(1, len(parents) + 1))
