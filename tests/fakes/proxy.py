"""A proxy between a client and a real registry that fails where its rules say.

It speaks HTTP/1.1 on loopback, counts the bytes that the client sent, and either passes bodies
on as they come or, as nginx does by default, only once they are whole.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tests.fakes.loopback import on_a_port

__all__ = [
    "CutAnswer",
    "CutBody",
    "Delay",
    "Hang",
    "Proxy",
    "Reply",
    "Rule",
    "Shorten",
    "running_proxy",
]

_BLOCK = 64 * 1024


@dataclass(frozen=True)
class Reply:
    """Answer in the registry's place, after the body was read; it never reaches the registry."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class CutBody:
    """Cut the client's connection when this many bytes of the request's body have come."""

    after: int


@dataclass(frozen=True)
class CutAnswer:
    """Cut the client's connection after this many bytes of the answer, head included."""

    after: int = 0


@dataclass(frozen=True)
class Shorten:
    """Pass only this many bytes of the body to the registry; its answer is passed on."""

    to: int


@dataclass(frozen=True)
class Delay:
    """Pass everything on, but the answer so much later."""

    seconds: float


@dataclass(frozen=True)
class Hang:
    """Read the request and never answer."""


@dataclass
class Rule:
    """Do ``action`` for requests that fit, the first ``times`` of them after ``skip``."""

    method: str
    path: str
    action: Reply | CutBody | CutAnswer | Shorten | Delay | Hang
    times: int = 1
    skip: int = 0
    hits: int = 0


@dataclass
class Proxy:
    """A running proxy; ``requests`` and ``body_bytes`` grow while it runs."""

    upstream: tuple[str, int]
    rules: list[Rule] = field(default_factory=list)
    latency_s: float = 0.0
    buffered: bool = False
    port: int = 0
    body_bytes: int = 0
    requests: list[str] = field(default_factory=list)
    cut_after_total: int | None = None

    @property
    def host(self) -> str:
        """Where clients connect."""
        return f"127.0.0.1:{self.port}"

    def rule_for(self, method: str, path: str) -> Rule | None:
        """Find what is to be done with a request, and count it."""
        for rule in self.rules:
            if rule.method in ("*", method) and re.search(rule.path, path):
                rule.hits += 1
                if rule.skip < rule.hits <= rule.skip + rule.times:
                    return rule
        return None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one client connection, request after request."""
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _version = head.split(b"\r\n")[0].decode().split(" ")
        match = re.search(rb"(?im)^content-length:\s*(\d+)", head)
        length = int(match[1]) if match else 0
        self.requests.append(f"{method} {path}")
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        rule = self.rule_for(method, path)
        action = rule.action if rule else None
        if isinstance(action, Reply):
            await self._take(reader, length, None)
            text = "".join(f"{name}: {value}\r\n" for name, value in action.headers)
            status = f"HTTP/1.1 {action.status} Fault\r\n"
            writer.write(f"{status}{text}Content-Length: {len(action.body)}\r\n\r\n".encode())
            writer.write(b"" if method == "HEAD" else action.body)
            await writer.drain()
            return True
        if isinstance(action, Hang):
            await self._take(reader, length, None)
            await asyncio.sleep(3600)
        stop = length
        if isinstance(action, CutBody):
            stop = min(length, action.after)
        if self.cut_after_total is not None and self.body_bytes + length > self.cut_after_total:
            stop = max(0, self.cut_after_total - self.body_bytes)
            action, self.cut_after_total = CutBody(stop), None
        return await self._forward(head, length, stop, action, (reader, writer))

    async def _forward(
        self,
        head: bytes,
        length: int,
        stop: int,
        action: object,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> bool:
        reader, writer = client
        if self.buffered and isinstance(action, CutBody):
            await self._take(reader, stop, None)
            return False
        up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        try:
            if isinstance(action, Shorten):
                head = _shortened(head, action.to)
            up_writer.write(re.sub(rb"(?im)^connection:.*\r\n", b"", head)[:-2])
            up_writer.write(b"Connection: close\r\n\r\n")
            limit = action.to if isinstance(action, Shorten) else None
            await self._take(reader, stop, up_writer, limit)
            if isinstance(action, CutBody):
                await up_writer.drain()
                return False
            with contextlib.suppress(ConnectionError):
                await up_writer.drain()
            return await self._answer(up_reader, writer, action)
        finally:
            up_writer.close()

    async def _answer(
        self, up_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, action: object
    ) -> bool:
        left = action.after if isinstance(action, CutAnswer) else None
        answer = await up_reader.readuntil(b"\r\n\r\n")
        if isinstance(action, Delay):
            await asyncio.sleep(action.seconds)
        block = re.sub(rb"(?im)^connection: close\r\n", b"", answer)
        while block:
            if left is not None:
                block, left = block[:left], left - len(block[:left])
            writer.write(block)
            await writer.drain()
            if left == 0:
                # The registry finishes what it was asked; only its answer is lost.
                await up_reader.read()
                return False
            block = await up_reader.read(_BLOCK)
        return True

    async def _take(
        self,
        reader: asyncio.StreamReader,
        length: int,
        onward: asyncio.StreamWriter | None,
        limit: int | None = None,
    ) -> None:
        taken = 0
        while taken < length:
            block = await reader.read(min(_BLOCK, length - taken))
            if not block:
                raise ConnectionError
            part = block if limit is None else block[: max(0, limit - taken)]
            taken += len(block)
            self.body_bytes += len(block)
            if onward is not None and part:
                onward.write(part)
                await onward.drain()


def _shortened(head: bytes, to: int) -> bytes:
    head = re.sub(rb"(?im)^(content-length:\s*)\d+", rb"\g<1>%d" % to, head)
    match = re.search(rb"(?im)^content-range:\s*(\d+)-\d+", head)
    if match:
        start = int(match[1])
        told = rb"content-range: %d-%d" % (start, start + to - 1)
        head = re.sub(rb"(?im)^content-range:[^\r]*", told, head)
    return head


@contextlib.asynccontextmanager
async def running_proxy(
    upstream: str, *, rules: list[Rule] | None = None, latency_s: float = 0, buffered: bool = False
) -> AsyncIterator[Proxy]:
    """Run a proxy in front of ``upstream`` (host:port) while the block lasts.

    Args:
        latency_s: Added to every request.
        buffered: Pass a body on only once it is whole; a cut one never reaches the registry.
    """
    host, _colon, port = upstream.rpartition(":")
    proxy = Proxy((host, int(port)), list(rules or ()), latency_s, buffered)
    async with on_a_port(proxy.serve) as proxy.port:
        yield proxy
