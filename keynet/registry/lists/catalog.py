"""The list of repositories, which many registries do not offer.

Source: Docker Registry HTTP API V2, "Catalog".
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from keynet.errors import RegistryError
from keynet.registry.http.exchange import Call
from keynet.registry.http.ping import ping
from keynet.registry.http.session import Operation, Session
from keynet.registry.lists import listing
from keynet.registry.wire import Catalog
from keynet.text import _, fill

__all__ = ["repositories"]

_NOT_OFFERED: Final = frozenset({400, 401, 403, 404, 405, 406, 410, 501})


async def repositories(session: Session, page_size: int) -> list[str]:
    """List every repository, in the registry's order.

    Raises:
        RegistryDenied, NotFound, RegistryError: The registry offers no list.
    """
    operation = Operation(
        Call("GET", f"/v2/_catalog?n={page_size}"),
        _("list the repositories"),
        ("registry:catalog:*",),
    )
    async with _explained(session):
        found = await listing.pages(session, operation, Catalog)
    return listing.unique_names(name for page in found for name in page.repositories or ())


@asynccontextmanager
async def _explained(session: Session) -> AsyncIterator[None]:
    """Say of a refused list that the registry offers none, where the credentials are good.

    Docker Hub, for one, refuses the list as it refuses wrong credentials: with 401. Whether the
    registry's root accepts them makes the difference.
    """
    try:
        yield
    except RegistryError as error:
        if error.status not in _NOT_OFFERED or not await _accepted(session):
            raise
        code = f" {error.code}" if error.code else ""
        said = f": {error.said}" if error.said else ""
        raise type(error)(
            fill(
                _(
                    "{registry} offers no list of its repositories to this account "
                    "({status}{code}{said})."
                ),
                registry=session.registry.name,
                status=error.status,
                code=code,
                said=said,
            ),
            _(
                "Many registries have none, or keep it for administrators: look on the "
                "registry's web page. keynet registry tags lists one repository."
            ),
            status=error.status,
            code=error.code,
            said=error.said,
        ) from error


async def _accepted(session: Session) -> bool:
    try:
        await ping(session)
    except RegistryError:
        return False
    return True
