"""Read lists that come in pages: the Link header is followed, never to another origin.

A list is returned whole or ends in an error.

Source: OCI distribution-spec, "Listing Tags"; RFC 8288.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final, TypeVar, assert_never

from keynet.errors import RegistryError
from keynet.registry.address import follow, origin_of
from keynet.registry.http.exchange import Answer, Call
from keynet.registry.http.session import Operation, Session
from keynet.registry.wire import Catalog, ManifestWire, TagList, read_json
from keynet.text import _, fill

__all__ = ["in_time", "next_page", "pages", "tags", "unique_names"]

_PAGE_LIMIT: Final = 8 * 1024 * 1024
# Registries that filter by permission may send some pages of which nothing is left.
_MOST_PAGES_WITHOUT_NEWS: Final = 100
# No such page size, or none at all: docker-registry answers 400 above its own maximum.
_REFUSED_SIZES: Final = frozenset({400, 416, 422})
_LINK: Final = re.compile(
    r'<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~-]+\s*(?:=\s*(?:"[^"]*"|[^\s",;]+))?)*)'
)
_NEXT: Final = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]* )?next(?: [^"]*)?"|next)\s*(?:;|$)', re.I)
_M = TypeVar("_M", Catalog, TagList, ManifestWire)


async def tags(session: Session, repository: str, page_size: int) -> list[str]:
    """List every tag of a repository, in the registry's order."""
    operation = Operation(
        Call("GET", f"/v2/{repository}/tags/list?n={page_size}"),
        fill(_("list the tags of {repository}"), repository=repository),
        (f"repository:{repository}:pull",),
        repository,
    )
    found = await pages(session, operation, TagList)
    return unique_names(name for page in found for name in page.tags or ())


async def pages(session: Session, operation: Operation, model: type[_M]) -> list[_M]:
    """Read every page of a list.

    Raises:
        RegistryError: The pages form a circle, lead to another origin, do not end within the
            session's limits, or take too long.
    """
    operation = replace(operation, call=replace(operation.call, limit=_PAGE_LIMIT))
    found: list[_M] = []
    async with in_time(session, operation.action):
        await _read(session, operation, model, found)
    return found


@asynccontextmanager
async def in_time(session: Session, action: str) -> AsyncIterator[None]:
    """Limit the time for all pages of a list together.

    Raises:
        RegistryError: It took longer than the session allows.
    """
    try:
        async with asyncio.timeout(session.lists.seconds):
            yield
    except TimeoutError as error:
        raise RegistryError(
            fill(
                _("Could not {action}: {registry} took longer than {seconds:.0f} seconds."),
                action=action,
                registry=session.registry.name,
                seconds=session.lists.seconds,
            ),
            _("Try again later. From Python, ListLimits(seconds=…) allows more time."),
            temporary=True,
        ) from error


async def _read(session: Session, operation: Operation, model: type[_M], found: list[_M]) -> None:
    limits = session.lists
    names: set[str] = set()
    seen: set[str] = set()
    without_news = 0
    answer = await _first_page(session, operation)
    while True:
        page = read_json(model, answer.body, operation.action)
        before = len(names)
        names.update(_names(page))
        without_news = 0 if len(names) > before else without_news + 1
        found.append(page)
        url = next_page(answer)
        if url is None:
            return
        endless = url in seen or without_news > _MOST_PAGES_WITHOUT_NEWS
        if endless or len(found) >= limits.pages or len(names) > limits.names:
            raise RegistryError(
                fill(
                    _(
                        "Could not {action}: the pages of {registry} do not end "
                        "({pages} pages with {names} names)."
                    ),
                    action=operation.action,
                    registry=session.registry.name,
                    pages=len(found),
                    names=len(names),
                ),
                _("The registry, or a proxy in front of it, breaks the protocol.")
                if endless
                else _("If the list is really that long: from Python, ListLimits allows more."),
            )
        seen.add(url)
        answer = await session.send(replace(operation, call=replace(operation.call, url=url)))


async def _first_page(session: Session, operation: Operation) -> Answer:
    try:
        return await session.send(operation)
    except RegistryError as error:
        url, query, _size = operation.call.url.partition("?n=")
        if error.status not in _REFUSED_SIZES or not query:
            raise
    return await session.send(replace(operation, call=replace(operation.call, url=url)))


def _names(page: Catalog | TagList | ManifestWire) -> Iterable[str]:
    match page:
        case Catalog():
            return page.repositories or ()
        case TagList():
            return page.tags or ()
        case ManifestWire():
            return [entry.digest for entry in page.manifests or ()]
        case _:
            assert_never(page)


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
    """Return the names in order, each once."""
    return list(dict.fromkeys(found))
