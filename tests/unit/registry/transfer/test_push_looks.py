"""What a push looks up saves work only: whatever becomes of it, the plain way follows."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest

from keynet.errors import RegistryDenied, RegistryError, RegistryUnreachable
from keynet.oci.image import Image
from keynet.oci.reference import Reference
from keynet.registry.transfer.push_image import push_image
from tests.fakes.images import BytesLayer, image_of, random_image
from tests.fakes.registry import CutAnswer, Fault, LostAnswer, MemoryRegistry, Refuse, Reply
from tests.tables import table
from tests.unit.registry.conftest import Connect

TARGET = Reference("registry.test", "team/app", "1")


def push(connect: Connect, registry: MemoryRegistry, image: Image, **more: object) -> None:
    async def run() -> None:
        async with connect(registry, **more) as client:
            await push_image(client, image, TARGET)

    asyncio.run(run())


def at_looks(what: str, fault: Fault) -> Callable[[httpx.Request], Fault | None]:
    """Make the schedule that fails so when something under ``what`` is looked up."""

    def scheduled(request: httpx.Request) -> Fault | None:
        looks = request.method in ("GET", "HEAD") and "/uploads/" not in request.url.path
        return fault if looks and what in request.url.path else None

    return scheduled


FAULTS: list[Fault] = [
    *(Refuse(status) for status in (400, 401, 403, 405, 406, 410, 429, 500, 501, 503)),
    LostAnswer(),
]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["/manifests/", "/blobs/"])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("auth", ["open", "token"])
def test_a_refused_look_means_that_nothing_is_there(
    connect: Connect, what: str, fault: Fault, auth: str
) -> None:
    registry = MemoryRegistry(auth=auth, fault=at_looks(what, fault))
    image = random_image(5)
    push(connect, registry, image)
    assert registry.repository("team/app").tags["1"]


@pytest.mark.medium
def test_many_failing_looks_are_not_repeated_for_each_layer(connect: Connect) -> None:
    registry = MemoryRegistry(fault=at_looks("/blobs/", Refuse(503)))
    layers = tuple(BytesLayer(b"%d" % number) for number in range(40))
    push(connect, registry, image_of(layers))
    looks = [seen for seen in registry.seen if seen.method == "HEAD" and "/blobs/" in seen.url]
    assert len(looks) < 41 + 12


@pytest.mark.parametrize("what", ["/manifests/", "/blobs/sha256"])
def test_a_look_that_is_redirected_to_nowhere_means_that_nothing_is_there(
    connect: Connect, what: str
) -> None:
    class Redirecting(MemoryRegistry):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "HEAD" and what in request.url.path:
                return httpx.Response(
                    307,
                    headers={"location": "https://store.test/x"},
                    stream=httpx.ByteStream(b""),
                    request=request,
                )
            return await super().handle_async_request(request)

    registry = Redirecting()
    push(connect, registry, random_image(6))
    assert registry.caught
    assert registry.repository("team/app").tags["1"]


@pytest.mark.parametrize("status", [400, 405, 501])
def test_a_manifest_is_read_where_head_is_not_offered(connect: Connect, status: int) -> None:
    def fault(request: httpx.Request) -> Fault | None:
        head = request.method == "HEAD" and "/manifests/" in request.url.path
        return Refuse(status) if head else None

    registry = MemoryRegistry(fault=fault)
    image = random_image(7)

    async def run() -> None:
        async with connect(registry) as client:
            assert await client.head_manifest("team/app", "1") is None
            await push_image(client, image, TARGET)
            registry.seen.clear()
            await push_image(client, image, TARGET)
            assert await client.head_manifest("team/app", "1") is not None

    asyncio.run(run())
    assert not [seen for seen in registry.seen if seen.method in ("POST", "PUT")]


@table("fault", [*FAULTS, CutAnswer(0.0)])
def test_a_mount_that_fails_becomes_an_upload_and_is_not_tried_again(
    connect: Connect, fault: Fault
) -> None:
    registry = MemoryRegistry(fault=lambda q: fault if b"mount=" in q.url.query else None)
    origin = replace(TARGET, repository="library/base")
    layers = tuple(BytesLayer(b"%d" % number, origin=origin) for number in range(12))
    push(connect, registry, image_of(layers))
    mounts = [seen for seen in registry.seen if "mount=" in seen.url]
    assert len(mounts) <= 12


class Forgetful(MemoryRegistry):
    """A registry that claims to have every blob, or to have mounted it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        status = 0
        if request.method == "HEAD" and "/blobs/" in request.url.path and self.mounts:
            status = 200
        if b"mount=" in request.url.query:
            status = 201
        if status:
            return httpx.Response(status, stream=httpx.ByteStream(b""), request=request)
        return await super().handle_async_request(request)


@pytest.mark.parametrize("looks", [True, False])
def test_blobs_that_are_not_there_after_all_are_sent(connect: Connect, looks: bool) -> None:
    registry = Forgetful(mounts=looks)
    origin = replace(TARGET, repository="library/base")
    layers = tuple(BytesLayer(b"%d" % number, origin=origin) for number in range(3))
    push(connect, registry, image_of(layers))
    assert registry.repository("team/app").tags["1"]


def test_a_manifest_whose_blobs_stay_unknown_is_the_registrys_error(connect: Connect) -> None:
    class Losing(MemoryRegistry):
        def answer(self, method: str, *rest: object, **more: object) -> Reply:
            self.repository("team/app").blobs.clear()
            return super().answer(method, *rest, **more)  # type: ignore[arg-type]

    registry = Losing()
    with pytest.raises(RegistryError, match="MANIFEST_BLOB_UNKNOWN"):
        push(connect, registry, random_image(15))
    puts = [seen for seen in registry.seen if seen.method == "PUT" and "/manifests/" in seen.url]
    assert len(puts) == 2


def test_a_query_is_still_told_that_it_is_refused(connect: Connect) -> None:
    registry = MemoryRegistry(fault=at_looks("/v2/team", Refuse(403)))
    image = random_image(8)

    async def run() -> None:
        async with connect(registry) as client:
            with pytest.raises(RegistryDenied):
                await client.head_manifest("team/app", "1")
            with pytest.raises(RegistryDenied):
                await client.head_blob("team/app", image.layers[0].descriptor.digest)

    asyncio.run(run())


@pytest.mark.parametrize("status", [401, 403])
def test_where_nothing_is_allowed_the_push_ends_as_no_permission(
    connect: Connect, status: int
) -> None:
    registry = MemoryRegistry(auth="basic", fault=lambda q: Refuse(status))
    with pytest.raises(RegistryDenied):
        push(connect, registry, random_image(9, sizes=(10, 20, 30, 40, 50)))
    assert len(registry.seen) <= 12, "wrong credentials are not tried once for each layer"


def test_a_registry_that_does_not_answer_is_an_error_at_once(connect: Connect) -> None:
    registry = MemoryRegistry(host="other.test")
    with pytest.raises(RegistryUnreachable):
        push(connect, registry, random_image(10))
    assert len(registry.caught) <= 3


class Pointing(MemoryRegistry):
    """A registry that names this address for its uploads."""

    address = ""

    def answer(self, method: str, *rest: object, **more: object) -> Reply:
        reply = super().answer(method, *rest, **more)  # type: ignore[arg-type]
        if "/uploads/" in reply.headers.get("location", ""):
            reply.headers["location"] = f"{self.address}{reply.headers['location']}"
        return reply


@pytest.mark.parametrize("address", ["https://internal.test:8443", "https://registry.test:1"])
def test_an_upload_address_that_does_not_work_is_blamed_on_the_registry(
    connect: Connect, address: str
) -> None:
    registry = Pointing(auth="basic")
    registry.address = address
    with pytest.raises(
        RegistryError, match=f"registry.test sent the request to {address}"
    ) as error:
        push(connect, registry, random_image(11))
    assert "public address" in error.value.hint
    assert len(registry.caught) <= 4, "one try for each of the concurrent uploads"
    assert not [request for request in registry.caught if "authorization" in request.headers]


def test_a_refusal_at_another_address_names_both(connect: Connect) -> None:
    registry = Pointing(
        auth="basic",
        elsewhere=lambda request: httpx.Response(404, content=b"<html>not here</html>"),
    )
    registry.address = "https://web.test"
    with pytest.raises(RegistryError, match=r"https://web\.test:443 \(where registry\.test sent"):
        push(connect, registry, random_image(12))
    assert not [request for request in registry.caught if "authorization" in request.headers]


def test_an_upload_address_with_plain_http_is_refused_and_named(connect: Connect) -> None:
    registry = Pointing()
    registry.address = "http://registry.test"
    with pytest.raises(RegistryError, match=r"http://registry\.test/v2/.*plain http"):
        push(connect, registry, random_image(13))
    assert registry.caught == []


def into_new_repository(connect: Connect, registry: MemoryRegistry, image: Image) -> None:
    async def run() -> None:
        async with connect(registry) as client:
            await push_image(client, image, TARGET, known_missing=True, new_repository=True)

    asyncio.run(run())


def mountable(registry: MemoryRegistry, *, stored: bool) -> Image:
    """Return an image of large layers, which another repository holds if ``stored``."""
    origin = replace(TARGET, repository="library/base")
    layers = tuple(BytesLayer(b"%d" % number * 70_000, origin=origin) for number in range(3))
    if stored:
        for layer in layers:
            registry.repository("library/base").blobs[str(layer.descriptor.digest)] = layer.content
    return image_of(layers)


@pytest.mark.needs("mounts")
def test_a_new_repository_is_not_asked_what_it_has(connect: Connect) -> None:
    registry = MemoryRegistry()
    into_new_repository(connect, registry, mountable(registry, stored=True))
    seen = [each.method for each in registry.seen if "/app/" in each.url]
    # A mount a layer, the config, the manifest.
    assert seen.count("HEAD") == 0
    assert len(seen) == 3 + 2 + 1


def test_what_cannot_be_mounted_is_looked_for_before_it_is_sent(connect: Connect) -> None:
    """The name of a new repository may be that of an earlier push."""
    registry = MemoryRegistry(mounts=False)
    image = mountable(registry, stored=False)
    into_new_repository(connect, registry, image)
    assert registry.repository("team/app").tags["1"]
    before = registry.bytes_received
    into_new_repository(connect, registry, image)
    assert registry.bytes_received - before < 10_000


@pytest.mark.slow
@pytest.mark.parametrize("fault", [*FAULTS, CutAnswer(0.0)], ids=str)
def test_a_mount_that_fails_at_first_becomes_an_upload(connect: Connect, fault: Fault) -> None:
    registry = MemoryRegistry(fault=lambda q: fault if b"mount=" in q.url.query else None)
    into_new_repository(connect, registry, mountable(registry, stored=True))
    assert registry.repository("team/app").tags["1"]
    forgetful = Forgetful(mounts=False)
    into_new_repository(connect, forgetful, mountable(registry, stored=False))
    assert forgetful.repository("team/app").tags["1"]


@pytest.mark.needs("mounts")
def test_what_takes_more_requests_than_a_mount_begins_before_them(connect: Connect) -> None:
    registry = MemoryRegistry()
    origin = Reference("registry.test", "team/base")
    mounted = tuple(BytesLayer(b"base %d" % number, origin=origin) for number in range(6))
    new = BytesLayer(b"code")

    async def run() -> None:
        async with connect(registry) as client:
            base = origin.with_tag("1")
            await push_image(client, image_of(tuple(mounted)), base, known_missing=True)
            registry.seen.clear()
            image = image_of((*mounted, new))
            await push_image(client, image, TARGET, known_missing=True, new_repository=True)

    asyncio.run(run())
    posts = ["mount=" in seen.url for seen in registry.seen if seen.method == "POST"]
    # The config and the new layer.
    assert posts == [False, False, *[True] * 6]
