"""A registry on loopback that refuses, in the words of a real one, or hangs in mid-upload."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.testbed.http_server import http_server, serving


@dataclass(slots=True)
class Refusal:
    """What is answered instead: ``at`` is ``ping``, ``blob`` or ``manifest``."""

    at: str
    status: int
    code: str = ""
    message: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        if not self.code:
            return b"<html><body>" + self.message.encode() + b"</body></html>"
        return json.dumps({"errors": [{"code": self.code, "message": self.message}]}).encode()


@dataclass(slots=True)
class ScriptedRegistry:
    host: str
    hangs: bool = False
    refusal: Refusal | None = None
    asked: list[str] = field(default_factory=list)
    stored: set[str] = field(default_factory=set)
    uploading: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def scripted_registry(
    *, hangs: bool = False, refusal: Refusal | None = None
) -> Iterator[ScriptedRegistry]:
    """Serve until the block ends; takes every blob and manifest but what the script refuses."""
    state = ScriptedRegistry("", hangs, refusal)

    class Handler(_Handler):
        registry = state

    server = http_server(Handler)
    state.host = f"127.0.0.1:{server.server_address[1]}"
    with serving(server, state.closing):
        yield state


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    registry: ScriptedRegistry

    def do_GET(self) -> None:
        if self.path.rstrip("/") == "/v2":
            return self._answer("ping", 200)
        return self._answer("none", 404)

    def do_HEAD(self) -> None:
        known = self.path.rpartition("/")[2] in self.registry.stored
        self._answer("none", 200 if known else 404)

    def do_POST(self) -> None:
        path = self.path.partition("?")[0]
        self._answer("blob", 202, {"Location": f"{path}session", "Range": "0-0"})

    def do_PATCH(self) -> None:
        if self.registry.hangs:
            self.registry.uploading.set()
            self.registry.closing.wait(900)
            self.close_connection = True
            return
        length = len(self._read())
        self._answer("none", 202, {"Location": self.path, "Range": f"0-{length - 1}"})

    def do_PUT(self) -> None:
        body = self._read()
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        if "digest=" in self.path:
            digest = self.path.partition("digest=")[2].replace("%3A", ":")
            self.registry.stored.add(digest)
        kind = "manifest" if "/manifests/" in self.path else "none"
        self._answer(kind, 201, {"Docker-Content-Digest": digest, "Location": self.path})

    def _read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            whole = b""
            while size := int(self.rfile.readline().strip() or b"0", 16):
                whole += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return whole
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, kind: str, status: int, headers: dict[str, str] | None = None) -> None:
        self.registry.asked.append(f"{self.command} {self.path}")
        refusal = self.registry.refusal
        body = b""
        if refusal is not None and refusal.at == kind:
            status, body, headers = refusal.status, refusal.body, refusal.headers
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Docker-Distribution-API-Version", "registry/2.0")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""
