"""The layers of one request: retries, credentials, redirects, one exchange.

``send`` repeats a request that failed temporarily, ``send_once`` does not; both renew credentials
after a 401, and follow redirects without sending credentials to another origin.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import field, replace
from typing import Final

from keynet.errors import RegistryError, RegistryUnreachable
from keynet.frozen import frozen
from keynet.net.proxy_errors import passed_by
from keynet.net.retry import TEMPORARY_STATUSES, Budget, Retries, retry_after
from keynet.net.sign_in import SignIn
from keynet.registry.address import Registry
from keynet.registry.auth.authentication import Authorizer
from keynet.registry.auth.credential_sources import CredentialSource
from keynet.registry.http.exchange import Answer, Call, ListLimits, Stream
from keynet.registry.http.exchanges import Exchanges
from keynet.registry.http.refusals import Purpose, purpose_of
from keynet.registry.http.root import REDIRECTS, ROOT, Root
from keynet.registry.http.status_errors import failure
from keynet.registry.http.transport import Transport
from keynet.registry.http.transport_errors import (
    NotConnected,
    ProxyFailed,
    TlsFailed,
)
from keynet.text import _

__all__ = ["Operation", "Session"]

_FIRST_TRIES: Final = 3
_ERROR_LIMIT: Final = 64 * 1024


@frozen
class Operation:
    """A request to the registry, with what its layers need to know.

    Args:
        call: ``url`` is absolute, or a path below the registry's base.
        action: For errors: ``push layer sha256:5b1c…``.
        scopes: Token scopes that it needs.
        repository: Whose credentials are used; "" for the registry as a whole.
        expect: Statuses that are no error.
        tries: The most times that it is sent in a row; by default as often as the session allows.
    """

    call: Call
    action: str
    scopes: tuple[str, ...] = ()
    repository: str = ""
    expect: frozenset[int] = field(default=frozenset({200}))
    tries: int | None = None


class Session:
    """Talk to one registry; the first request finds out whether by https or http."""

    def __init__(
        self,
        registry: Registry,
        sources: Sequence[CredentialSource],
        transport: Transport,
        retries: Retries,
        lists: ListLimits | None = None,
        sign_in: SignIn | None = None,
    ) -> None:
        self.registry = registry
        self.retries = retries
        self.lists = lists or ListLimits()
        self._transport = transport
        self._exchanges = Exchanges(registry, transport)
        self._auth = Authorizer(registry, sources, self._send_to_token_server, sign_in)
        # Another client has asked already.
        self._exchanges.answered = self._auth.challenged_before
        self._first_request = asyncio.Lock()
        self._root = Root(self._auth, transport.send, self._wait_or_raise, self._first_tries)

    def expect(self, scopes: Sequence[str]) -> None:
        """Sign in for all these scopes at once when the first of them is needed."""
        self._auth.expect(scopes)

    def failure(self, answer: Answer | Stream, action: str, body: bytes = b"") -> RegistryError:
        """Return the error for an answer with an unexpected status."""
        content = answer.body if isinstance(answer, Answer) else body
        own = self._exchanges.base is None or self._exchanges.is_own(answer.url)
        error = failure(
            answer.status,
            answer.headers,
            content,
            action,
            self._exchanges.place(answer.url),
            purpose=purpose_of(answer.method, answer.url) if own else Purpose.STORAGE,
            hide=self._auth.secrets(),
            anonymous=self._auth.anonymous,
        )
        if answer.through and (answer.status == 403 or answer.status >= 500):
            error.hint = passed_by(answer.through, error.hint)
        return error

    async def connect(self) -> str:
        """Return the base URL; the registry is asked for its scheme only when http is allowed.

        Raises:
            RegistryUnreachable: Neither https nor, where allowed, http answers.
        """
        if self._exchanges.base is None:
            registry = self.registry
            scheme = registry.scheme or self._auth.url_scheme
            if scheme is None and not registry.http_allowed:
                scheme = "https"
            if scheme is not None:
                self._exchanges.base = registry.base(scheme)
                return self._exchanges.base
            async with self._first_request:
                if self._exchanges.base is None:
                    self._exchanges.base = await self._find_base()
        return self._exchanges.base

    async def send(self, operation: Operation) -> Answer:
        """Make the request, again when that may help, until it has an expected status.

        Raises:
            RegistryError: Any other status; see ``status_errors``.
            RegistryUnreachable: No answer.
        """
        await self.connect()
        if not self._exchanges.answered:
            # The first request goes alone: the others use what it learns about credentials.
            async with self._first_request:
                if not self._exchanges.answered:
                    return await self._send(operation)
        return await self._send(operation)

    async def send_once(self, operation: Operation) -> Answer:
        """Make the request without retries; the caller judges any status but 401."""
        scopes = set(operation.scopes)
        url = await self._absolute(operation.call.url)
        await self._offer_credentials(operation)
        for last in (False, False, True):
            header = await self._auth.header(scopes, operation.repository)
            answer = await self._exchanges.send(replace(operation.call, url=url), header)
            if answer.status != 401:
                return answer
            if last or not self._exchanges.is_own(answer.url):
                break
            if header is None and not self._auth.learn(answer) and await self._learned_at_root():
                continue
            await self._auth.challenged(
                answer, header, scopes, operation.repository, operation.action
            )
        raise self.failure(answer, operation.action)

    @asynccontextmanager
    async def stream(self, operation: Operation) -> AsyncIterator[Stream]:
        """Make a GET whose body the caller reads, without retries."""
        scopes = set(operation.scopes)
        call = replace(operation.call, url=await self._absolute(operation.call.url))
        await self._offer_credentials(operation)
        refusals = redirects = 0
        while True:
            own = self._exchanges.is_own(call.url)
            header = await self._auth.header(scopes, operation.repository) if own else None
            async with self._exchanges.stream(call, header) as stream:
                if stream.status in REDIRECTS and "location" in stream.headers:
                    redirects += 1
                    target = self._exchanges.redirected(call, stream.headers["location"], redirects)
                elif stream.status == 401 and own and refusals < 2:
                    refusals += 1
                    answer = Answer(
                        401, stream.headers, await _start(stream), stream.url, stream.method
                    )
                    await self._auth.challenged(
                        answer, header, scopes, operation.repository, operation.action
                    )
                    continue
                else:
                    yield stream
                    return
            call = replace(call, url=target)

    async def _send(self, operation: Operation) -> Answer:
        tries = min(operation.tries or self.retries.attempts, self.retries.attempts)
        budget = Budget(replace(self.retries, attempts=tries))
        # A wrong address is reported soon: the few tries are for a registry that is starting.
        unreachable = Budget(self._first_tries)
        while True:
            try:
                answer = await self.send_once(operation)
            except RegistryUnreachable as error:
                if self._exchanges.answered or not isinstance(error, NotConnected):
                    await budget.wait_or_raise(error, again=error.temporary)
                else:
                    again = error.temporary and not isinstance(error, TlsFailed)
                    await unreachable.wait_or_raise(error, again=again)
                continue
            if answer.status in operation.expect:
                return answer
            await self._wait_or_raise(budget, answer, operation.action)

    @property
    def _first_tries(self) -> Retries:
        return replace(self.retries, attempts=min(_FIRST_TRIES, self.retries.attempts))

    async def _offer_credentials(self, operation: Operation) -> None:
        if operation.call.url == ROOT:
            # Its own answer says how to sign in.
            self._root.asked = True
        elif not self._root.asked:
            base = await self.connect()
            if await self._root.offer_credentials(base, operation.repository):
                self._exchanges.answered = True

    async def _learned_at_root(self) -> bool:
        """Ask the API's root how to sign in, where the refusal of a request does not say."""
        if self._root.asked:
            return False
        root = await self._ping(Operation(Call("GET", await self._absolute(ROOT)), _("sign in")))
        return root.status == 401 and self._auth.learn(root)

    async def _find_base(self) -> str:
        registry = self.registry
        ping = Operation(Call("GET", f"{registry.base('https')}/v2/"), _("reach the registry"))
        scheme = "https"
        try:
            answer = await self._ping(ping)
        except RegistryUnreachable as error:
            if isinstance(error, ProxyFailed):
                raise
            # Without a port, https and http use different ones, and one may be closed.
            if not isinstance(error, TlsFailed) and not (error.temporary and registry.portless):
                raise
            scheme = "http"
            ping = replace(ping, call=Call("GET", f"{registry.base(scheme)}/v2/"))
            answer = await self._ping(ping)
        if answer.status == 401:
            self._auth.learn(answer)
        self._exchanges.answered = self._root.asked = True
        return registry.base(scheme)

    async def _ping(self, operation: Operation) -> Answer:
        budget = Budget(self._first_tries)
        while True:
            try:
                answer = await self._transport.send(operation.call)
            except TlsFailed:
                raise
            except RegistryUnreachable as error:
                await budget.wait_or_raise(error, again=error.temporary)
                continue
            if answer.status not in TEMPORARY_STATUSES:
                return answer
            await self._wait_or_raise(budget, answer, operation.action)

    async def _absolute(self, url: str) -> str:
        base = await self.connect()
        return url if "://" in url else base + url

    async def _send_to_token_server(self, call: Call, action: str) -> Answer:
        budget = Budget(self.retries)
        while True:
            try:
                answer = await self._exchanges.send_to(call, None)
            except RegistryUnreachable as error:
                await budget.wait_or_raise(error, again=error.temporary)
                continue
            if answer.status not in TEMPORARY_STATUSES:
                return answer
            await self._wait_or_raise(budget, answer, action)

    async def _wait_or_raise(self, budget: Budget, answer: Answer, action: str) -> None:
        error = self.failure(answer, action)
        wish = retry_after(answer.headers.get("retry-after"))
        await budget.wait_or_raise(error, wish, again=error.temporary)


async def _start(stream: Stream) -> bytes:
    """Read the beginning of an error's body, which is all that is shown."""
    body = bytearray()
    async for chunk in stream.chunks():
        body += chunk
        if len(body) >= _ERROR_LIMIT:
            break
    return bytes(body[:_ERROR_LIMIT])
