"""Exchanges with the registry and with the hosts that it names, redirects followed.

Credentials go to the registry's own origin alone.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Final

from keynet.errors import RegistryError
from keynet.registry.address import Registry, follow, origin_of
from keynet.registry.http.exchange import Answer, Call, Stream
from keynet.registry.http.root import REDIRECTS
from keynet.registry.http.transport import Transport
from keynet.registry.http.transport_errors import NotConnected, sent_elsewhere
from keynet.secret import Secret
from keynet.text import _, fill

__all__ = ["Exchanges"]

_MOST_REDIRECTS: Final = 5


class Exchanges:
    """The exchanges of one session.

    Attributes:
        base: The registry's URL in front of ``/v2/``; None until its scheme is known.
        answered: The registry, or a host that it named, has answered.
    """

    def __init__(self, registry: Registry, transport: Transport) -> None:
        self.base: str | None = None
        self.answered = False
        self._registry = registry
        self._transport = transport

    def place(self, url: str) -> str:
        """Name the registry, and the address to which it sent the request if that is another."""
        if self.base is None or self.is_own(url):
            return self._registry.name
        return fill(
            _("{address} (where {registry} sent the request)"),
            address=origin_of(url).text,
            registry=self._registry.name,
        )

    def is_own(self, url: str) -> bool:
        """Report whether a URL is of the registry's own origin."""
        return self.base is not None and origin_of(url) == origin_of(self.base)

    async def send(self, call: Call, header: Secret | None) -> Answer:
        """Make a request and follow its redirects; the header is for the registry alone.

        Raises:
            RegistryUnreachable: No answer.
            RegistryError: A redirect that must not be followed, or too many.
        """
        for count in range(1, _MOST_REDIRECTS + 2):
            sent = header if self.is_own(call.url) else None
            answer = await self.send_to(call, sent)
            self.answered = True
            location = answer.headers.get("location")
            if answer.status not in REDIRECTS or location is None:
                break
            call = replace(call, url=self.redirected(call, location, count))
        return answer

    async def send_to(self, call: Call, header: Secret | None) -> Answer:
        """Make one exchange, with whatever server the URL names.

        Raises:
            RegistryUnreachable: No answer.
        """
        with self._naming_other_hosts(call):
            return await self._transport.send(_authorized(call, header))

    @asynccontextmanager
    async def stream(self, call: Call, header: Secret | None) -> AsyncIterator[Stream]:
        """Make one exchange whose body the caller reads; see ``send_to``."""
        async with AsyncExitStack() as stack:
            with self._naming_other_hosts(call):
                opening = self._transport.stream(_authorized(call, header))
                stream = await stack.enter_async_context(opening)
            yield stream

    @contextmanager
    def _naming_other_hosts(self, call: Call) -> Iterator[None]:
        """Say that the registry chose an address that never answered; it may be wrong."""
        try:
            yield
        except NotConnected as error:
            if self.is_own(call.url) or self._transport.has_answered(call.url):
                raise
            raise sent_elsewhere(self._registry, call.url, error) from error

    def redirected(self, call: Call, location: str, count: int) -> str:
        """Return where a redirect leads.

        Raises:
            RegistryError: It is one too many, or takes content to another host.
        """
        target = follow(call.url, location)
        if count > _MOST_REDIRECTS:
            raise RegistryError(
                fill(
                    _("{registry} redirects in a circle; gave up after {count} redirects."),
                    registry=self._registry.name,
                    count=_MOST_REDIRECTS,
                ),
                _("Check the registry's public URL."),
            )
        if call.method not in ("GET", "HEAD") and origin_of(target) != origin_of(call.url):
            raise RegistryError(
                fill(
                    _("{registry} redirects a {method} to another host, which is refused."),
                    registry=self._registry.name,
                    method=call.method,
                ),
                _("Use the registry's final address."),
            )
        return target


def _authorized(call: Call, header: Secret | None) -> Call:
    if header is None:
        return call
    return replace(call, headers={**call.headers, "Authorization": header.reveal()})
