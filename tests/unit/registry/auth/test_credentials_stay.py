"""Credentials never leave: each way out has a catcher that must stay empty of them."""

import asyncio
import base64
from collections.abc import Callable

import httpx
import pytest

from keynet.errors import KeynetError, RegistryDenied, RegistryError, UsageError
from keynet.oci.descriptor import Descriptor
from keynet.oci.reference import Reference
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.transfer.push_image import push_image
from keynet.secret import Secret
from tests.fakes.images import random_image
from tests.fakes.registry import MemoryRegistry
from tests.tables import table
from tests.unit.registry.conftest import PASSWORD, USER, Connect

SECRETS = (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(), "token-")


def leaked(registry: MemoryRegistry) -> list[str]:
    """Return the requests to other hosts that hold anything secret."""
    found = []
    for request in registry.caught:
        text = f"{request.url} {request.headers.raw}"
        if "authorization" in request.headers or any(secret in text for secret in SECRETS):
            found.append(text)
    return found


def stranger(request: httpx.Request) -> httpx.Response:
    """Take everything, as somebody who hopes for a password would."""
    return httpx.Response(200, json={"token": "token-x"}, request=request)


class Altered(MemoryRegistry):
    """A registry whose answers are altered by the test before they are sent."""

    alter: Callable[[httpx.Request, httpx.Response], None] = staticmethod(lambda q, a: None)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if request.url.host == "registry.test" and request.url.scheme == "https":
            self.alter(request, answer)
        return answer


@table(
    "realm",
    [
        "https://evil.test/token",
        "http://evil.test/token",
        "http://registry.test/token",
        "https://registry.test.evil.test/token",
        "https://registry.test@evil.test/token",
        "https://robot:x@registry.test/token",
        "https://evil.test\\@registry.test/token",
        "//evil.test/token",
        "",
    ],
)
def test_no_credentials_go_to_a_foreign_realm(connect: Connect, realm: str) -> None:
    registry = Altered(auth="token", elsewhere=stranger)

    def alter(request: httpx.Request, answer: httpx.Response) -> None:
        if answer.status_code == 401:
            answer.headers["www-authenticate"] = f'Bearer realm="{realm}",service="s"'

    registry.alter = alter

    async def run() -> None:
        async with connect(registry) as client:
            await client.tags("a/b")

    with pytest.raises(RegistryError, match="refused"):
        asyncio.run(run())
    assert registry.caught == []
    assert not [seen for seen in registry.seen if "authorization" in seen.headers]


@pytest.mark.needs("own token server")
def test_a_declared_token_host_gets_them(connect: Connect) -> None:
    registry = Altered(auth="token", elsewhere=stranger)

    def alter(request: httpx.Request, answer: httpx.Response) -> None:
        if answer.status_code == 401:
            answer.headers["www-authenticate"] = 'Bearer realm="https://tokens.test/t",service="s"'

    registry.alter = alter
    registry.tokens["token-x"] = {"repository:a/b:pull"}
    registry.repository("a/b")

    async def run() -> list[str]:
        async with connect(registry, token_hosts=["tokens.test"]) as client:
            return await client.tags("a/b")

    assert asyncio.run(run()) == []
    assert [request.url.host for request in registry.caught] == ["tokens.test"]


def test_the_token_request_follows_no_redirect(connect: Connect) -> None:
    registry = Altered(auth="token", elsewhere=stranger)

    def alter(request: httpx.Request, answer: httpx.Response) -> None:
        if request.url.path == "/token":
            answer.status_code = 307
            answer.headers["location"] = "https://evil.test/token"

    registry.alter = alter

    async def run() -> None:
        async with connect(registry) as client:
            await client.tags("a/b")

    with pytest.raises(RegistryError):
        asyncio.run(run())
    assert registry.caught == []


@pytest.mark.medium
@pytest.mark.parametrize("auth", ["basic", "token"])
@pytest.mark.parametrize("place", ["https://evil.test/up?x=1", "https://registry.test:444/up"])
def test_a_foreign_upload_location_gets_no_credentials(
    connect: Connect, auth: str, place: str
) -> None:
    registry = Altered(auth=auth, elsewhere=stranger)

    def alter(request: httpx.Request, answer: httpx.Response) -> None:
        if request.method == "POST" and answer.status_code == 202:
            answer.headers["location"] = place

    registry.alter = alter

    async def run() -> None:
        async with connect(registry) as client:
            image = random_image(3)
            await push_image(client, image, Reference("registry.test", "a/b", "1"))

    with pytest.raises(KeynetError):
        asyncio.run(run())
    assert registry.caught, "the upload goes there, without credentials"
    assert leaked(registry) == []


@table("auth", ["basic", "token"])
@table("status", [301, 302, 303, 307, 308])
def test_a_foreign_redirect_gets_no_credentials(connect: Connect, auth: str, status: int) -> None:
    content = b"layer"
    registry = Altered(
        auth=auth, elsewhere=lambda request: httpx.Response(200, content=content, request=request)
    )
    descriptor = Descriptor.of("application/octet-stream", content)
    registry.repository("a/b").blobs[str(descriptor.digest)] = content

    def alter(request: httpx.Request, answer: httpx.Response) -> None:
        if request.method == "GET" and "/blobs/" in request.url.path and answer.status_code == 200:
            answer.status_code = status
            answer.headers["location"] = "https://cdn.test/blob?signed=1"

    registry.alter = alter

    async def run() -> bytes:
        async with connect(registry) as client:
            return b"".join([chunk async for chunk in client.get_blob("a/b", descriptor)])

    assert asyncio.run(run()) == content
    assert [request.url.host for request in registry.caught] == ["cdn.test"]
    assert leaked(registry) == []


def test_a_stranger_that_asks_for_a_password_gets_none(connect: Connect) -> None:
    def ask(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, headers={"www-authenticate": 'Basic realm="r"'}, request=request)

    registry = Altered(auth="basic", elsewhere=ask)

    def alter(request: httpx.Request, answer: httpx.Response) -> None:
        if request.url.path.endswith("/tags/list"):
            answer.status_code = 302
            answer.headers["location"] = "https://evil.test/"

    registry.alter = alter

    async def run() -> None:
        async with connect(registry) as client:
            await client.tags("a/b")

    with pytest.raises(RegistryError):
        asyncio.run(run())
    assert leaked(registry) == []


@table(
    "place",
    [
        "http://registry.test/v2/a/b/blobs/uploads/u1",
        "http://evil.test/",
        "https://user:pass@registry.test/v2/a/b/blobs/uploads/u1",
        "ftp://registry.test/x",
        "file:///etc/passwd",
        "https://registry.test\\@evil.test/",
        "https://[/",
    ],
)
@table("kind", ["upload", "redirect", "link"])
def test_a_bad_url_is_not_followed(connect: Connect, place: str, kind: str) -> None:
    registry = Altered(auth="basic", elsewhere=stranger)
    registry.repository("a/b")

    def alter(request: httpx.Request, answer: httpx.Response) -> None:
        if kind == "upload" and request.method == "POST" and answer.status_code == 202:
            answer.headers["location"] = place
        if request.url.path.endswith("/tags/list") and answer.status_code == 200:
            if kind == "redirect":
                answer.status_code = 302
                answer.headers["location"] = place
            if kind == "link":
                answer.headers["link"] = f'<{place}>; rel="next"'

    registry.alter = alter

    async def run() -> None:
        async with connect(registry) as client:
            if kind == "upload":
                await client.upload_bytes("a/b", "application/octet-stream", b"x")
            else:
                await client.tags("a/b")

    with pytest.raises(RegistryError, match="refused"):
        asyncio.run(run())
    assert registry.caught == []


def test_a_list_that_goes_on_elsewhere_is_refused(connect: Connect) -> None:
    registry = Altered(auth="basic", elsewhere=stranger)
    registry.repository("a/b")

    def alter(request: httpx.Request, answer: httpx.Response) -> None:
        answer.headers["link"] = '<https://evil.test/v2/a/b/tags/list?last=1>; rel="next"'

    registry.alter = alter

    async def run() -> None:
        async with connect(registry) as client:
            await client.tags("a/b")

    with pytest.raises(RegistryError, match="another host"):
        asyncio.run(run())
    assert registry.caught == []


@pytest.mark.parametrize(
    "other", ["registry.test.evil.test", "registry.test:5000", "registry.tes", "xregistry.test"]
)
@pytest.mark.needs("challenges")
def test_look_alike_hosts_get_no_credentials(connect: Connect, other: str) -> None:
    registry = MemoryRegistry(host=other, auth="basic")

    async def run() -> None:
        credential = Credential(USER, Secret(PASSWORD))
        sources = [FixedSource("registry.test", credential)]
        async with connect(registry, host=other, auth=sources) as client:
            await client.tags("a/b")

    with pytest.raises(RegistryDenied, match=r"credentials|permission"):
        asyncio.run(run())
    assert not [seen for seen in registry.seen if "authorization" in seen.headers]


def test_cookies_are_not_kept(connect: Connect) -> None:
    registry = Altered()
    registry.repository("a/b")

    def alter(request: httpx.Request, answer: httpx.Response) -> None:
        answer.headers["set-cookie"] = "sid=1; Path=/"

    registry.alter = alter

    async def run() -> None:
        async with connect(registry) as client:
            await client.tags("a/b")
            await client.tags("a/b")

    asyncio.run(run())
    assert not [seen for seen in registry.seen if "cookie" in seen.headers]


@table(
    "text",
    [
        "https://user:hunter2hunter2@registry.test",
        "user:hunter2hunter2@registry.test",
        "ftp://registry.test",
        "registry.test/path",
        "https://registry.test/path",
        "",
        "registry.test:99999999",
        "http://registry.test",
    ],
)
def test_a_registry_that_is_no_host_is_refused_without_repeating_a_password(
    connect: Connect, text: str
) -> None:
    with pytest.raises(UsageError) as caught:
        connect(MemoryRegistry(), host=text)
    assert "hunter2" not in str(caught.value) + caught.value.hint


def test_errors_hold_no_secret(connect: Connect) -> None:
    registry = MemoryRegistry(auth="basic", password="another-password")

    async def run() -> None:
        async with connect(registry) as client:
            await client.tags("a/b")

    with pytest.raises(RegistryDenied) as caught:
        asyncio.run(run())
    import traceback

    text = "".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__)
    assert not [secret for secret in SECRETS[:2] if secret in text]
