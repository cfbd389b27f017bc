"""The root of a registry's API: whether a registry answers, and accepts the credentials.

Source: OCI distribution-spec, "Determining Support".
"""

from keynet.errors import RegistryError
from keynet.net import server_words
from keynet.registry.http.exchange import Call
from keynet.registry.http.session import Operation, Session
from keynet.text import _, fill

__all__ = ["ping"]


async def ping(session: Session) -> None:
    """Check that a registry answers and accepts the credentials.

    Raises:
        RegistryUnreachable: No answer.
        RegistryDenied: The credentials are refused.
        RegistryError: The answer is not a registry's.
    """
    answer = await session.send(Operation(Call("GET", "/v2/"), _("reach the registry")))
    page = server_words.page(answer.body)
    if page and "docker-distribution-api-version" not in answer.headers:
        raise RegistryError(
            fill(
                _("{registry} does not answer as a registry but with a page: {page}."),
                registry=session.registry.name,
                page=page,
            ),
            _("Check the address; a proxy or a sign-in page may answer in its place."),
            status=answer.status,
        )
