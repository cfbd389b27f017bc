"""Read lists that come in pages: the Link header is followed, never to another origin.

Source: OCI distribution-spec, "Listing Tags"; RFC 8288.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final, TypeVar

from pydantic import BaseModel

from keynet.errors import RegistryError
from keynet.registry.address import follow, origin_of
from keynet.registry.http.exchange import Answer
from keynet.registry.http.session import Operation, Session
from keynet.registry.wire import read_json
from keynet.text import _, fill

__all__ = ["next_page", "pages", "unique_names"]

_PAGE_LIMIT: Final = 8 * 1024 * 1024
_MOST_PAGES: Final = 10_000
_MOST_NAMES: Final = 1_000_000
_LINK: Final = re.compile(
    r'<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~-]+\s*(?:=\s*(?:"[^"]*"|[^\s",;]+))?)*)'
)
_NEXT: Final = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]* )?next(?: [^"]*)?"|next)\s*(?:;|$)', re.I)
_M = TypeVar("_M", bound=BaseModel)


async def pages(session: Session, operation: Operation, model: type[_M]) -> list[_M]:
    """Read every page of a list.

    Raises:
        RegistryError: The pages form a circle, lead to another origin or do not end.
    """
    operation = replace(operation, call=replace(operation.call, limit=_PAGE_LIMIT))
    found: list[_M] = []
    seen: set[str] = set()
    while True:
        answer = await session.send(operation)
        found.append(read_json(model, answer.body, operation.action))
        url = next_page(answer)
        if url is None:
            return found
        if url in seen or len(found) >= _MOST_PAGES:
            raise RegistryError(
                fill(
                    _("Could not {action}: the pages of {registry} do not end."),
                    action=operation.action,
                    registry=session.registry.name,
                ),
                _("The registry, or a proxy in front of it, breaks the protocol."),
            )
        seen.add(url)
        operation = replace(operation, call=replace(operation.call, url=url))


def next_page(answer: Answer) -> str | None:
    """Return the URL of the next page; None: this was the last.

    Raises:
        RegistryError: It is at another origin.
    """
    for match in _LINK.finditer(answer.headers.get("link", "")[:16_384]):
        if _NEXT.search(match.group(2)):
            url = follow(answer.url, match.group(1))
            if origin_of(url) != origin_of(answer.url):
                raise RegistryError(
                    _("The registry's list continues on another host, which is refused."),
                    _("Ask the registry's owner to correct its public URL."),
                )
            return url
    return None


def unique_names(found: Iterable[str]) -> list[str]:
    """Return the names in order, each once.

    Raises:
        RegistryError: More than a million.
    """
    collected: dict[str, None] = {}
    for name in found:
        collected[name] = None
        if len(collected) > _MOST_NAMES:
            raise RegistryError(
                fill(_("The registry lists more than {count} names."), count=_MOST_NAMES),
                _("Name the repository that you are looking for."),
            )
    return list(collected)
