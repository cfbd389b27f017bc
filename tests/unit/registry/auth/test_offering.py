"""Credentials are offered where only the API's root asks for them, and cost one request."""

import asyncio

import httpx
import pytest

from keynet.errors import NotFound, RegistryDenied, RegistryUnreachable, UsageError
from keynet.net.retry import Retries
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.reference import Reference
from keynet.registry.auth.credential_sources import Credential
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.push_image import push_image
from tests.fakes.images import random_image
from tests.fakes.registry import MemoryRegistry, Refuse, Reply
from tests.tables import table
from tests.unit.registry.conftest import Connect, no_wait


class Quiet(MemoryRegistry):
    """Asks for credentials at its root only; shows anonymous readers less."""

    def __init__(self, *, auth: str = "basic", status: int = 404, **more: object) -> None:
        super().__init__(auth=auth, **more)  # type: ignore[arg-type]
        self.status = status

    def answer(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        *,
        partial: bool = False,
    ) -> Reply:
        reply = super().answer(method, target, headers, body, partial=partial)
        if reply.status != 401 or target == "/v2/" or target.startswith("/token"):
            return reply
        if "/_catalog" in target or "/tags/list" in target:
            return Reply(200, {}, b'{"repositories": ["public"], "tags": ["public"]}')
        return Reply(self.status, {}, b"{}")

    def asked(self, path: str) -> int:
        return sum(httpx.URL(seen.url).path == path for seen in self.seen)


class Failing:
    """A source that cannot be read."""

    def __init__(self) -> None:
        self.asked = 0

    async def find(self, registry: str, repository: str) -> Credential | None:
        del registry, repository
        self.asked += 1
        raise UsageError("the helper is broken")


async def read_everything(client: RegistryClient, blob: Descriptor) -> list[object]:
    return [
        await client.tags("team/app"),
        await client.head_blob("team/app", blob.digest),
        b"".join([chunk async for chunk in client.get_blob("team/app", blob)]),
    ]


@table("auth", ["basic", "token"])
@table("status", [404, 403])
def test_what_anonymous_readers_do_not_see_is_read_and_written(
    connect: Connect, auth: str, status: int
) -> None:
    registry = Quiet(auth=auth, status=status)
    content = b"layer"
    blob = Descriptor.of("application/octet-stream", content)
    registry.repository("team/app").blobs[str(blob.digest)] = content
    image = random_image(3)

    async def run() -> None:
        async with connect(registry) as client:
            assert await read_everything(client, blob) == [[], len(content), content]
            await push_image(client, image, Reference("registry.test", "team/app", "1"))
            assert await client.tags("team/app") == ["1"]

    asyncio.run(run())
    assert registry.repository("team/app").tags["1"] == str(Digest.of(image.manifest))
    assert registry.asked("/v2/") == 1


@pytest.mark.parametrize(
    "first",
    [
        "tags",
        "head",
        "manifest",
        "blob",
        "upload",
        pytest.param(
            "catalog", marks=pytest.mark.needs("catalog", "empty repositories in the list")
        ),
    ],
)
def test_it_does_not_matter_which_request_is_the_first(connect: Connect, first: str) -> None:
    registry = Quiet()
    content = b"layer"
    blob = Descriptor.of("application/octet-stream", content)
    registry.repository("team/app").blobs[str(blob.digest)] = content

    async def run() -> None:
        async with connect(registry) as client:
            match first:
                case "tags":
                    assert await client.tags("team/app") == []
                case "head":
                    assert await client.head_blob("team/app", blob.digest) == len(content)
                case "manifest":
                    with pytest.raises(NotFound, match="MANIFEST_UNKNOWN"):
                        await client.get_manifest("team/app", "1")
                case "blob":
                    chunks = [chunk async for chunk in client.get_blob("team/app", blob)]
                    assert b"".join(chunks) == content
                case "upload":
                    await client.upload_bytes("team/new", "text/plain", b"x")
                case "catalog":
                    assert await client.catalog() == ["team/app"]

    asyncio.run(run())
    assert registry.asked("/v2/") == 1
    without = [seen for seen in registry.seen if "authorization" not in seen.headers]
    assert [httpx.URL(seen.url).path for seen in without] == ["/v2/"]


@pytest.mark.needs("challenges")
def test_without_credentials_nothing_more_is_asked(connect: Connect) -> None:
    registry = Quiet()

    async def run() -> None:
        async with connect(registry, auth=[]) as client:
            assert await client.tags("team/app") == ["public"]

    asyncio.run(run())
    assert len(registry.seen) == 1


def test_many_requests_at_once_ask_the_root_once(connect: Connect) -> None:
    registry = Quiet()
    registry.repository("team/app")

    async def run() -> None:
        async with connect(registry) as client:
            found = await asyncio.gather(*(client.tags("team/app") for _time in range(8)))
            assert found == [[]] * 8

    asyncio.run(run())
    assert registry.asked("/v2/") == 1


def test_a_ping_is_its_own_question(connect: Connect) -> None:
    registry = Quiet()

    async def run() -> None:
        async with connect(registry) as client:
            await client.ping()

    asyncio.run(run())
    assert registry.asked("/v2/") == 2, "refused, then accepted"


@table("status", [200, 404, 403, 301, 400])
def test_a_root_that_says_nothing_is_no_obstacle(connect: Connect, status: int) -> None:
    registry = MemoryRegistry(
        auth="open", fault=lambda q: Refuse(status) if q.url.path == "/v2/" else None
    )
    registry.repository("team/app")

    async def run() -> None:
        async with connect(registry) as client:
            assert await client.tags("team/app") == []
            assert await client.tags("team/app") == []

    asyncio.run(run())
    assert len(registry.seen) == 3


def test_a_root_that_fails_for_a_moment_is_asked_again(connect: Connect) -> None:
    left = [503, 429]
    registry = Quiet(fault=lambda q: Refuse(left.pop()) if q.url.path == "/v2/" and left else None)
    registry.repository("team/app")

    async def run() -> None:
        async with connect(registry) as client:
            assert await client.tags("team/app") == []

    asyncio.run(run())
    assert registry.asked("/v2/") == 3


def test_a_root_that_always_fails_is_given_up(connect: Connect) -> None:
    registry = MemoryRegistry(fault=lambda q: Refuse(500) if q.url.path == "/v2/" else None)
    registry.repository("team/app")

    async def run() -> None:
        async with connect(registry) as client:
            assert await client.tags("team/app") == []

    asyncio.run(run())


def test_a_source_that_cannot_be_read_counts_where_credentials_are_asked_for(
    connect: Connect,
) -> None:
    async def run(registry: MemoryRegistry, source: Failing) -> None:
        async with connect(registry, auth=[source]) as client:
            await client.tags("team/app")
            await client.tags("team/app")

    public, source = MemoryRegistry(auth="open"), Failing()
    public.repository("team/app")
    asyncio.run(run(public, source))
    assert source.asked == 1, "a helper that asks for a passphrase does so once"
    with pytest.raises(UsageError, match="broken"):
        asyncio.run(run(Quiet(), Failing()))


def test_a_wrong_password_is_refused_although_some_could_be_read_without(
    connect: Connect,
) -> None:
    registry = Quiet(password="another-password")

    async def run() -> None:
        async with connect(registry) as client:
            await client.get_manifest("team/app", "1")

    with pytest.raises((RegistryDenied, NotFound)):
        asyncio.run(run())


def test_an_address_where_nobody_listens_is_not_tried_more_often(connect: Connect) -> None:
    tried = []

    class Shut(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            tried.append(request.url.path)
            raise httpx.ConnectError("refused") from ConnectionRefusedError(111, "refused")

    async def run() -> None:
        async with connect(Shut(), retries=Retries(sleep=no_wait)) as client:
            await client.tags("team/app")

    with pytest.raises(RegistryUnreachable):
        asyncio.run(run())
    assert len(tried) == 3


@pytest.mark.parametrize(
    ("location", "own"),
    [("/v2/root", True), ("https://evil.test/v2/", False), ("https://[/", False)],
)
@pytest.mark.needs("challenges")
def test_a_root_may_be_redirected_on_its_own_host(
    connect: Connect, location: str, own: bool
) -> None:
    class Moved(Quiet):
        def answer(
            self,
            method: str,
            target: str,
            headers: dict[str, str],
            body: bytes,
            *,
            partial: bool = False,
        ) -> Reply:
            if target == "/v2/":
                return Reply(308, {"location": location})
            real = "/v2/" if target == "/v2/root" else target
            return super().answer(method, real, headers, body, partial=partial)

    registry = Moved()
    registry.repository("team/app")

    async def run() -> list[str]:
        async with connect(registry) as client:
            return await client.tags("team/app")

    assert asyncio.run(run()) == ([] if own else ["public"])
    assert registry.caught == []


class Both(MemoryRegistry):
    """Offers a token server and Basic, in either order."""

    header = ""

    def answer(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        *,
        partial: bool = False,
    ) -> Reply:
        reply = super().answer(method, target, headers, body, partial=partial)
        if reply.status == 401:
            reply.headers["www-authenticate"] = self.header
        return reply


@table(
    "bearer", ['Bearer realm="https://git.test/jwt"', 'Bearer realm="/x@"', "Bearer", "Bearer x=1"]
)
@table("first", [True, False])
def test_basic_serves_where_the_token_server_must_not_have_the_password(
    connect: Connect, bearer: str, first: bool
) -> None:
    registry = Both(auth="basic")
    registry.repository("team/app")
    basic = 'Basic realm="r"'
    registry.header = f"{bearer}, {basic}" if first else f"{basic}, {bearer}"

    async def run() -> list[str]:
        async with connect(registry) as client:
            return await client.tags("team/app")

    assert asyncio.run(run()) == []
    assert registry.caught == []


def test_the_example_in_the_challenge_of_the_root_is_not_asked_for(connect: Connect) -> None:
    registry = Both(auth="token")
    registry.repository("team/app")
    example = "repository:user/image:pull"
    registry.header = f'Bearer realm="{registry.realm}",service="s",scope="{example}"'

    async def run() -> None:
        async with connect(registry) as client:
            await client.ping()
        async with connect(registry) as client:
            await client.tags("team/app")

    asyncio.run(run())
    asked = [seen.url for seen in registry.seen if "/token" in seen.url]
    assert len(asked) == 2
    assert not [url for url in asked if "user" in url]


@pytest.mark.own_profiles
@pytest.mark.parametrize("offered", [{"www-authenticate": 'Digest realm="x"'}, {}])
def test_a_registry_that_offers_no_known_way_is_not_blamed_on_the_credentials(
    connect: Connect, offered: dict[str, str]
) -> None:
    class Strange(MemoryRegistry):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            assert "authorization" not in request.headers
            return httpx.Response(401, headers=offered, request=request)

    async def run() -> None:
        async with connect(Strange()) as client:
            await client.get_manifest("team/app", "1")

    with pytest.raises(RegistryDenied, match="neither Basic nor Bearer") as caught:
        asyncio.run(run())
    assert "No credentials were sent" in caught.value.hint
