"""Clients of one account: the registry is asked once how to sign in, and tokens are used again."""

import asyncio
import base64
import math
import re
from dataclasses import replace
from typing import Any

import httpx
import pytest

from keynet.errors import RegistryDenied, RegistryError
from keynet.net.sign_in import SignIn, covers
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.registry.auth.credential_sources import Credential
from keynet.registry.transfer.push_image import push_image
from keynet.secret import Secret
from tests.fakes.images import BytesLayer, image_of, random_image
from tests.fakes.registry import MemoryRegistry, Reply
from tests.tables import table
from tests.unit.registry.conftest import Connect

IMAGE = Reference("registry.test", "team/app", "1")


def asked(registry: MemoryRegistry) -> list[str]:
    """Return the requests that are about signing in."""
    return [
        each.url.partition("?")[0] for each in registry.seen if re.search(r"/v2/$|/token", each.url)
    ]


def test_another_client_of_the_account_asks_no_more(connect: Connect) -> None:
    registry, shared = MemoryRegistry(auth="token"), SignIn()

    async def run() -> None:
        async with connect(registry, sign_in=shared) as first:
            await push_image(first, random_image(1), IMAGE, known_missing=True)
        registry.seen.clear()
        async with connect(registry, sign_in=shared) as second:
            await second.head_manifest(IMAGE.repository, "1")
            await second.upload_bytes(IMAGE.repository, "text/plain", b"x")
        assert asked(registry) == []

    asyncio.run(run())


@pytest.mark.needs("mounts")
def test_a_token_serves_the_login_that_fetched_it(connect: Connect) -> None:
    """Namespaces of one registry may have logins of their own; each reads with its own."""

    class Namespaces:
        async def find(self, registry: str, repository: str) -> Credential:
            return Credential(repository.partition("/")[0], Secret("long-enough-password"))

    class Anyone(MemoryRegistry):
        def answer(
            self, method: str, target: str, headers: dict[str, str], *rest: Any, **more: Any
        ) -> Reply:
            if target.startswith("/token"):
                basic = headers["authorization"].removeprefix("Basic ")
                self.user = base64.b64decode(basic).decode().partition(":")[0]
                users.append(self.user)
            return super().answer(method, target, headers, *rest, **more)

    users: list[str] = []
    registry = Anyone(auth="token")
    layer = BytesLayer(b"shared")

    async def run() -> None:
        async with connect(registry, auth=[Namespaces()]) as client:
            await push_image(client, image_of((layer,)), replace(IMAGE, repository="one/app"))
            # Asks for a token that reads one/app, too, with the login of two.
            await push_image(
                client,
                image_of((layer,), 2),
                replace(IMAGE, repository="two/app"),
                mount_from=["one/app"],
            )
        users.clear()
        registry.expire_tokens()
        async with connect(registry, auth=[Namespaces()]) as client:
            await client.mount("two/app", layer.descriptor.digest, "one/app")
            await client.tags("one/app")

    asyncio.run(run())
    assert users == ["two", "one"]


def test_a_client_without_it_begins_anew(connect: Connect) -> None:
    registry = MemoryRegistry(auth="token")

    async def run() -> None:
        for _client in range(2):
            registry.seen.clear()
            async with connect(registry) as client:
                await client.upload_bytes(IMAGE.repository, "text/plain", b"x", look=False)
            assert len(asked(registry)) == 2

    asyncio.run(run())


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.needs("mounts")
def test_mounts_from_many_repositories_need_one_token(connect: Connect, refused: bool) -> None:
    registry = RefusesMany(auth="token") if refused else MemoryRegistry(auth="token")
    sources = [f"team/source{number}" for number in range(5)]

    async def run() -> None:
        layers = [
            BytesLayer(b"%d" % number, origin=Reference("registry.test", source, "1"))
            for number, source in enumerate(sources)
        ]
        async with connect(registry) as client:
            for layer in layers:
                assert layer.origin is not None
                await push_image(client, image_of((layer,)), layer.origin, known_missing=True)
        registry.seen.clear()
        async with connect(registry) as client:
            whole = image_of(tuple(layers))
            await push_image(client, whole, IMAGE, known_missing=True, new_repository=True)
        mounted = [each for each in registry.seen if "mount=" in each.url]
        assert len(mounted) == 5
        tokens = [each for each in registry.seen if "/token" in each.url]
        # Where the server gives none for all: one without a source, and one for each.
        assert len(tokens) == (7 if refused else 1)

    asyncio.run(run())


class RefusesMany(MemoryRegistry):
    """Gives no token for more than two repositories."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token") and len(request.url.params.get_list("scope")) > 2:
            request.headers["authorization"] = "Basic bm9uZTpub25l"
        return await super().handle_async_request(request)


@pytest.mark.medium
@pytest.mark.needs("mounts")
def test_a_token_for_more_serves_for_less(connect: Connect) -> None:
    registry = MemoryRegistry(auth="token")

    async def run() -> None:
        async with connect(registry) as client:
            image = random_image(3)
            await push_image(client, image, IMAGE, known_missing=True)
            other = IMAGE.repository + "2"
            registry.seen.clear()
            # Of the source, the target and both: one token.
            await push_image(
                client,
                image,
                Reference("registry.test", other, "1"),
                mount_from=[IMAGE.repository],
                known_missing=True,
                new_repository=True,
            )
            await client.head_manifest(other, "1")
        assert len(asked(registry)) == 1

    asyncio.run(run())


class GrantsOne(MemoryRegistry):
    """Grants what a token is for only where that is a single repository."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        wanted = request.url.params.get_list("scope")
        if request.url.path.endswith("/token") and len(wanted) > 1:
            request.url = request.url.copy_remove_param("scope")
        return await super().handle_async_request(request)


def test_where_less_is_granted_the_right_token_is_asked_for(connect: Connect) -> None:
    registry = GrantsOne(auth="token")

    async def run() -> None:
        async with connect(registry) as client:
            image = random_image(3)
            for number in range(2):
                await push_image(
                    client,
                    image,
                    IMAGE.with_tag(str(number)),
                    mount_from=["team/other", "team/more"],
                    known_missing=True,
                    new_repository=True,
                )
            found = await client.head_manifest(IMAGE.repository, "1")
            assert found is not None

    asyncio.run(run())


def test_what_another_client_may_do_is_not_taken_for_granted(connect: Connect) -> None:
    registry, shared = MemoryRegistry(auth="token"), SignIn()

    async def run() -> None:
        async with connect(registry, sign_in=shared) as client:
            await client.upload_bytes(IMAGE.repository, "text/plain", b"x")
        registry.password = "changed-in-between"
        registry.expire_tokens()
        async with connect(registry, sign_in=shared) as client:
            with pytest.raises(RegistryDenied):
                await client.upload_bytes(IMAGE.repository, "text/plain", b"y")

    asyncio.run(run())


def test_a_token_server_that_moves_to_another_host_gets_nothing(connect: Connect) -> None:
    registry, shared = MemoryRegistry(auth="token"), SignIn()

    async def run() -> None:
        async with connect(registry, sign_in=shared) as client:
            await client.upload_bytes(IMAGE.repository, "text/plain", b"x")
        registry.expire_tokens()
        registry.realm = "https://evil.test/token"
        async with connect(registry, sign_in=shared) as client:
            with pytest.raises(RegistryError, match="refused"):
                await client.upload_bytes(IMAGE.repository, "text/plain", b"y")

    asyncio.run(run())
    assert registry.caught == []


def test_the_access_of_another_account_has_learned_nothing() -> None:
    access = RegistryAccess("registry.test", "one", Secret("x"))
    access.sign_in.keep(frozenset(), Secret("Bearer of-one"), math.inf, None)
    assert replace(access, username="two").sign_in.headers() == []
    assert "of-one" not in repr(access)


@table(
    ("scopes", "wanted", "covered"),
    [
        ([], [], True),
        (["repository:a:pull"], [], True),
        (["repository:a:pull,push"], ["repository:a:pull"], True),
        (["repository:a:pull,push", "repository:b:pull"], ["repository:b:pull"], True),
        (["repository:a:pull"], ["repository:a:pull,push"], False),
        (["repository:a:pull,push"], ["repository:ab:pull"], False),
        ([], ["registry:catalog:*"], False),
    ],
)
def test_scopes_cover_others(scopes: list[str], wanted: list[str], covered: bool) -> None:
    assert covers(frozenset(scopes), frozenset(wanted)) is covered
