"""What docker-registry 2.8 does to an upload whose chunk broke, spoken without any client.

It is why a cut inside a chunk costs the blob's bytes once more there: the bytes before the cut
are on its disk, the offset in the newest Location is that before the chunk, the two differ, and
it cancels the upload. A client has no other Location, and that one is signed.
"""

import http.client
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.testbed.registry import RegistryServer

pytestmark = pytest.mark.registry
CHUNK = 300_000


def ask(
    server: RegistryServer, method: str, url: str, body: bytes = b"", start: int = 0
) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    parts = urlsplit(url)
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(body))}
    if method == "PATCH":
        headers["Content-Range"] = f"{start}-{start + len(body) - 1}"
    connection.request(method, f"{parts.path}?{parts.query}", body, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheader("Location") or ""


def begin(server: RegistryServer) -> str:
    status, location = ask(server, "POST", f"{server.url}/v2/raw/session/blobs/uploads/")
    assert status == 202
    status, location = ask(server, "PATCH", location, b"x" * CHUNK)
    assert status == 202
    return location


def break_a_chunk(server: RegistryServer, location: str) -> None:
    """Announce a chunk, send half of it, hang up, and wait until the registry has noticed."""
    parts = urlsplit(location)
    stop = 2 * CHUNK - 1
    head = (
        f"PATCH {parts.path}?{parts.query} HTTP/1.1\r\nHost: {server.host}\r\n"
        f"Content-Length: {CHUNK}\r\nContent-Range: {CHUNK}-{stop}\r\n\r\n"
    )
    before = server.log.read_text().count("client disconnected during blob PATCH")
    with socket.create_connection(("127.0.0.1", server.port)) as plug:
        plug.sendall(head.encode() + b"x" * (CHUNK // 2))
        time.sleep(0.2)
    deadline = time.monotonic() + 120
    while server.log.read_text().count("client disconnected during blob PATCH") == before:
        assert time.monotonic() < deadline, server.log.read_text()[-2000:]
        time.sleep(0.05)


def test_a_whole_chunk_is_kept(http_registry: RegistryServer) -> None:
    status, _location = ask(http_registry, "GET", begin(http_registry))
    assert status == 204


def test_a_broken_chunk_ends_the_session(http_registry: RegistryServer) -> None:
    before = len(http_registry.log.read_text())
    location = begin(http_registry)
    break_a_chunk(http_registry, location)
    status, _location = ask(http_registry, "GET", location)
    log = http_registry.log.read_text()[before:]
    assert status == 404, log
    assert "upload resumed at wrong offest" in log


@pytest.mark.parametrize("start", [CHUNK, CHUNK + CHUNK // 2])
def test_no_further_chunk_is_taken_after_a_broken_one(
    http_registry: RegistryServer, start: int
) -> None:
    location = begin(http_registry)
    break_a_chunk(http_registry, location)
    status, _location = ask(http_registry, "PATCH", location, b"x" * 1000, start)
    assert status == 404
