"""Connections to one server: one of httpx's transports for each, the one used last first.

httpx's own pool goes through all its connections at each request: with sixteen of them that takes
longer than the request.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

import httpx

__all__ = ["ConnectionPool"]

_MOST_CONNECTIONS: Final = 100


class ConnectionPool(httpx.AsyncBaseTransport):
    """Make exchanges over as many connections as are needed at a time.

    Args:
        new: Makes one more connection.
    """

    def __init__(self, new: Callable[[], httpx.AsyncBaseTransport]) -> None:
        self._new = new
        self._all: list[httpx.AsyncBaseTransport] = []
        self._free: list[httpx.AsyncBaseTransport] = []
        self._gate = asyncio.Semaphore(_MOST_CONNECTIONS)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one exchange; its connection is free again when the answer is closed."""
        await self._gate.acquire()
        try:
            if self._free:
                connection = self._free.pop()
            else:
                connection = self._new()
                self._all.append(connection)
        except BaseException:
            self._gate.release()
            raise
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            self._give_back(connection)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Body(response.stream, lambda: self._give_back(connection))
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        connections = list(self._all)
        self._all.clear()
        self._free.clear()
        for connection in connections:
            await connection.aclose()

    def _give_back(self, connection: httpx.AsyncBaseTransport) -> None:
        self._free.append(connection)
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
