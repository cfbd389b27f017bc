"""No request is made for what the next one answers anyway, or for an image that is there."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from keynet.errors import RegistryUnreachable
from keynet.events import BlobSkipped, Event
from keynet.net.retry import Retries
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.image import Image
from keynet.oci.reference import Reference
from keynet.registry.transfer.push_image import push_image
from tests.fakes.images import image_of, random_image
from tests.fakes.registry import MemoryRegistry
from tests.unit.registry.conftest import Connect, no_wait

TARGET = Reference("registry.test", "team/app", "1")


@dataclass(frozen=True)
class Unread:
    """A layer that must not be read."""

    descriptor: Descriptor
    diff_id: Digest
    origin: Reference | None = None

    def chunks(self) -> AsyncIterator[bytes]:
        raise AssertionError("read")


def push(
    connect: Connect, registry: httpx.AsyncBaseTransport, image: Image, *tags: str, **more: object
) -> list[Event]:
    events: list[Event] = []

    async def run() -> None:
        async with connect(registry, **more) as client:
            await push_image(client, image, TARGET, tags=tags, emit=events.append)

    asyncio.run(run())
    return events


def asked(registry: MemoryRegistry) -> list[str]:
    return [f"{seen.method} {httpx.URL(seen.url).path}" for seen in registry.seen]


def unread(image: Image) -> Image:
    layers = tuple(Unread(layer.descriptor, layer.diff_id) for layer in image.layers)
    return Image(image.manifest, image.config, layers)


@pytest.mark.parametrize("tags", [(), ("2", "3")])
def test_an_image_that_stands_is_asked_for_once_a_tag(
    connect: Connect, tags: tuple[str, ...]
) -> None:
    registry = MemoryRegistry(auth="open")
    image = random_image(5)
    push(connect, registry, image, *tags)
    registry.seen.clear()
    events = push(connect, registry, unread(image), *tags, auth=[])
    wanted = ("1", *tags)
    assert asked(registry) == [f"HEAD /v2/team/app/manifests/{tag}" for tag in wanted]
    assert len(events) == len(image.layers) + 1
    assert {type(event) for event in events} == {BlobSkipped}


def test_a_tag_that_is_missing_is_made_without_reading_a_layer(connect: Connect) -> None:
    registry = MemoryRegistry()
    image = random_image(5)
    push(connect, registry, image)
    push(connect, registry, unread(image), "2")
    tags = registry.repository("team/app").tags
    assert tags["2"] == tags["1"] == str(Digest.of(image.manifest))


def test_a_tag_that_points_elsewhere_is_moved(connect: Connect) -> None:
    registry = MemoryRegistry()
    push(connect, registry, random_image(5))
    other = random_image(6)
    push(connect, registry, other)
    assert registry.repository("team/app").tags["1"] == str(Digest.of(other.manifest))


def test_a_registry_whose_scheme_is_known_is_not_pinged_without_credentials(
    connect: Connect,
) -> None:
    registry = MemoryRegistry(auth="open")
    push(connect, registry, random_image(7), auth=[])
    assert "GET /v2/" not in asked(registry)


@pytest.mark.parametrize("auth", ["open", "basic", "token"])
def test_with_credentials_the_root_is_asked_once(connect: Connect, auth: str) -> None:
    registry = MemoryRegistry(auth=auth)
    push(connect, registry, random_image(7), "2", "3")
    assert asked(registry).count("GET /v2/") == 1
    without = [seen for seen in registry.seen if "authorization" not in seen.headers]
    assert auth == "open" or [httpx.URL(seen.url).path for seen in without] == ["/v2/"]


def test_only_the_first_of_many_requests_is_refused_for_want_of_a_token(
    connect: Connect,
) -> None:
    registry = MemoryRegistry(auth="token")
    registry.repository("team/app")

    async def run() -> None:
        async with connect(registry) as client:
            await asyncio.gather(*(client.tags("team/app") for _time in range(8)))

    asyncio.run(run())
    without = [seen for seen in registry.seen if "authorization" not in seen.headers]
    assert [httpx.URL(seen.url).path for seen in without] == ["/v2/"]


def test_how_to_sign_in_is_asked_at_the_root_where_a_refusal_does_not_tell(
    connect: Connect,
) -> None:
    class Mute(MemoryRegistry):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle_async_request(request)
            if request.url.path != "/v2/":
                answer.headers.pop("www-authenticate", None)
            return answer

    registry = Mute(auth="basic")
    image = image_of(())
    push(connect, registry, image)
    assert registry.repository("team/app").tags["1"] == str(Digest.of(image.manifest))
    assert asked(registry).count("GET /v2/") == 1


@pytest.mark.parametrize(
    ("failure", "tries"), [(httpx.ConnectError("refused"), 3), (httpx.ReadError("cut"), 6)]
)
def test_an_address_where_nobody_listens_is_tried_less_than_one_that_answered(
    connect: Connect, failure: httpx.TransportError, tries: int
) -> None:
    class Shut(httpx.AsyncBaseTransport):
        def __init__(self) -> None:
            self.tried = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.tried += 1
            raise failure from ConnectionRefusedError(111, "refused")

    shut = Shut()

    async def run() -> None:
        async with connect(shut, retries=Retries(sleep=no_wait)) as client:
            await client.tags("a/b")

    with pytest.raises(RegistryUnreachable):
        asyncio.run(run())
    assert shut.tried == tries
