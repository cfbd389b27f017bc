"""Hosts that a registry names: those that cannot exist, and those that cannot be reached."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from keynet.errors import RegistryError, UsageError, ValidationError
from keynet.oci.descriptor import Descriptor
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from tests.tables import table
from tests.unit.registry.conftest import PASSWORD, USER, Connect

IMPOSSIBLE = ["xn--n3h.com", "a..b", "a" * 64 + ".test", "[fe80::1%25eth0]", "1.2.3", "a.test:0"]
CONTENT = b"layer"
BLOB = Descriptor.of("m/m", CONTENT)
Step = Callable[[RegistryClient], object]


async def pull(client: RegistryClient) -> None:
    blob = client.get_blob("team/app", BLOB)
    assert b"".join([chunk async for chunk in blob]) == CONTENT


async def push(client: RegistryClient) -> None:
    await client.upload_bytes("team/app", "m/m", CONTENT)


async def tags(client: RegistryClient) -> None:
    await client.tags("team/app")


def run(client: RegistryClient, step: Callable[[RegistryClient], object]) -> None:
    async def work() -> None:
        async with client:
            await step(client)  # type: ignore[misc]

    asyncio.run(work())


class Leading:
    """A registry that leads to another host, as Location, Link or realm; it counts requests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.host != "registry.test":
            raise httpx.ConnectError("nobody is there")
        status, headers = 404, {}
        path = request.url.path
        if request.method == "POST":
            status, headers = 202, {"location": self.url}
        elif "/tags/" in path:
            headers = {"www-authenticate": f'Bearer realm="{self.url}",service="s"'}
            status = 401
        elif request.method == "GET" and "/blobs/" in path:
            status, headers = 307, {"location": self.url}
        return httpx.Response(status, headers=headers, request=request)


@table("host", IMPOSSIBLE)
@table("step", [pull, push, tags])
def test_a_host_that_cannot_exist_is_refused_and_named(
    connect: Connect, step: Step, host: str
) -> None:
    registry = Leading(f"https://{host}/x?sig=s3cr3t")
    with pytest.raises(RegistryError) as caught:
        run(connect(httpx.MockTransport(registry)), step)
    assert f"https://{host}/x" in caught.value.message
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"
    assert {request.url.host for request in registry.asked} == {"registry.test"}


@pytest.mark.parametrize("step", [pull, push], ids=lambda step: step.__name__)
def test_another_host_that_cannot_be_reached_is_named_with_the_registry(
    connect: Connect, step: Step
) -> None:
    registry = Leading("https://inner.test:8443/x?sig=s3cr3t")
    with pytest.raises(RegistryError) as caught:
        run(connect(httpx.MockTransport(registry)), step)
    assert "registry.test sent the request to https://inner.test:8443" in caught.value.message
    assert "public address" in caught.value.hint
    there = [request for request in registry.asked if request.url.host == "inner.test"]
    assert 1 <= len(there) <= 3
    assert all("authorization" not in request.headers for request in there)
    assert PASSWORD not in f"{caught.value} {caught.value.hint}"
    assert USER not in f"{caught.value} {caught.value.hint}"


def test_another_host_that_answered_before_is_tried_as_often_as_the_registry(
    connect: Connect,
) -> None:
    registry = Leading("https://store.test/x")
    answers = iter([200, *[0] * 4, 200])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host != "store.test":
            return registry(request)
        if next(answers):
            return httpx.Response(200, content=CONTENT, request=request)
        raise httpx.ConnectError("a network that is down")

    async def twice(client: RegistryClient) -> None:
        await pull(client)
        await pull(client)

    run(connect(httpx.MockTransport(answer)), twice)


@table(
    "name",
    [
        *("127.0.0.1:99999", "[1::2::3]:5000", "127.0.0.1:port", "a:0", "a.b:", "xn--n3h.com"),
        *(
            "a..b",
            "1.2.3",
            "[fe80::1%eth0]:5000",
            "[::1",
            "::1",
            "a_b:1",
            "localhost.:1",
            "레지스트리.invalid",
        ),
    ],
)
def test_a_mistyped_registry_is_a_usage_error_that_names_it(name: str) -> None:
    for written in (name, f"https://{name}"):
        with pytest.raises(UsageError) as caught:
            RegistryClient(written)
        assert repr(name) in caught.value.message
    with pytest.raises(ValidationError):
        Reference(name, "team/app")


def test_a_password_in_an_address_is_not_shown() -> None:
    for name in ("kim:hunter2@a.b", "https://kim:hunter2@a.b", "https://kim:hun/ter2@a.b"):
        with pytest.raises(UsageError) as caught:
            RegistryClient(name)
        assert "hun" not in f"{caught.value} {caught.value.hint}"
