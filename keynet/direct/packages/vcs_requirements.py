"""Requirements on version control, which have no wheel: named before anything is fetched.

They are refused in any case, since uv finds no git; this says so at once, before an index is asked.

Source: pip, "VCS Support"; PEP 508, direct references.
"""

import re
from collections.abc import Iterable
from typing import Final

from keynet.text import printable

__all__ = ["from_version_control"]

_URL: Final = re.compile(
    r"""[ \t]*
    (?: (?:-e|--editable)[ \t=]*["']?
      | (?P<name>[A-Za-z0-9][A-Za-z0-9._-]*) [ \t]* (?:\[[^\]\n]*\])? [ \t]* @ [ \t]*
    )?
    (?:git|hg|svn|bzr)\+ (?P<url>[^\s"';]*)
    """,
    re.VERBOSE,
)
_EGG: Final = re.compile(r"[#&]egg=([A-Za-z0-9][A-Za-z0-9._-]*)")


def from_version_control(texts: Iterable[str]) -> list[str]:
    """Return the names of such requirements, each once; one without a name has its repository's.

    Args:
        texts: Requirements files, one requirement a line.
    """
    lines = (line for text in texts for line in text.splitlines())
    found = (_URL.match(line) for line in lines)
    return list(dict.fromkeys(each["name"] or _named(each["url"]) for each in found if each))


def _named(url: str) -> str:
    egg = _EGG.search(url)
    if egg:
        return egg[1]
    last = url.partition("#")[0].rstrip("/").rpartition("/")[2].partition("@")[0]
    return printable(last.removesuffix(".git"), 100)
