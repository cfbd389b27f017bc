"""One HTTP exchange at a time: the only place in this room that knows httpx.

Retries, credentials and redirects are the session's; here bodies are bounded, time is
bounded by phase, and foreign exceptions become keynet's.
"""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx

import keynet
from keynet.net import trust
from keynet.net.proxies import proxy_for
from keynet.registry import tls
from keynet.registry.address import Registry, origin_of
from keynet.registry.transport_errors import broken, no_connection, timed_out, too_long

__all__ = ["Answer", "Call", "Stream", "Timeouts", "Transport", "Wire"]

# What carries the bytes; tests give one that needs no network.
Wire = httpx.AsyncBaseTransport

# Bytes that must come within one read timeout.
_LEAST: Final = 64 * 1024
_MOST_CONNECTIONS: Final = 100
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


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds by phase; a phase that makes no progress for so long ends the exchange.

    ``commit_s`` is for the answer to the commit of a big blob: None waits as long as the
    connection lives (TCP keep-alive tells), because registries hash and move it first.
    """

    connect_s: float = 10.0
    read_s: float = 300.0
    write_s: float = 300.0
    commit_s: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One exchange; ``body`` gives fresh bytes at each call of it.

    ``limit`` bounds the answer's body in bytes; ``patient`` lifts the read timeout to
    ``Timeouts.commit_s``.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | Callable[[], AsyncIterator[bytes]] | None = field(default=None, repr=False)
    limit: int = 1024 * 1024
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; the names in ``headers`` are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer whose body is still to be read, once."""

    status: int
    headers: Mapping[str, str]
    chunks: Callable[[], AsyncGenerator[bytes, None]]
    url: str


class Transport:
    """Send calls over pools of connections. Close it with ``aclose``."""

    def __init__(
        self,
        registry: Registry,
        trust: tls.Trust,
        timeouts: Timeouts,
        wire: Wire | None = None,
    ) -> None:
        self._registry = registry
        self._trust = trust
        self._timeouts = timeouts
        self._wire = wire
        self._wires: dict[tuple[bool, str], Wire] = {}

    async def aclose(self) -> None:
        """Close every connection."""
        wires = list(self._wires.values())
        self._wires.clear()
        for wire in wires:
            await wire.aclose()

    async def send(self, call: Call) -> Answer:
        """Make one exchange and read the whole answer.

        Raises:
            RegistryUnreachable: No connection, or it broke; ``temporary`` unless TLS forbids.
            RegistryError: The answer breaks HTTP, is larger than ``call.limit`` or too slow.
        """
        # A body in drips would never meet the read timeout. What is sent has its own pace.
        whole_s = None if call.patient or callable(call.body) else self._whole_s
        try:
            async with asyncio.timeout(whole_s), self.stream(call) as stream:
                body = bytearray()
                async with aclosing(stream.chunks()) as chunks:
                    async for chunk in chunks:
                        body += chunk
                        if len(body) > call.limit:
                            raise too_long(self._registry, call.url, call.limit)
                return Answer(stream.status, stream.headers, bytes(body), stream.url)
        except TimeoutError as error:
            raise timed_out(self._registry, call.url) from error

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[Stream]:
        """Make one exchange and give the answer before its body is read."""
        with _mapped(self._registry, call):
            wire = self._wire_for(call.url)
            response = await wire.handle_async_request(self._request(call))
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}

            async def chunks() -> AsyncGenerator[bytes, None]:
                # Bytes in drips would never meet the timeout between two of them.
                waited_s, came = 0.0, 0
                with _mapped(self._registry, call):
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

            yield Stream(response.status_code, headers, chunks, call.url)
        finally:
            with _mapped(self._registry, call):
                await response.aclose()

    @property
    def _whole_s(self) -> float:
        return self._timeouts.connect_s + self._timeouts.read_s

    def _wire_for(self, url: str) -> Wire:
        """Give what carries this URL: client certificates and lax TLS are for the registry."""
        origin = origin_of(url)
        own = origin == origin_of(self._registry.base(origin.scheme))
        direct = self._wire is not None
        proxy = None if direct else proxy_for(origin.scheme, origin.host, origin.port)
        place = (own, proxy or origin.scheme)
        wire = self._wires.get(place)
        if wire is None:
            wire = self._wires[place] = self._wire or self._new_wire(origin.scheme, proxy, own=own)
        return wire

    def _new_wire(self, scheme: str, proxy: str | None, *, own: bool) -> Wire:
        if scheme == "https":
            context = _context(self._trust if own else tls.Trust(self._trust.ca_certs))
        else:
            # Made once here, or httpx makes one for each connection.
            context = trust.no_context()

        def connection() -> Wire:
            return httpx.AsyncHTTPTransport(
                verify=context,
                limits=_ONE,
                proxy=proxy,
                socket_options=None if proxy else _KEEPALIVE,
                trust_env=False,
            )

        return _Connections(connection)

    def _request(self, call: Call) -> httpx.Request:
        times = self._timeouts
        read_s = times.commit_s if call.patient else times.read_s
        phases = {"connect": times.connect_s, "read": read_s, "write": times.write_s, "pool": None}
        return httpx.Request(
            call.method,
            call.url,
            headers={**_BASE_HEADERS, **call.headers},
            content=call.body() if callable(call.body) else call.body,
            extensions={"timeout": phases},
        )


class _Connections(httpx.AsyncBaseTransport):
    """One of httpx's transports for each connection, the one used last first.

    httpx's own pool looks at all its connections at each request: with sixteen of them that
    takes longer than the request.
    """

    def __init__(self, new: Callable[[], Wire]) -> None:
        self._new = new
        self._all: list[Wire] = []
        self._free: list[Wire] = []
        self._gate = asyncio.Semaphore(_MOST_CONNECTIONS)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one exchange; its connection is free again when the answer is closed."""
        await self._gate.acquire()
        try:
            if self._free:
                wire = self._free.pop()
            else:
                wire = self._new()
                self._all.append(wire)
        except BaseException:
            self._gate.release()
            raise
        try:
            response = await wire.handle_async_request(request)
        except BaseException:
            self._give_back(wire)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Body(response.stream, lambda: self._give_back(wire))
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        wires = list(self._all)
        self._all.clear()
        self._free.clear()
        for wire in wires:
            await wire.aclose()

    def _give_back(self, wire: Wire) -> None:
        self._free.append(wire)
        self._gate.release()


class _Body(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, closed: Callable[[], None]) -> None:
        self._stream = stream
        self._closed: Callable[[], None] | None = closed

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._stream)

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            closed, self._closed = self._closed, None
            if closed is not None:
                closed()


async def _raw(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    # Not aiter_raw: it counts and copies what is counted here already.
    assert isinstance(response.stream, httpx.AsyncByteStream)
    async for block in response.stream:
        yield block


def _context(wanted: tls.Trust) -> ssl.SSLContext:
    if not trust.has_store():
        return tls.context(httpx.create_ssl_context(trust_env=False), wanted)
    if wanted.client_certs or wanted.unverified:
        return tls.context(ssl.create_default_context(), wanted)
    return trust.context(wanted.ca_certs)


@contextmanager
def _mapped(registry: Registry, call: Call) -> Iterator[None]:
    """Turn what httpx raises into keynet's errors."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise timed_out(
            registry, call.url, connecting=isinstance(error, httpx.ConnectTimeout)
        ) from error
    except (httpx.ConnectError, httpx.ProxyError, UnicodeError) as error:
        raise no_connection(registry, call.url, error) from error
    except ssl.SSLError as error:
        # TLS 1.3 tells a missing client certificate only when the first answer is read.
        refused = "alert" in str(error).lower()
        raise broken(registry, call.url, error, temporary=not refused) from error
    except httpx.NetworkError as error:
        raise broken(registry, call.url, error, temporary=True) from error
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        # A server that closes early is worth another try, one that breaks the grammar is not.
        text = str(error)
        early = "disconnected" in text or "closed connection" in text
        raise broken(registry, call.url, error, temporary=early) from error
