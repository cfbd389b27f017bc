"""An index that does not answer: the engine may have the packages already. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from keynet.events import Notice
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["notice", "of"]

_FETCHED: Final = r"(?:Failed to fetch|accessing remote requirements file): `?(https?://[^\s`]+)"
# Its URL may have a login, and is not shown.
_LINKS: Final = "--find-links"
_LONGEST: Final = 500


def of(output: str, indexes: Sequence[str]) -> str:
    """Return the index, or another URL, that uv had no usable answer from; "" if all answered.

    Where uv names none it is all ``indexes``.
    """
    # A usual push has nothing to explain.
    from keynet.runtime.build import install_errors

    if not install_errors.read([], output.splitlines()).is_network:
        return ""
    shown = [_shown(index) for index in indexes]
    found = re.search(_FETCHED, output)
    if found is None and f"`{_LINKS}`" in output:
        return _LINKS
    if found is None:
        return (", ".join(shown) or "?")[:_LONGEST]
    url = _shown(found[1])
    index = next((index for index in shown if url.startswith(index.rstrip("/") + "/")), url)
    return index[:_LONGEST]


def _shown(url: str) -> str:
    """Return a URL without what may be a secret: login, query and fragment."""
    from keynet.runtime.build.inside import shown_errors

    return shown_errors.shown(url.partition("?")[0].partition("#")[0])


def notice(url: str) -> Notice:
    """Return what to say of it before the upload key."""
    message = fill(
        _(
            "No usable answer from {url}. The build needs it, unless the engine has installed "
            "these requirements before."
        ),
        url=printable(url, _LONGEST),
    )
    hint = _("Check the network: HTTPS_PROXY, PIP_INDEX_URL and the DNS of this machine.")
    return Notice(Block(stacked(message, hint)))
