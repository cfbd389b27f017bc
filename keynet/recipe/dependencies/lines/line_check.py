"""Check requirements on the host, so that a malformed one costs no build."""

import re
from typing import Final

from keynet.recipe.dependencies.lines import line_errors, references
from keynet.recipe.dependencies.lines.plain_lines import is_plain

__all__ = ["ONLY_PIP", "UNDERSTOOD", "LineCheck"]

# Options of a whole file that not only pip knows.
UNDERSTOOD: Final = frozenset(
    {
        "--index-url",
        "--extra-index-url",
        "--find-links",
        "--no-index",
        "--no-binary",
        "--only-binary",
        "--trusted-host",
        "--pre",
        "--require-hashes",
    }
)
# What else some version of pip takes in a file; all others are for its command line.
# Source: pip, "Requirements File Format", now and in 2016.
ONLY_PIP: Final = frozenset(
    {
        "--prefer-binary",
        "--use-feature",
        "--global-option",
        "--install-option",
        "--config-settings",
        "--process-dependency-links",
        "--always-unzip",
        "-Z",
        "--no-use-wheel",
        "--use-wheel",
        "--all-releases",
        "--only-final",
    }
)
# In a file of 100,000 lines, the others are checked less closely: the parser takes 20 µs a line.
_CLOSELY: Final = 5_000
_SIMPLE: Final = (
    r"[A-Za-z0-9][A-Za-z0-9._-]*+(?:\[[A-Za-z0-9._, -]*+\])?+\s*+"
    r"(?:\(?+(?:~=|={2,3}|!=|<=|>=|<|>)\s*+[A-Za-z0-9.*+!_-]++\s*+"
    r"(?:,\s*+(?:~=|={2,3}|!=|<=|>=|<|>)\s*+[A-Za-z0-9.*+!_-]++\s*+)*+\)?+)?+"
)


class LineCheck:
    """Check requirements of PEP 508, the first ones closely."""

    def __init__(self) -> None:
        self._checked = 0

    def check(self, requirement: str, where: str) -> None:
        """Check one requirement without its options.

        Raises:
            ContextInvalid: It is not valid.
        """
        if references.is_url(requirement) or is_plain(requirement):
            return
        self._checked += 1
        if self._checked > _CLOSELY:
            if not re.match(_SIMPLE, requirement):
                raise line_errors.malformed(where, requirement, "")
            return
        # Imports packaging (15 ms).
        from packaging.requirements import InvalidRequirement

        from keynet.recipe.dependencies import pep508

        try:
            pep508.parse(requirement)
        except InvalidRequirement as error:
            raise line_errors.malformed(where, requirement, str(error).split("\n")[0]) from error
