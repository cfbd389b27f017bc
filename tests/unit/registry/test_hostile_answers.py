"""A hostile registry gets a clear error from us, in bounded time and memory."""

import asyncio
import contextlib
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from keynet.errors import (
    DigestMismatch,
    KeynetError,
    RegistryError,
    RegistryUnreachable,
    ValidationError,
)
from keynet.net.retry import Retries
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.registry.client import RegistryClient
from keynet.registry.http.exchange import Timeouts
from tests.fakes.loopback import on_a_port
from tests.fakes.registry import MemoryRegistry
from tests.tables import table
from tests.unit.registry.conftest import Connect, no_wait

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
BLOB = Descriptor.of("application/octet-stream", b"x" * 1000)
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": MediaType.OCI_MANIFEST,
    "config": Descriptor.of(MediaType.OCI_CONFIG, b"{}").to_json(),
    "layers": [],
}


@contextlib.asynccontextmanager
async def hostile(serve: Serve) -> AsyncIterator[str]:
    """Run a server that answers /v2/ well and anything else by ``serve``."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if b" /v2/ " in head.split(b"\r\n")[0]:
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                elif head.startswith(b"HEAD"):
                    writer.write(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
                else:
                    await serve(reader, writer)
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async with on_a_port(handle) as port:
        yield f"http://127.0.0.1:{port}"


async def read_manifest(client: RegistryClient) -> None:
    await client.get_manifest("a/b", "1")


async def read_blob(client: RegistryClient) -> None:
    async for _chunk in client.get_blob("a/b", BLOB):
        pass


async def list_tags(client: RegistryClient) -> None:
    await client.tags("a/b")


async def push_blob(client: RegistryClient) -> None:
    await client.upload_bytes("a/b", "application/octet-stream", b"x" * 1000)


async def push_manifest(client: RegistryClient) -> None:
    await client.put_manifest("a/b", "1", b"{}", MediaType.OCI_MANIFEST)


WORK = [read_manifest, read_blob, list_tags, push_blob, push_manifest]
SHORT = Timeouts(connect_s=2, read_s=0.05, write_s=0.5, commit_s=0.1)


async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    while True:
        writer.write(b" " * 65536)
        await writer.drain()


async def endless_chunked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()


async def header_bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Bomb: " + b"x" * 8000 + b"\r\n")
        await writer.drain()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"\x00\x01SSH-2.0-OpenSSH\r\n\r\n" * 10)
    await writer.drain()


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    return


@pytest.mark.slow
@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize(
    "serve", [endless, endless_chunked, header_bomb, drips, silence, garbage, hang_up]
)
def test_a_hostile_stream_ends_in_an_error(
    serve: Serve, work: Callable[[RegistryClient], Awaitable[None]]
) -> None:

    async def run() -> None:
        async with (
            hostile(serve) as url,
            RegistryClient(
                url, timeout=SHORT, retries=Retries(attempts=2, sleep=no_wait), certs_d=()
            ) as client,
        ):
            # It slows everything down, so it watches only where much comes.
            if serve in (endless, endless_chunked):
                tracemalloc.start()
            try:
                async with asyncio.timeout(120):
                    with pytest.raises(RegistryError) as caught:
                        await work(client)
                assert caught.value.message
                assert caught.value.hint or caught.value.status
                assert tracemalloc.get_traced_memory()[1] < 60_000_000
            finally:
                tracemalloc.stop()

    asyncio.run(run())


def served(
    connect: Connect, answer: Callable[[httpx.Request], httpx.Response]
) -> Callable[[Callable[[RegistryClient], Awaitable[None]]], None]:
    """Make a client whose every request but the first ping gets this answer."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v2/":
            return httpx.Response(200, request=request)
        return answer(request)

    # Every request goes to another host: this registry has another name.
    registry = MemoryRegistry(host="nobody.test", elsewhere=handle)

    def run(work: Callable[[RegistryClient], Awaitable[None]]) -> None:
        async def go() -> None:
            async with connect(registry, auth=[]) as client:
                await work(client)

        asyncio.run(go())

    return run


def manifest_answer(
    content: bytes, media_type: str = MediaType.OCI_MANIFEST, **headers: str
) -> Callable[[httpx.Request], httpx.Response]:
    told = {"content-type": media_type, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return lambda request: httpx.Response(200, content=content, headers=told, request=request)


BOTH = {**MANIFEST, "manifests": []}
OTHER_DIGEST = str(Digest.of(b"other"))


@table(
    ("content", "media_type", "error", "says"),
    [
        (json.dumps(BOTH).encode(), MediaType.OCI_MANIFEST, ValidationError, "both"),
        (json.dumps(MANIFEST).encode(), MediaType.OCI_INDEX, RegistryError, "calls itself"),
        (json.dumps(MANIFEST).encode(), "text/html", RegistryError, "calls itself"),
        (json.dumps(MANIFEST).encode()[:-9], MediaType.OCI_MANIFEST, RegistryError, "read"),
        (b"<html>", "text/html", RegistryError, "read"),
        (b"[" * 100_000, MediaType.OCI_MANIFEST, RegistryError, "read"),
        (b"\xff\xfe", MediaType.OCI_MANIFEST, RegistryError, "read"),
        (b"", MediaType.OCI_MANIFEST, RegistryError, "read"),
        (b"{}", MediaType.OCI_MANIFEST, RegistryError, "schemaVersion"),
        (b'{"schemaVersion":2}', MediaType.OCI_MANIFEST, ValidationError, "neither"),
        (b'{"schemaVersion":1,"fsLayers":[]}', MediaType.OCI_MANIFEST, ValidationError, "schema 1"),
        (gzip.compress(bytes(50_000_000), mtime=0), MediaType.OCI_MANIFEST, RegistryError, "read"),
        (
            json.dumps(
                {**MANIFEST, "layers": [{"mediaType": "x", "digest": "x", "size": -1}]}
            ).encode(),
            MediaType.OCI_MANIFEST,
            RegistryError,
            "size",
        ),
    ],
)
def test_a_bad_manifest_is_refused(
    connect: Connect, content: bytes, media_type: str, error: type[KeynetError], says: str
) -> None:
    run = served(connect, manifest_answer(content, media_type, content_encoding="identity"))
    with pytest.raises(error, match=says):
        run(read_manifest)


def test_a_manifest_under_another_digest_is_refused(connect: Connect) -> None:
    content = json.dumps(MANIFEST).encode()
    run = served(connect, manifest_answer(content))

    async def by_digest(client: RegistryClient) -> None:
        await client.get_manifest("a/b", Digest.of(b"other"))

    with pytest.raises(DigestMismatch):
        run(by_digest)
    run = served(connect, manifest_answer(content, docker_content_digest=OTHER_DIGEST))
    with pytest.raises(DigestMismatch):
        run(read_manifest)


def test_a_digest_header_out_of_its_grammar_is_refused(connect: Connect) -> None:
    content = json.dumps(MANIFEST).encode()
    run = served(connect, manifest_answer(content, docker_content_digest="sha256:../../etc"))
    with pytest.raises(DigestMismatch):
        run(read_manifest)


@table("content", [b"y" * 1000, b"x" * 1001, b"x" * 999, b"", gzip.compress(b"x" * 1000, mtime=0)])
def test_a_blob_with_other_bytes_is_refused(connect: Connect, content: bytes) -> None:
    run = served(connect, lambda request: httpx.Response(200, content=content, request=request))
    with pytest.raises(RegistryError):
        run(read_blob)


def test_a_blob_of_wrong_bytes_says_so(connect: Connect) -> None:
    run = served(connect, lambda q: httpx.Response(200, content=b"y" * 1000, request=q))
    with pytest.raises(DigestMismatch, match="do not have that digest"):
        run(read_blob)


@pytest.mark.medium
def test_a_compressed_answer_is_not_unpacked(connect: Connect) -> None:
    bomb = gzip.compress(bytes(50_000_000), 1)

    def answer(request: httpx.Request) -> httpx.Response:
        # The fake hands on the bytes as they are; httpx would unpack them for the asking.
        return httpx.Response(200, content=bomb, request=request)

    class Encoded(MemoryRegistry):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            made = await super().handle_async_request(request)
            if request.url.path != "/v2/":
                made.headers["content-encoding"] = "gzip"
            return made

    def handle(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200) if request.url.path == "/v2/" else answer(request)

    registry = Encoded(host="nobody.test", elsewhere=handle)

    async def run() -> None:
        async with connect(registry, auth=[]) as client:
            await client.tags("a/b")

    tracemalloc.start()
    try:
        with pytest.raises(RegistryError, match="cannot be read"):
            asyncio.run(run())
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@table("work", WORK)
def test_a_redirect_loop_ends(
    connect: Connect, work: Callable[[RegistryClient], Awaitable[None]]
) -> None:
    run = served(
        connect,
        lambda request: httpx.Response(
            307, headers={"location": str(request.url)}, request=request
        ),
    )
    with pytest.raises(RegistryError, match="redirects in a circle"):
        run(work)


def test_pages_that_go_in_circles_end(connect: Connect) -> None:
    link = '</v2/a/b/tags/list?last=x>; rel="next"'
    run = served(
        connect,
        lambda q: httpx.Response(200, json={"tags": ["x"]}, headers={"link": link}, request=q),
    )
    with pytest.raises(RegistryError, match="do not end"):
        run(list_tags)


def test_texts_of_the_server_are_made_safe(connect: Connect) -> None:
    evil = {"errors": [{"code": "DENIED\x1b[31m", "message": "no\nway \x1b]0;title\x07\u202e"}]}
    run = served(connect, lambda q: httpx.Response(403, json=evil, request=q))
    with pytest.raises(RegistryError) as caught:
        run(list_tags)
    assert not set(str(caught.value)) & set("\x1b\n\x07\u202e")
    assert caught.value.code == "DENIED"


@table(
    ("status", "body", "says"),
    [
        (401, {"errors": [{"code": "UNAUTHORIZED", "message": "x"}]}, "credentials"),
        (403, {"errors": [{"code": "DENIED", "message": "x"}]}, "permission"),
        (403, {"errors": [{"code": "DENIED", "message": "quota exceeded"}]}, "quota is used up"),
        (404, {}, "does not exist"),
        (405, {}, "does not take pushes"),
        (412, {"errors": [{"code": "PRECONDITION", "message": "immutable"}]}, "immutable"),
        (413, {}, "too large"),
        (429, {}, "throttles"),
        (500, {}, "failed"),
        (400, {"errors": "no list"}, "refuses"),
    ],
)
def test_a_refusal_is_said_in_words(
    connect: Connect, status: int, body: dict[str, object], says: str
) -> None:
    run = served(connect, lambda request: httpx.Response(status, json=body, request=request))
    with pytest.raises(RegistryError, match=says) as caught:
        run(push_manifest)
    assert caught.value.status == status
    assert "push manifest 1 to a/b" in caught.value.message


def test_every_error_of_httpx_is_mapped(connect: Connect) -> None:
    def kinds(base: type[Exception]) -> list[type[Exception]]:
        return [base, *(kind for sub in base.__subclasses__() for kind in kinds(sub))]

    for kind in [*kinds(httpx.TransportError), httpx.InvalidURL]:

        def answer(request: httpx.Request, kind: type[Exception] = kind) -> httpx.Response:
            raise kind("made up")

        with pytest.raises(RegistryUnreachable):
            served(connect, answer)(list_tags)
