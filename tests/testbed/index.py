"""A package index on loopback with one tiny wheel: installs are seen in its log."""

import base64
import contextlib
import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from .certificates import Certificate
from .http_server import http_server, scheme_of, serving

__all__ = ["PACKAGE", "VERSION", "Index", "running_index"]

PACKAGE, VERSION = "tinydep", "1.0"
WHEEL = f"{PACKAGE}-{VERSION}-py3-none-any.whl"


@dataclass(slots=True)
class Index:
    """A running index; ``url`` is what pip's index-url takes."""

    url: str
    port: int
    credentials: str = ""
    asked: list[str] = field(default_factory=list)

    @property
    def downloads(self) -> int:
        """How often the wheel was fetched."""
        return sum(path.endswith(".whl") for path in self.asked)


@contextlib.contextmanager
def running_index(certificate: Certificate | None = None, credentials: str = "") -> Iterator[Index]:
    """Serve the index until the block ends.

    Args:
        credentials: ``user:password`` that every request must bring, when given.
    """
    server = http_server(_Handler, certificate=certificate)
    scheme = scheme_of(certificate)
    host = f"127.0.0.1:{server.server_port}"
    inside = f"{credentials}@{host}" if credentials else host
    index = Index(f"{scheme}://{inside}/simple", server.server_port, credentials)
    server.index = index  # type: ignore[attr-defined]
    with serving(server):
        yield index


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        index: Index = self.server.index  # type: ignore[attr-defined]
        expected = "Basic " + base64.b64encode(index.credentials.encode()).decode()
        if index.credentials and self.headers.get("Authorization") != expected:
            self._send(401, b"")
            return
        index.asked.append(self.path)
        if self.path.rstrip("/") == f"/simple/{PACKAGE}":
            self._send(200, f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode(), "text/html")
        elif self.path == f"/files/{WHEEL}":
            self._send(200, _wheel())
        else:
            self._send(404, b"")

    def _send(self, status: int, body: bytes, kind: str = "application/octet-stream") -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Stay silent: the base class writes every request to standard error."""


def _wheel() -> bytes:
    folder = f"{PACKAGE}-{VERSION}.dist-info"
    files = {
        f"{PACKAGE}.py": f'__version__ = "{VERSION}"\n',
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n",
        f"{folder}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},{_hash(text)},{len(text)}\n" for name, text in files.items())
    files[f"{folder}/RECORD"] = f"{record}{folder}/RECORD,,\n"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            # A fixed date: the same wheel at every request.
            archive.writestr(zipfile.ZipInfo(name), text)
    return content.getvalue()


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
