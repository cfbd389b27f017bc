"""HTTP/1.1 over asyncio's own connections, kept open between exchanges.

h11 knows the protocol; waiting, TLS and flow control are asyncio's. httpx's own transport does
this through two further libraries, at three times the processor time a request, and that is
what whoever lists a registry waits for.
"""

import asyncio
import contextlib
import re
import socket
import ssl
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import dataclass
from typing import Final

import h11

__all__ = ["Broken", "Connections", "NoConnection", "Patience", "Reply", "TooSlow"]

# Servers close what idles; they are asked no more than the next moment.
_IDLE_S: Final = 5.0
_MOST_IDLE: Final = 32
_LARGEST_HEAD: Final = 100 * 1024
_MOST_INTERIM: Final = 20
# Received and not asked for: more than this stops the sender.
_HELD: Final = 1024 * 1024
# A first piece up to this size travels with the head.
_SMALL: Final = 64 * 1024
_EYEBALLS_S: Final = 0.25
_ADDRESS: Final = re.compile(r"[\d.]+|[0-9A-Fa-f:.%]*:[0-9A-Fa-f:.%]*")
_KEEPALIVE: Final = [
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 4))
        if hasattr(socket, name)
    ),
]


class NoConnection(Exception):
    """No connection came about; ``handshake``: the other side was reached, TLS failed."""

    def __init__(self, reason: str, *, handshake: bool) -> None:
        super().__init__(reason)
        self.handshake = handshake


class Broken(Exception):
    """A connection ended or broke the protocol; ``early``: it was merely cut."""

    def __init__(self, reason: str, *, early: bool) -> None:
        super().__init__(reason)
        self.early = early


class TooSlow(Exception):
    """A phase made no progress in its time."""

    def __init__(self, *, connecting: bool) -> None:
        super().__init__("timed out")
        self.connecting = connecting


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds by phase; None waits as long as the connection lives."""

    connect_s: float | None
    read_s: float | None
    write_s: float | None


class Reply:
    """An answer's head; ``chunks`` reads the rest once. Close it with ``aclose``."""

    def __init__(self, connection: "_Connection", head: h11.Response, read_s: float | None) -> None:
        self.status: int = head.status_code
        self.headers: Sequence[tuple[bytes, bytes]] = list(head.headers)
        self._connection = connection
        self._read_s = read_s

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Give the body's bytes as they come.

        Raises:
            Broken: It ended before its end.
            TooSlow: Nothing came in time.
        """
        while True:
            event = await self._connection.next_event(self._read_s)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._connection.finished = True
                return

    async def aclose(self) -> None:
        """Keep the connection for the next exchange where the answer was read to its end."""
        self._connection.release()


class Connections:
    """Make exchanges with any number of servers. Close it with ``aclose``.

    Args:
        tls: For https; None where there will be none.
    """

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._idle: dict[tuple[str, int], list[_Connection]] = {}
        self._all: set[_Connection] = set()

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in tuple(self._all):
            connection.close()
        # Sockets close in the loop's next turn.
        await asyncio.sleep(0)

    async def exchange(
        self,
        head: h11.Request,
        host: str,
        port: int,
        body: AsyncIterable[bytes] | None,
        patience: Patience,
    ) -> Reply:
        """Send a request and give the answer's head; follows nothing, repeats nothing.

        Raises:
            NoConnection: With the reason as its cause.
            Broken: The connection was cut, or what came is no HTTP.
            TooSlow: A phase made no progress in its time.
        """
        connection = self._kept(host, port)
        if connection is None:
            connection = await self._connect(host, port, patience.connect_s)
        try:
            await connection.send(head, body, patience.write_s)
            answer = await connection.receive_head(patience.read_s)
        except BaseException:
            connection.close()
            raise
        return Reply(connection, answer, patience.read_s)

    def _kept(self, host: str, port: int) -> "_Connection | None":
        kept = self._idle.get((host, port), [])
        while kept:
            connection = kept.pop()
            if connection.usable():
                return connection
            connection.close()
        return None

    async def _connect(self, host: str, port: int, timeout_s: float | None) -> "_Connection":
        loop = asyncio.get_running_loop()
        link = _Link()
        try:
            async with asyncio.timeout(timeout_s):
                # asyncio loses a socket that is cancelled in its race of addresses; where
                # there is one address only, there is nothing to race.
                delay_s = None if _ADDRESS.fullmatch(host) else _EYEBALLS_S
                await loop.create_connection(lambda: link, host, port, happy_eyeballs_delay=delay_s)
                link.keep_alive()
                if self._tls is not None:
                    await _secure(link, self._tls, host)
        except TimeoutError as error:
            link.abort()
            raise TooSlow(connecting=True) from error
        except OSError as error:
            link.abort()
            raise NoConnection(str(error), handshake=False) from error
        except BaseException:
            link.abort()
            raise
        connection = _Connection(link, (host, port), self)
        self._all.add(connection)
        return connection

    def keep(self, connection: "_Connection", place: tuple[str, int]) -> bool:
        """Take a connection back; False: there are enough."""
        kept = self._idle.setdefault(place, [])
        if len(kept) >= _MOST_IDLE:
            return False
        kept.append(connection)
        return True

    def forget(self, connection: "_Connection") -> None:
        """Let go of a connection that was closed."""
        self._all.discard(connection)


async def _secure(link: "_Link", context: ssl.SSLContext, host: str) -> None:
    transport = link.transport
    assert transport is not None
    try:
        secured = await asyncio.get_running_loop().start_tls(
            transport, link, context, server_hostname=host
        )
    except TimeoutError:
        raise
    except OSError as error:
        raise NoConnection(str(error), handshake=True) from error
    if secured is None:
        raise NoConnection("", handshake=True)
    link.transport = secured


class _Connection:
    """One connection and what HTTP says of its state."""

    def __init__(self, link: "_Link", place: tuple[str, int], pool: Connections) -> None:
        self.finished = False
        self._link = link
        self._place = place
        self._pool = pool
        self._state = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
        self._idle_since = 0.0

    def usable(self) -> bool:
        return self._link.quiet and time.monotonic() - self._idle_since < _IDLE_S

    def close(self) -> None:
        self._link.abort()
        self._pool.forget(self)

    def release(self) -> None:
        state = self._state
        if not (self.finished and state.our_state is h11.DONE and state.their_state is h11.DONE):
            self.close()
            return
        self.finished = False
        state.start_next_cycle()
        self._idle_since = time.monotonic()
        if not self._link.quiet or not self._pool.keep(self, self._place):
            self.close()

    async def send(
        self, head: h11.Request, body: AsyncIterable[bytes] | None, write_s: float | None
    ) -> None:
        state, link = self._state, self._link
        try:
            waiting = state.send(head) or b""
            if body is not None:
                async for piece in body:
                    if not piece:
                        continue
                    framed = state.send(h11.Data(data=piece)) or b""
                    if waiting and len(framed) <= _SMALL:
                        waiting += framed
                        continue
                    if waiting:
                        await link.write(waiting, write_s)
                        waiting = b""
                    if not await link.write(framed, write_s):
                        return
            await link.write(waiting + (state.send(h11.EndOfMessage()) or b""), write_s)
        except h11.LocalProtocolError as error:
            raise Broken(str(error), early=False) from error

    async def receive_head(self, read_s: float | None) -> h11.Response:
        for _interim in range(_MOST_INTERIM):
            event = await self.next_event(read_s)
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse) or event.status_code == 101:
                break
        raise Broken("this is no answer to what was asked", early=False)

    async def next_event(self, read_s: float | None) -> h11.Event | type[h11.PAUSED]:
        ended = False
        while True:
            try:
                event = self._state.next_event()
                if event is not h11.NEED_DATA:
                    # Its stubs forget that NEED_DATA is gone.
                    return event  # type: ignore[return-value]
                block = await self._link.read(read_s)
                ended = not block
                if ended and self._state.their_state is h11.SEND_RESPONSE:
                    raise Broken("Server disconnected without sending a response.", early=True)
                self._state.receive_data(block)
            except h11.RemoteProtocolError as error:
                raise Broken(str(error), early=ended) from error


class _Link(asyncio.Protocol):
    """The bytes of one connection, with a bound on what waits in either direction."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self._blocks: deque[bytes] = deque()
        self._held = 0
        self._held_back = False
        self._full = False
        self._ended = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    @property
    def quiet(self) -> bool:
        """Whether the connection lives and nothing unasked came over it."""
        return not self._ended and not self._blocks

    def keep_alive(self) -> None:
        assert self.transport is not None
        plug: socket.socket = self.transport.get_extra_info("socket")
        for option in _KEEPALIVE:
            with contextlib.suppress(OSError):
                plug.setsockopt(*option)

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    async def read(self, timeout_s: float | None) -> bytes:
        """Give what came; nothing at the end."""
        while not self._blocks:
            if self._error is not None:
                raise Broken(str(self._error), early=True) from self._error
            if self._ended:
                return b""
            self._reader = asyncio.get_running_loop().create_future()
            await _within(timeout_s, self._reader)
        block = self._blocks.popleft()
        self._held -= len(block)
        if self._held_back and self._held < _HELD // 2 and self.transport is not None:
            self._held_back = False
            self.transport.resume_reading()
        return block

    async def write(self, content: bytes, timeout_s: float | None) -> bool:
        """Send and wait until there is room for more; False: nobody wants more."""
        assert self.transport is not None
        if self._ended or self._refused():
            return False
        if content:
            self.transport.write(content)
        while self._full:
            self._writer = asyncio.get_running_loop().create_future()
            await _within(timeout_s, self._writer)
            if self._ended or self._refused():
                return False
        return True

    def _refused(self) -> bool:
        # Go's server closes soon after an error that it tells before the body's end.
        return bool(self._blocks) and self._blocks[0][9:10] in (b"4", b"5")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._blocks.append(data)
        self._held += len(data)
        if self._held > _HELD and not self._held_back and self.transport is not None:
            self._held_back = True
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        self._ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._full = False
        self._error = exc
        self._wake()

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        self._wake()

    def _wake(self) -> None:
        for waiter in (self._reader, self._writer):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)


async def _within(timeout_s: float | None, waiter: "asyncio.Future[None]") -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await waiter
    except TimeoutError as error:
        raise TooSlow(connecting=False) from error
