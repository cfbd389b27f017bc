"""Requirements that need no parser: a name, and a version as nearly everybody writes them.

The parser of PEP 508 takes 15 ms to import, which a push of such requirements saves.
"""

import re
from typing import Final

from keynet.recipe.dependencies.declared import canonical

__all__ = ["is_plain", "plain_name"]

_PLAIN: Final = re.compile(
    r"([A-Za-z0-9](?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9])?)"
    r"(?: {0,2}(?:==|>=|<=|!=|<|>) {0,2}[0-9]{1,9}(?:\.[0-9]{1,9}){0,5})?"
)


def is_plain(line: str) -> bool:
    """Report whether a line is such a requirement, without options, extras and markers."""
    return _PLAIN.fullmatch(line) is not None


def plain_name(line: str) -> str:
    """Return the canonical name of the distribution in such a line; "" for another one."""
    found = _PLAIN.fullmatch(line)
    return canonical(found[1]) if found else ""
