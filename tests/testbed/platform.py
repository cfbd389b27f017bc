"""The platform's backend as the tests need it: scripted, watched, over http or TLS."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from .certificates import Certificate
from .http_server import http_server, scheme_of, serving
from .registry import RegistryServer

__all__ = ["EMAIL", "PASSWORD", "Platform", "running_platform"]

EMAIL = "user@example.com"
PASSWORD = "correct horse battery staple"
TOKEN = "eyJhbGciOiJub25lIn0.keynet-test-token-of-the-backend"

Body = dict[str, object]


@dataclass(slots=True)
class Platform:
    """A running backend; ``asked`` holds every request's method, path and JSON body."""

    url: str
    registry: RegistryServer
    registry_url: str
    asked: list[tuple[str, str, Body]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    # path prefix -> (status, body) answered instead of the usual
    broken: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: Body) -> tuple[int, bytes]:
        """Answer as the platform would."""
        self.asked.append((method, path, body))
        for prefix, answer in self.broken.items():
            if path.startswith(prefix):
                return answer
        if path.startswith("/v1/auth/sign-in/one-time"):
            if (body.get("email"), body.get("password")) != (EMAIL, PASSWORD):
                return _json(401, {"message": "wrong e-mail address or password"})
            return _json(200, self._signed_in())
        if path.startswith("/v1/projects/trainable"):
            return _json(200, _projects())
        if path.endswith("/trains/images"):
            key = f"key{len(self.keys):04}abcdefghijklmnop"
            self.keys.append(key)
            told = {"id": len(self.keys), "uploadKey": key, "command": "python train.py"}
            return _json(200, told)
        return _json(404, {"message": "no such endpoint"})

    def _signed_in(self) -> Body:
        return {
            "accessToken": TOKEN,
            "accessTokenExpiresAt": "2099-01-01T00:00:00Z",
            "user": {"id": "550e8400", "email": EMAIL, "displayName": "홍길동", "role": "GENERAL"},
            "harbor": {
                "url": self.registry_url,
                "username": self.registry.username,
                "password": self.registry.password,
            },
        }


@contextlib.contextmanager
def running_platform(
    registry: RegistryServer, certificate: Certificate | None = None
) -> Iterator[Platform]:
    """Serve a backend whose Harbor is ``registry`` until the block ends."""
    server = http_server(_Handler, certificate=certificate)
    scheme = scheme_of(certificate)
    platform = Platform(f"{scheme}://127.0.0.1:{server.server_port}", registry, registry.url)
    server.platform = platform  # type: ignore[attr-defined]
    with serving(server):
        yield platform


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body in one packet: in two, the second waits 40 ms for an acknowledgement.
    wbufsize = -1

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        platform: Platform = self.server.platform  # type: ignore[attr-defined]
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        body = json.loads(content) if content else {}
        signed_in = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if "sign-in" in self.path or signed_in:
            status, answer = platform.answer(self.command, self.path, body)
        else:
            status, answer = _json(401, {"message": "no valid token"})
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent: the base class writes every request to standard error."""


def _projects() -> Body:
    author = {"id": "550e8400-e29b-41d4-a716-446655440000", "displayName": "홍길동"}
    project = {"id": 12, "title": "객체 탐지 모델", "summary": "", "taskType": "OBJECT_DETECTION"}
    meta = {"total": 1, "page": 0, "limit": 20, "maxPage": 0}
    return {"content": [{**project, "author": author}], "meta": meta}


def _json(status: int, body: Body) -> tuple[int, bytes]:
    return status, json.dumps(body, ensure_ascii=False).encode()
