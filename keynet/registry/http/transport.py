"""Make one HTTP exchange at a time: with ``connection_pool`` all of this room that knows
httpx.

Retries, credentials and redirects are the session's. Here the size of bodies and the time of each
phase are limited, and foreign exceptions become keynet's.
"""

import asyncio
import socket
import ssl
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Final

import httpx

import keynet
from keynet.errors import RegistryError
from keynet.net import trust
from keynet.net.addresses import Origin
from keynet.net.proxies import Proxy, proxy_for
from keynet.net.proxy_errors import ProxyStage, login_wanted, passed_by, proxy_problem
from keynet.registry.address import Registry, origin_of
from keynet.registry.http import request_log, tls
from keynet.registry.http.connection_pool import ConnectionPool
from keynet.registry.http.exchange import Answer, Call, Stream, Timeouts
from keynet.registry.http.transport_errors import (
    NotConnected,
    connection_lost,
    no_connection,
    proxy_failed,
    timed_out,
    too_long,
)

__all__ = ["HttpTransport", "Transport"]

# What carries the bytes; tests pass one that needs no network.
HttpTransport = httpx.AsyncBaseTransport

# So many bytes must come within one read timeout.
_LEAST: Final = 64 * 1024
_CONNECT_ELSEWHERE_S: Final = 5.0
_PROXY_LOGIN: Final = 407
# A host that the registry names and that never answered is given up after so many tries.
_TRIES_ELSEWHERE: Final = 3
_ONE: Final = httpx.Limits(max_connections=1, max_keepalive_connections=1)
_BASE_HEADERS: Final = {
    "User-Agent": f"keynet/{keynet.__version__}",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
}
_KEEPALIVE: Final = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 4))
        if hasattr(socket, name)
    ),
]


class Transport:
    """Send calls over pools of connections. Close it with ``aclose``."""

    def __init__(
        self,
        registry: Registry,
        trust: tls.Trust,
        timeouts: Timeouts,
        http: HttpTransport | None = None,
    ) -> None:
        self._registry = registry
        self._trust = trust
        self._timeouts = timeouts
        self._http = http
        self._pools: dict[tuple[bool, str, str | None], HttpTransport] = {}
        self._reached: set[Origin] = set()
        self._unreached: Counter[Origin] = Counter()

    async def aclose(self) -> None:
        """Close every connection."""
        pools = [*self._pools.values(), *([self._http] if self._http is not None else [])]
        self._pools.clear()
        for pool in pools:
            await pool.aclose()

    async def send(self, call: Call) -> Answer:
        """Make one exchange and read the whole answer.

        Raises:
            RegistryUnreachable: No connection, or it was lost; ``temporary`` unless TLS fails.
            RegistryError: The answer is not HTTP, is larger than ``call.limit`` or too slow.
        """
        # A body that drips never meets the read timeout. What is sent has its own pace.
        whole_s = None if call.patient or callable(call.body) else self._whole_s
        try:
            async with asyncio.timeout(whole_s), self.stream(call) as stream:
                body = bytearray()
                async with aclosing(stream.chunks()) as chunks:
                    async for chunk in chunks:
                        body += chunk
                        if len(body) > call.limit:
                            raise too_long(self._registry, call.url, call.limit)
                return Answer(
                    stream.status,
                    stream.headers,
                    bytes(body),
                    stream.url,
                    call.method,
                    stream.through,
                )
        except TimeoutError as error:
            raise timed_out(self._registry, call.url) from error

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[Stream]:
        """Make one exchange and yield the answer before its body is read."""
        proxy = self._proxy(call.url)
        stage = ProxyStage(proxy)
        started = time.monotonic()
        try:
            with _mapped(self._registry, call, stage):
                pool = self._pool_for(call.url, proxy)
                response = await pool.handle_async_request(self._request(call, stage))
        except RegistryError as error:
            request_log.failed(call, error, started)
            if isinstance(error, NotConnected):
                self._count_failure(call.url, error)
                await stage.aclose()
            raise
        request_log.answered(call, response.status_code, started)
        self._reached.add(origin_of(call.url))
        try:
            if response.status_code == _PROXY_LOGIN:
                raise proxy_failed(self._registry, call.url, login_wanted(proxy))
            headers = {name.lower(): value for name, value in response.headers.items()}

            async def chunks() -> AsyncGenerator[bytes, None]:
                # Bytes that drip never meet the timeout between two of them.
                waited_s, came = 0.0, 0
                with _mapped(self._registry, call, stage):
                    async with aclosing(_raw(response)) as blocks:
                        while True:
                            since = time.monotonic()
                            chunk = await anext(blocks, None)
                            if chunk is None:
                                return
                            waited_s += time.monotonic() - since
                            came += len(chunk)
                            if came >= _LEAST:
                                waited_s, came = 0.0, 0
                            elif waited_s > self._timeouts.read_s:
                                raise timed_out(self._registry, call.url)
                            yield chunk

            through = str(proxy) if proxy is not None and not proxy.tunnel else ""
            yield Stream(response.status_code, headers, chunks, call.url, call.method, through)
        finally:
            with _mapped(self._registry, call, stage):
                await response.aclose()

    @property
    def _whole_s(self) -> float:
        return self._timeouts.connect_s + self._timeouts.read_s

    def has_answered(self, url: str) -> bool:
        """Report whether the server of this URL has answered before."""
        return origin_of(url) in self._reached

    def _count_failure(self, url: str, error: NotConnected) -> None:
        """Give up soon on another host that the registry names and that never answered."""
        origin = origin_of(url)
        if self.has_answered(url) or self._is_own(origin):
            return
        self._unreached[origin] += 1
        slow = isinstance(error.__cause__, httpx.TimeoutException)
        if slow or self._unreached[origin] >= _TRIES_ELSEWHERE:
            error.temporary = False

    def _is_own(self, origin: Origin) -> bool:
        return origin == origin_of(self._registry.base(origin.scheme))

    def _proxy(self, url: str) -> Proxy | None:
        origin = origin_of(url)
        if self._http is not None:
            return None
        return proxy_for(origin.scheme, origin.host, origin.port)

    def _pool_for(self, url: str, proxy: Proxy | None) -> HttpTransport:
        """Return the connections for a URL: client certificates are for the registry alone."""
        if self._http is not None:
            return self._http
        origin = origin_of(url)
        own = self._is_own(origin)
        key = (own, origin.scheme, None if proxy is None else proxy.url)
        if key not in self._pools:
            self._pools[key] = self._new_pool(origin.scheme, proxy, own=own)
        return self._pools[key]

    def _new_pool(self, scheme: str, proxy: Proxy | None, *, own: bool) -> HttpTransport:
        if scheme == "https":
            context = _context(self._trust if own else tls.Trust(self._trust.ca_certs))
        else:
            # Made once here, or httpx makes one for each connection.
            context = trust.no_context()
        through = None
        if proxy is not None:
            # The proxy is not the registry: its certificate is always checked.
            secure = proxy.url.startswith("https:")
            proxy_context = _context(tls.Trust(self._trust.ca_certs)) if secure else None
            through = httpx.Proxy(proxy.url, ssl_context=proxy_context, auth=proxy.login)

        def connection() -> HttpTransport:
            return httpx.AsyncHTTPTransport(
                verify=context,
                limits=_ONE,
                proxy=through,
                socket_options=None if proxy else _KEEPALIVE,
                trust_env=False,
            )

        return ConnectionPool(connection)

    def _request(self, call: Call, stage: ProxyStage) -> httpx.Request:
        times = self._timeouts
        read_s = times.commit_s if call.patient else times.read_s
        connect_s = times.connect_s
        if not self._is_own(origin_of(call.url)):
            # An address that the registry named is wrong more often than it is slow.
            connect_s = min(connect_s, _CONNECT_ELSEWHERE_S)
        phases = {"connect": connect_s, "read": read_s, "write": times.write_s, "pool": None}
        return httpx.Request(
            call.method,
            call.url,
            headers={**_BASE_HEADERS, **call.headers},
            content=call.body() if callable(call.body) else call.body,
            extensions={"timeout": phases, **({"trace": stage.anote} if stage.proxy else {})},
        )


async def _raw(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    # Not aiter_raw: it counts and copies bytes that are counted here already.
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for block in response.stream:
        yield block


def _context(wanted: tls.Trust) -> ssl.SSLContext:
    if wanted.unverified:
        # Reading the machine's store takes 25 ms, and nothing is compared with it.
        return tls.context(trust.no_context(), wanted)
    if not trust.has_store():
        return tls.context(httpx.create_ssl_context(trust_env=False), wanted)
    if wanted.client_certs:
        return tls.context(ssl.create_default_context(), wanted)
    return trust.context(wanted.ca_certs)


@contextmanager
def _mapped(registry: Registry, call: Call, stage: ProxyStage) -> Iterator[None]:
    """Turn what httpx raises into keynet's errors, and name a proxy that may be to blame."""
    try:
        with _mapped_server(registry, call):
            yield
    except RegistryError as error:
        if stage.at_fault is not None:
            problem = proxy_problem(stage.at_fault, error.__cause__ or error)
            raise proxy_failed(registry, call.url, problem) from error
        if stage.proxy is not None:
            error.hint = passed_by(stage.proxy, error.hint)
        raise
    except Exception as error:
        # httpx passes on what its package for SOCKS raises.
        if stage.at_fault is None:
            raise
        raise proxy_failed(registry, call.url, proxy_problem(stage.at_fault, error)) from error


@contextmanager
def _mapped_server(registry: Registry, call: Call) -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException as error:
        raise timed_out(
            registry, call.url, connecting=isinstance(error, httpx.ConnectTimeout)
        ) from error
    except (httpx.ConnectError, httpx.ProxyError, UnicodeError) as error:
        raise no_connection(registry, call.url, error) from error
    except ssl.SSLError as error:
        # TLS 1.3 reports a missing client certificate only when the first answer is read.
        refused = "alert" in str(error).lower()
        raise connection_lost(registry, call.url, error, temporary=not refused) from error
    except httpx.NetworkError as error:
        raise connection_lost(registry, call.url, error, temporary=True) from error
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        # A server that closes early may answer the next try; one that breaks HTTP does not.
        text = str(error)
        early = "disconnected" in text or "closed connection" in text
        raise connection_lost(registry, call.url, error, temporary=early) from error
