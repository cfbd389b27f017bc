"""Lists in pages: the Link header followed, bounded, never to another origin.

Source: OCI distribution-spec, "Listing Tags"; RFC 8288.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, TypeVar

from pydantic import BaseModel

from keynet.errors import RegistryError
from keynet.registry.address import follow, origin_of
from keynet.registry.exchange import Answer
from keynet.registry.session import Operation, Session
from keynet.registry.wire import read_json
from keynet.text import _, fill

__all__ = ["names", "next_page", "pages"]

_PAGE_LIMIT: Final = 8 * 1024 * 1024
_MOST_PAGES: Final = 10_000
_MOST_NAMES: Final = 1_000_000
_LINK: Final = re.compile(
    r'<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~-]+\s*(?:=\s*(?:"[^"]*"|[^\s",;]+))?)*)'
)
_NEXT: Final = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]* )?next(?: [^"]*)?"|next)\s*(?:;|$)', re.I)
_M = TypeVar("_M", bound=BaseModel)


async def pages(session: Session, ask: Operation, model: type[_M]) -> list[_M]:
    """Read every page of a list.

    Raises:
        RegistryError: The pages go in circles, lead elsewhere or do not end.
    """
    ask = replace(ask, call=replace(ask.call, limit=_PAGE_LIMIT))
    found: list[_M] = []
    seen: set[str] = set()
    while True:
        answer = await session.send(ask)
        found.append(read_json(model, answer.body, ask.action))
        url = next_page(answer)
        if url is None:
            return found
        if url in seen or len(found) >= _MOST_PAGES:
            raise RegistryError(
                fill(
                    _("Could not {action}: the pages of {registry} do not end."),
                    action=ask.action,
                    registry=session.registry.name,
                ),
                _("The registry, or a proxy in front of it, breaks the protocol."),
            )
        seen.add(url)
        ask = replace(ask, call=replace(ask.call, url=url))


def next_page(answer: Answer) -> str | None:
    """Give the URL of the next page; None: this was the last.

    Raises:
        RegistryError: It lies at another origin.
    """
    for match in _LINK.finditer(answer.headers.get("link", "")[:16_384]):
        if _NEXT.search(match.group(2)):
            url = follow(answer.url, match.group(1))
            if origin_of(url) != origin_of(answer.url):
                raise RegistryError(
                    _("The registry's list goes on at another host, which is refused."),
                    _("Tell the registry's owner to mend its public URL."),
                )
            return url
    return None


def names(found: Iterable[str]) -> list[str]:
    """Collect names, each once, in order; bounded.

    Raises:
        RegistryError: More than a million.
    """
    collected: dict[str, None] = {}
    for name in found:
        collected[name] = None
        if len(collected) > _MOST_NAMES:
            raise RegistryError(
                fill(_("The registry lists more than {count} names."), count=_MOST_NAMES),
                _("Name the repository you look for."),
            )
    return list(collected)
