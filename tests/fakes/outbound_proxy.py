"""Proxies as companies and tunnels have them, on loopback: http and SOCKS 5."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["OutboundProxy", "answering_proxy", "free_port", "socks_proxy"]


@dataclass
class OutboundProxy:
    """A running proxy; ``heads`` has what it was asked, ``logins`` what it was told."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)


@contextlib.contextmanager
def answering_proxy(answer: bytes) -> Iterator[OutboundProxy]:
    """Run a proxy that answers each request head with these bytes; none: it hangs up."""
    proxy = OutboundProxy()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            head = b""
            while b"\r\n\r\n" not in head and (block := self.request.recv(4096)):
                head += block
            proxy.heads.append(head)
            self.request.sendall(answer)

    with _running(Handler, proxy):
        yield proxy


@contextlib.contextmanager
def socks_proxy(
    upstream: tuple[str, int] | None, *, login: tuple[bytes, bytes] | None = None, reply: int = 0
) -> Iterator[OutboundProxy]:
    """Run a SOCKS 5 proxy that connects everything with ``upstream``.

    Args:
        login: The user and password that it wants.
        reply: Its answer to each connection; not 0 refuses it.

    Source: RFC 1928, RFC 1929.
    """
    proxy = OutboundProxy()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            client: socket.socket = self.request
            client.recv(257)
            client.sendall(b"\x05\x02" if login else b"\x05\x00")
            if login:
                told = client.recv(513)
                name = told[2 : 2 + told[1]]
                proxy.logins.append((name, told[3 + len(name) :]))
                client.sendall(b"\x01\x00" if proxy.logins[-1] == login else b"\x01\x01")
            asked = client.recv(262)
            proxy.heads.append(asked)
            client.sendall(bytes([5, reply, 0, 1, 127, 0, 0, 1, 0, 0]))
            if asked and not reply and upstream is not None:
                with socket.create_connection(upstream) as inner:
                    back = threading.Thread(target=_pump, args=(inner, client), daemon=True)
                    back.start()
                    _pump(client, inner)
                    back.join()

    with _running(Handler, proxy):
        yield proxy


def free_port() -> int:
    """Return a port on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def _running(
    handler: type[socketserver.BaseRequestHandler], proxy: OutboundProxy
) -> Iterator[None]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        proxy.port = server.server_address[1]
        # What a test's own event loop serves cannot end while this thread waits for it.
        server.daemon_threads, server.block_on_close = True, False
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while block := source.recv(65536):
            sink.sendall(block)
        sink.shutdown(socket.SHUT_WR)
