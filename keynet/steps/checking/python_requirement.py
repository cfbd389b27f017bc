"""A requirement on Python itself, as conda's lists have it, which no installer can meet."""

import re
from typing import Final

from keynet.errors import ContextInvalid
from keynet.plan import Dependencies
from keynet.recipe.dependencies import default_python
from keynet.recipe.packages import python_versions
from keynet.text import _, fill

__all__ = ["check"]

_PYTHON: Final = r"(?i)python\s*((?:[<>=!~][^;#\[\]@]*)?)"


def check(dependencies: Dependencies) -> None:
    """Refuse dependencies that list Python.

    Raises:
        ContextInvalid: They do.
    """
    for line in dependencies.lines:
        found = re.fullmatch(_PYTHON, line)
        if found is None:
            continue
        source = dependencies.source
        raise ContextInvalid(
            fill(
                _("{source}: {line} cannot be installed: Python comes with the base image."),
                source=source.name if source is not None else _("the dependencies"),
                line=line,
            ),
            fill(
                _("Remove the line; --base-image python:{version}-slim chooses the Python."),
                version="{}.{}".format(*_fitting(found[1])),
            ),
        )


def _fitting(specifier: str) -> tuple[int, int]:
    default, _reason = default_python.choose([])
    offered = (default, *default_python.KNOWN)
    return next((it for it in offered if python_versions.admits(specifier, it)), default)
