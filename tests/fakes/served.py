"""Serve a transport of tests on loopback, for programs that only know addresses."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator

import httpx

__all__ = ["OTHER_ADDRESS", "served"]

# The same server by another name, as a token server on another host is.
OTHER_ADDRESS = "127.0.0.2"


@contextlib.contextmanager
def served(make: Callable[[str], httpx.AsyncBaseTransport]) -> Iterator[str]:
    """Serve by plain http in a thread of its own until the block ends; yield ``host:port``.

    Args:
        make: Makes the transport for this address; its requests have https URLs.
    """
    loop = asyncio.new_event_loop()
    started = threading.Event()
    ended = asyncio.Event()
    addresses: list[str] = []

    async def run() -> None:
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        addresses.append(f"127.0.0.1:{port}")
        transport = make(addresses[0])
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.ensure_future(_serve(transport, reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        both = ["127.0.0.1", OTHER_ADDRESS]
        async with await asyncio.start_server(accept, both, port, limit=1 << 20):
            started.set()
            await ended.wait()
            for task in tuple(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        assert started.wait(10)
        yield addresses[0]
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(120)
        loop.close()


async def _serve(
    transport: httpx.AsyncBaseTransport, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while await _exchange(transport, reader, writer):
            pass
    writer.close()


async def _exchange(
    transport: httpx.AsyncBaseTransport, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    first = await reader.readexactly(1)
    if first == b"\x16":
        # A TLS hello, from a client that tries https first.
        return False
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    request_line, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _version = request_line.split(" ")
    fields = [line.partition(":") for line in lines]
    headers = {name.strip().lower(): value.strip() for name, _colon, value in fields}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    url = f"https://{headers['host']}{target}"
    request = httpx.Request(method, url, headers=headers, content=body)
    answer = await transport.handle_async_request(request)
    content = await answer.aread()
    shown = {name: value for name, value in answer.headers.items() if name != "content-length"}
    length = len(content)
    if method == "HEAD":
        length = int(answer.headers.get("content-length", "0"))
    text = "".join(f"{name}: {value}\r\n" for name, value in shown.items())
    writer.write(
        f"HTTP/1.1 {answer.status_code} X\r\n{text}content-length: {length}\r\n\r\n".encode()
    )
    writer.write(b"" if method == "HEAD" else content)
    await writer.drain()
    return headers.get("connection", "").lower() != "close"
