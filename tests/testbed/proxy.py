"""A company's forward proxy: CONNECT only, with a password, the only way to its hosts."""

import base64
import contextlib
import select
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from .http_server import http_server, serving

__all__ = ["ForwardProxy", "running_proxy"]


@dataclass(slots=True)
class ForwardProxy:
    """A running proxy; ``hosts`` maps host:port of its network to loopback ports."""

    url: str
    credentials: str
    hosts: dict[str, int]
    asked: list[str] = field(default_factory=list)


@contextlib.contextmanager
def running_proxy(hosts: dict[str, int], credentials: str) -> Iterator[ForwardProxy]:
    """Serve the proxy on loopback until the block ends; other hosts get 403."""
    server = http_server(_Handler)
    url = f"http://{credentials}@127.0.0.1:{server.server_port}"
    proxy = ForwardProxy(url, credentials, hosts)
    server.proxy = proxy  # type: ignore[attr-defined]
    with serving(server):
        yield proxy


class _Handler(BaseHTTPRequestHandler):
    def do_CONNECT(self) -> None:
        proxy: ForwardProxy = self.server.proxy  # type: ignore[attr-defined]
        expected = "Basic " + base64.b64encode(proxy.credentials.encode()).decode()
        if self.headers.get("Proxy-Authorization") != expected:
            self.send_response(407)
            self.send_header("Proxy-Authenticate", 'Basic realm="company"')
            self.end_headers()
            return
        proxy.asked.append(self.path)
        port = proxy.hosts.get(self.path)
        if port is None:
            self.send_error(403)
            return
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            self.send_response(200)
            self.end_headers()
            _relay(self.connection, upstream)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent: the base class writes every request to standard error."""


def _relay(one: socket.socket, other: socket.socket) -> None:
    ways = {one: other, other: one}
    while True:
        readable, _, _ = select.select(list(ways), [], [])
        for source in readable:
            content = source.recv(65536)
            if not content:
                return
            ways[source].sendall(content)
