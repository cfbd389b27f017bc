"""A platform's backend on loopback that answers what a test scripts, and keeps every request."""

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.testbed.certificates import Certificate
from tests.testbed.http_server import http_server, scheme_of, serving

__all__ = ["FakeBackend", "Reply", "Seen", "running_backend"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; ``announced`` is a Content-Length that may lie, ``cut`` closes unanswered."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    announced: int | None = None
    cut: bool = False
    silent: bool = False

    @classmethod
    def of(cls, value: object, status: int = 200, **headers: str) -> "Reply":
        """Answer with JSON; header names with ``_`` for ``-``."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(status, json.dumps(value).encode(), named)


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class FakeBackend:
    """The server: replies in order, the last one again and again."""

    url: str
    port: int
    replies: list[Reply] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def answer(self, *replies: Reply) -> None:
        """Set what comes next."""
        self.replies[:] = replies

    def next_reply(self) -> Reply:
        """Take the next reply; the last one stays."""
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextlib.contextmanager
def running_backend(
    port: int = 0, *, certificate: Certificate | None = None
) -> Iterator[FakeBackend]:
    """Serve on loopback until the block ends; with TLS when a certificate is given."""
    server = http_server(_Handler, certificate=certificate, port=port)
    scheme = scheme_of(certificate)
    backend = FakeBackend(f"{scheme}://127.0.0.1:{server.server_port}", server.server_port)
    server.backend = backend  # type: ignore[attr-defined]
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    with serving(server, backend.closing):
        yield backend


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        backend: FakeBackend = self.server.backend  # type: ignore[attr-defined]
        length = int(self.headers.get("Content-Length", "0"))
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        backend.seen.append(Seen(self.command, self.path, headers, body))
        reply = backend.next_reply()
        self.close_connection = True
        if reply.silent:
            backend.closing.wait(10)
            return
        if reply.cut:
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        announced = len(reply.body) if reply.announced is None else reply.announced
        self.send_header("Content-Length", str(announced))
        self.send_header("Connection", "close")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent: the base class writes every request to standard error."""
