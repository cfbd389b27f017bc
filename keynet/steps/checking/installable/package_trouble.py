"""What is known beforehand to make the installation of packages hard, though not impossible. Pure.

The engine may have the packages already, and a source may need no compiler.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from keynet.events import Notice
from keynet.frozen import frozen
from keynet.plan import Recipe
from keynet.steps.checking import plain_base
from keynet.text import Block, _, fill, ngettext, printable, stacked

__all__ = ["Trouble", "notices", "of"]

# Of other packages another version may have a wheel.
_NAME: Final = r"([A-Za-z0-9][A-Za-z0-9._-]*)"
_SOURCES: Final = (
    rf"Because (?:all versions of )?{_NAME}(?:[=<>!~]\S*)? (?:has|have) no usable wheels "
    r"and (?:you require|only) \1\b"
)
_FETCHED: Final = r"(?:Failed to fetch|accessing remote requirements file): `?(https?://[^\s`]+)"
# Its URL may have a login, and is not shown.
_LINKS: Final = "--find-links"
# Variants of Python's own images without a compiler.
_WITHOUT_COMPILER: Final = ("slim", "alpine")
_MOST: Final = 5
_LONGEST: Final = 500


@frozen
class Trouble:
    """Nothing, an index without a usable answer, or packages without a wheel.

    ``asked`` is the URL as it is shown, "" if all answer.
    """

    asked: str = ""
    sources: tuple[str, ...] = ()

    def to_text(self) -> str:
        """Return a text, from which ``from_text`` makes an equal value."""
        return json.dumps([self.asked, self.sources])

    @classmethod
    def from_text(cls, text: str) -> "Trouble":
        """Return the value of ``to_text``.

        Raises:
            ValueError, TypeError: It was not written by this version.
        """
        asked, sources = json.loads(text)
        return cls(str(asked), tuple(map(str, sources)))


def of(output: str, indexes: Sequence[str]) -> Trouble:
    """Return what uv's words say, where they are no proof that nothing can be installed."""
    # A usual push has nothing to explain.
    from keynet.runtime.build import install_errors

    if install_errors.read([], output.splitlines()).is_network:
        return Trouble(_asked(output, indexes)[:_LONGEST])
    return Trouble(
        sources=tuple(dict.fromkeys(re.findall(_SOURCES, " ".join(output.split()))))[:_MOST]
    )


def _asked(output: str, indexes: Sequence[str]) -> str:
    """Return the index that does not answer, or another URL; all indexes where uv names none."""
    from keynet.runtime.build.inside import shown_errors

    shown = [shown_errors.shown(index) for index in indexes]
    found = re.search(_FETCHED, output)
    if found is None and f"`{_LINKS}`" in output:
        return _LINKS
    if found is None:
        return ", ".join(shown) or "?"
    url = shown_errors.shown(found[1])
    return next((index for index in shown if url.startswith(index.rstrip("/") + "/")), url)


def notices(trouble: Trouble, recipe: Recipe) -> Iterator[Notice]:
    """Yield what to say of it before the upload key."""
    if trouble.asked:
        message = fill(
            _(
                "No usable answer from {url}. The build needs it, unless the engine has installed "
                "these requirements before."
            ),
            url=printable(trouble.asked, _LONGEST),
        )
        hint = _("Check the network: HTTPS_PROXY, PIP_INDEX_URL and the DNS of this machine.")
        yield Notice(Block(stacked(message, hint)))
    tag = recipe.base.tag or ""
    if trouble.sources and plain_base.is_plain(recipe.base) and _lacks_compiler(tag):
        message = fill(
            ngettext(
                "{names} has no wheel for this Python and platform, and the base image {base} has "
                "no compiler to build it from source.",
                "{names} have no wheel for this Python and platform, and the base image {base} has "
                "no compiler to build them from source.",
                len(trouble.sources),
            ),
            names=printable(", ".join(trouble.sources), _LONGEST),
            base=recipe.from_name,
        )
        hint = _(
            "If the build fails at it, choose a base with build tools (python:3.11 instead of "
            "python:3.11-slim), or a version that has a wheel."
        )
        yield Notice(Block(stacked(message, hint)), "note")


def _lacks_compiler(tag: str) -> bool:
    return any(word in tag for word in _WITHOUT_COMPILER)
