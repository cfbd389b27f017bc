"""A token server for a registry with bearer-token auth: distribution's token specification."""

import base64
import contextlib
import hmac
import json
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from .certificates import Certificate
from .http_server import http_server, serving
from .machine import need

__all__ = ["SERVICE", "TokenServer", "token_server"]

SERVICE = "keynet-test-registry"
ISSUER = "keynet-test-tokens"


@dataclass(slots=True)
class TokenServer:
    """Where it listens, whom it knows, and every scope that was asked for."""

    realm: str
    users: dict[str, str]
    certificate: Certificate
    life_s: int = 300
    asked: list[str] = field(default_factory=list)

    def token(self, account: str, scopes: list[str]) -> str:
        """Sign a token that grants every scope asked for."""
        now = int(time.time())
        lines = self.certificate.cert.read_text().splitlines()
        der = "".join(line for line in lines if line and not line.startswith("-----"))
        claims = {
            "iss": ISSUER,
            "sub": account,
            "aud": SERVICE,
            "exp": now + self.life_s,
            "nbf": now - 10,
            "iat": now,
            "jti": secrets.token_hex(8),
            "access": [_access(scope) for scope in scopes],
        }
        header = {"typ": "JWT", "alg": "RS256", "x5c": [der]}
        signed = b".".join(_b64(json.dumps(part).encode()) for part in (header, claims))
        key = str(self.certificate.key)
        signature = subprocess.run(
            [need("openssl"), "dgst", "-sha256", "-sign", key],
            input=signed,
            check=True,
            capture_output=True,
        ).stdout
        return (signed + b"." + _b64(signature)).decode()


@contextlib.contextmanager
def token_server(
    users: dict[str, str], certificate: Certificate, *, tls: bool
) -> Iterator[TokenServer]:
    """Serve tokens on loopback until the block ends."""
    server = http_server(_Handler, certificate=certificate if tls else None)
    scheme = "https" if tls else "http"
    tokens = TokenServer(f"{scheme}://127.0.0.1:{server.server_port}/token", users, certificate)
    server.tokens = tokens  # type: ignore[attr-defined]
    with serving(server):
        yield tokens


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(parse_qs(urlsplit(self.path).query))

    def do_POST(self) -> None:
        # docker tries the OAuth form first and falls back to GET on 404.
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._send(404, {"errors": [{"code": "UNSUPPORTED", "message": "use GET"}]})

    def _answer(self, query: dict[str, list[str]]) -> None:
        tokens: TokenServer = self.server.tokens  # type: ignore[attr-defined]
        account = _account(self.headers.get("Authorization", ""), tokens.users)
        if account is None:
            self._send(401, {"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]})
            return
        scopes = [scope for value in query.get("scope", []) for scope in value.split()]
        tokens.asked.extend(scopes)
        token = tokens.token(account, scopes)
        self._send(200, {"token": token, "access_token": token, "expires_in": tokens.life_s})

    def _send(self, status: int, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent: the base class writes every request to standard error."""


def _account(authorization: str, users: dict[str, str]) -> str | None:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    name, _, password = base64.b64decode(value).decode().partition(":")
    known = users.get(name)
    return name if known is not None and hmac.compare_digest(known, password) else None


def _access(scope: str) -> dict[str, object]:
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    return {"type": kind, "name": name, "actions": actions.split(",")}


def _b64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def write_roots(folder: Path, certificate: Certificate) -> Path:
    """Write the bundle by which the registry checks a token's signature."""
    path = folder / "token-roots.crt"
    path.write_bytes(certificate.cert.read_bytes())
    return path
