"""Images go out and come back whole; what is there already is not sent."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from keynet.errors import DigestMismatch, NotFound, RegistryDenied, RegistryError, ValidationError
from keynet.events import (
    BlobAdvanced,
    BlobFinished,
    BlobMounted,
    BlobSkipped,
    BlobStarted,
    Event,
    Notice,
)
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.pull_image import fetch_image
from keynet.registry.transfer.push_image import push_image
from tests.fakes.images import BytesLayer, RandomLayer, image_of, random_image
from tests.fakes.registry import (
    Cut,
    CutAnswer,
    Fault,
    LostAnswer,
    MemoryRegistry,
    Partial,
    Refuse,
)
from tests.tables import table
from tests.unit.registry.conftest import Connect

TARGET = Reference("registry.test", "team/app", "1")


async def push(
    connect: Connect, registry: MemoryRegistry, image: Image, target: Reference = TARGET
) -> list[Event]:
    events: list[Event] = []
    async with connect(registry) as client:
        await push_image(client, image, target, emit=events.append)
    return events


def methods(registry: MemoryRegistry, *wanted: str) -> list[str]:
    return [seen.method for seen in registry.seen if seen.method in wanted]


@table("auth", ["open", "basic", "token"])
@table("manifest_type", MediaType.MANIFESTS)
def test_an_image_comes_back_as_it_went(connect: Connect, auth: str, manifest_type: str) -> None:
    registry = MemoryRegistry(auth=auth)
    image = random_image(5, manifest_type=manifest_type)

    async def run() -> None:
        await push(connect, registry, image)
        async with connect(registry) as client:
            read = await fetch_image(client, TARGET)
            assert (read.manifest, read.config) == (image.manifest, image.config)
            for mine, theirs in zip(image.layers, read.layers, strict=True):
                assert theirs.diff_id == mine.diff_id
                content = b"".join([chunk async for chunk in theirs.chunks()])
                assert Digest.of(content) == mine.descriptor.digest

    asyncio.run(run())


def test_what_is_there_is_skipped(connect: Connect) -> None:
    registry = MemoryRegistry()
    image = random_image(5)
    asyncio.run(push(connect, registry, image))
    registry.seen.clear()
    events = asyncio.run(push(connect, registry, image))
    assert methods(registry, "POST", "PATCH") == []
    assert len(events) == 5
    assert {type(event) for event in events} == {BlobSkipped}


@pytest.mark.needs("mounts")
def test_layers_are_mounted_from_another_repository(connect: Connect) -> None:
    registry = MemoryRegistry(auth="token")
    other = replace(TARGET, repository="library/base")
    content = bytes(range(256)) * 500
    base = image_of((BytesLayer(content),))
    asyncio.run(push(connect, registry, base, other))
    image = image_of((BytesLayer(content, origin=other), BytesLayer(b"own")), 2)
    events = asyncio.run(push(connect, registry, image))
    assert [event.size for event in events if isinstance(event, BlobMounted)] == [len(content)]
    mounts = [seen.url for seen in registry.seen if "mount=" in seen.url]
    assert len(mounts) == 1
    assert "from=library%2Fbase" in mounts[0]


@table("status", [401, 403, 404, 405, 202])
def test_a_refused_mount_becomes_an_upload(connect: Connect, status: int) -> None:
    def fault(request: httpx.Request) -> Fault | None:
        if b"mount=" in request.url.query and status != 202:
            return Refuse(status)
        return None

    registry = MemoryRegistry(mounts=False, fault=fault)
    origin = replace(TARGET, repository="library/base")
    image = image_of((BytesLayer(b"x" * 1000, origin=origin),))
    events = asyncio.run(push(connect, registry, image))
    assert not [event for event in events if isinstance(event, BlobMounted)]
    assert str(image.layers[0].descriptor.digest) in registry.repository("team/app").blobs


def test_a_layer_that_stands_twice_is_sent_once(connect: Connect) -> None:
    registry = MemoryRegistry()
    layer = BytesLayer(b"same" * 100)
    events = asyncio.run(push(connect, registry, image_of((layer, layer))))
    started = [event.blob for event in events if isinstance(event, BlobStarted)]
    assert started.count(str(layer.descriptor.digest)) == 1


def test_events_tell_of_every_byte(connect: Connect) -> None:
    registry = MemoryRegistry()
    layer = BytesLayer(b"z" * 300_000, piece=100_000)
    events = asyncio.run(push(connect, registry, image_of((layer,))))
    name = str(layer.descriptor.digest)
    mine = [event for event in events if getattr(event, "blob", "") == name]
    assert mine == [
        BlobStarted(name, 300_000),
        BlobAdvanced(name, 100_000),
        BlobAdvanced(name, 200_000),
        BlobAdvanced(name, 300_000),
        BlobFinished(name),
    ]


def test_further_tags_point_to_the_same_manifest(connect: Connect) -> None:
    registry = MemoryRegistry()
    image = random_image(6)

    async def run() -> None:
        async with connect(registry) as client:
            await push_image(client, image, TARGET, tags=["2", "1", "latest"])
            assert await client.tags("team/app") == ["1", "2", "latest"]

    asyncio.run(run())
    assert len(set(registry.repository("team/app").tags.values())) == 1


def test_nothing_points_to_an_image_whose_layer_was_refused(connect: Connect) -> None:
    registry = MemoryRegistry(fault=lambda q: Refuse(403) if q.method == "PUT" else None)
    with pytest.raises(RegistryDenied):
        asyncio.run(push(connect, registry, random_image(7)))
    assert registry.repository("team/app").tags == {}


class Changed(BytesLayer):
    """A layer whose file changed after its digest was taken."""

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.content[::-1]


class Short(BytesLayer):
    """A layer whose file was cut after its digest was taken."""

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self.content[:-1]


@pytest.mark.parametrize("kind", [Changed, Short])
@pytest.mark.parametrize("size", [1000, pytest.param(6_000_000, marks=pytest.mark.needs("chunks"))])
def test_a_layer_that_changed_meanwhile_is_not_pushed(
    connect: Connect, kind: type[BytesLayer], size: int
) -> None:
    registry = MemoryRegistry()
    layer = kind(bytes(range(250)) * (size // 250))
    with pytest.raises(DigestMismatch, match="as announced"):
        asyncio.run(push(connect, registry, image_of((layer,))))
    digest = layer.descriptor.digest.hex
    if size > 4 << 20:
        assert not [s for s in registry.seen if s.method == "PUT" and digest in s.url]
    assert registry.repository("team/app").tags == {}


@pytest.mark.medium
@pytest.mark.parametrize(("count", "warned"), [(127, 0), (128, 1)])
def test_more_layers_than_docker_runs_are_pushed_with_a_warning(
    connect: Connect, count: int, warned: int
) -> None:
    registry = MemoryRegistry()
    layers = tuple(BytesLayer(b"%d" % number) for number in range(count))
    events = asyncio.run(push(connect, registry, image_of(layers)))
    notices = [event for event in events if isinstance(event, Notice)]
    assert len(notices) == warned
    assert all("128 layers" in notice.text and "127" in notice.text for notice in notices)
    assert registry.repository("team/app").tags["1"]


def test_a_manifest_that_no_registry_accepts_is_refused_before_any_layer_is_sent(
    connect: Connect,
) -> None:
    registry = MemoryRegistry()
    image = image_of((BytesLayer(b"x"),))
    padded = json.dumps({**json.loads(image.manifest), "annotations": {"a": "x" * 4_200_000}})
    with pytest.raises(RegistryError, match="at most 4 MB"):
        asyncio.run(push(connect, registry, replace(image, manifest=padded.encode())))
    assert registry.seen == []


def test_an_image_whose_parts_do_not_fit_is_refused(connect: Connect) -> None:
    image = random_image(8)
    wrong = [
        replace(image, config=b"{}"),
        replace(image, layers=image.layers[:-1]),
        replace(image, manifest=json.dumps({"schemaVersion": 2, "manifests": []}).encode()),
    ]
    for bad in wrong:
        with pytest.raises((ValidationError, RegistryError)):
            asyncio.run(push(connect, MemoryRegistry(), bad))
    target = TARGET.with_digest(Digest.of(b"other"))
    with pytest.raises(ValidationError, match="under that digest"):
        asyncio.run(push(connect, MemoryRegistry(), image, target))


def test_a_registry_that_stores_something_else_is_noticed(connect: Connect) -> None:
    class Liar(MemoryRegistry):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await super().handle_async_request(request)
            if request.method == "PUT":
                answer.headers["docker-content-digest"] = str(Digest.of(b"other"))
            return answer

    with pytest.raises(DigestMismatch, match="another digest"):
        asyncio.run(push(connect, Liar(), random_image(9)))


@pytest.mark.needs("deletion", "404 for what is absent")
def test_a_delete_whose_answer_is_lost_is_done(connect: Connect) -> None:
    lost = [LostAnswer()]
    registry = MemoryRegistry(fault=lambda q: lost.pop() if q.method == "DELETE" and lost else None)
    image = random_image(10)

    async def run() -> None:
        await push(connect, registry, image)
        async with connect(registry) as client:
            manifest = await client.get_manifest("team/app", "1")
            assert not await client.delete_manifest("team/app", Digest.of(b"other"))
            await client.delete_manifest("team/app", manifest.descriptor.digest)
            assert await client.head_manifest("team/app", "1") is None
            layer = image.layers[2].descriptor.digest
            assert await client.delete_blob("team/app", layer)
            assert await client.head_blob("team/app", layer) is None

    asyncio.run(run())


@pytest.mark.needs("catalog")
@pytest.mark.needs("empty repositories in the list")
def test_every_page_of_a_list_is_read(connect: Connect) -> None:
    registry = MemoryRegistry(page=3, auth="token")
    names = [f"team/app{number:02}" for number in range(10)]
    for name in names:
        registry.repository(name)
    registry.repository("team/app00").tags = {f"v{n}": "x" for n in range(8)}

    async def run() -> None:
        async with connect(registry) as client:
            assert await client.catalog() == names
            assert await client.tags("team/app00") == [f"v{n}" for n in range(8)]
            with pytest.raises(NotFound):
                await client.tags("no/such")

    asyncio.run(run())


def index_of(registry: MemoryRegistry, *platforms: tuple[str, str, str | None]) -> Reference:
    """Store an index with an image for each platform under the tag "multi"."""
    entries = []
    repository = registry.repository("team/app")
    for number, (os, architecture, variant) in enumerate(platforms):
        image = random_image(100 + number, sizes=(10,))
        digest = str(Digest.of(image.manifest))
        repository.manifests[digest] = (MediaType.OCI_MANIFEST, image.manifest)
        repository.blobs[str(Digest.of(image.config))] = image.config
        described = Descriptor(
            MediaType.OCI_MANIFEST,
            Digest.parse(digest),
            len(image.manifest),
            platform=Platform(os, architecture, variant),
        )
        entries.append(described.to_json())
    index = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": entries}
    content = json.dumps(index).encode()
    repository.manifests[str(Digest.of(content))] = (MediaType.OCI_INDEX, content)
    repository.tags["multi"] = str(Digest.of(content))
    return Reference("registry.test", "team/app", "multi")


@table(
    ("platform", "seed"),
    [(None, 0), ("linux/amd64", 0), ("linux/arm64", 1), ("linux/arm/v7", 3)],
)
def test_the_platform_is_chosen_from_an_index(
    connect: Connect, platform: str | None, seed: int
) -> None:
    registry = MemoryRegistry()
    source = index_of(
        registry,
        ("linux", "amd64", None),
        ("linux", "arm64", "v8"),
        ("linux", "arm", "v6"),
        ("linux", "arm", "v7"),
        ("unknown", "unknown", None),
    )

    async def run(client: RegistryClient) -> Image:
        async with client:
            wanted = Platform.parse(platform) if platform else None
            return await fetch_image(client, source, wanted)

    image = asyncio.run(run(connect(registry)))
    assert image.manifest == random_image(100 + seed, sizes=(10,)).manifest


def test_a_platform_that_is_missing_is_said_with_those_that_are_not(connect: Connect) -> None:
    registry = MemoryRegistry()
    source = index_of(registry, ("linux", "arm64", None), ("linux", "s390x", None))

    async def run() -> None:
        async with connect(registry) as client:
            await fetch_image(client, source)

    with pytest.raises(NotFound, match="linux/arm64, linux/s390x"):
        asyncio.run(run())


def test_one_token_serves_many_requests(connect: Connect) -> None:
    registry = MemoryRegistry(auth="token")
    asyncio.run(push(connect, registry, random_image(11, sizes=(10, 20, 30, 40, 50))))
    tokens = [seen for seen in registry.seen if "/token" in seen.url]
    assert len(tokens) == 2, "one to pull, one to push"


def test_a_token_that_ran_out_is_renewed(connect: Connect) -> None:
    registry = MemoryRegistry(auth="token")

    async def run() -> None:
        async with connect(registry) as client:
            registry.repository("a/b")
            for _time in range(4):
                await client.tags("a/b")
                registry.expire_tokens()

    asyncio.run(run())


def test_an_identity_token_is_exchanged_by_post(connect: Connect) -> None:
    from keynet.registry.auth.credential_sources import Credential, FixedSource
    from keynet.secret import Secret

    registry = MemoryRegistry(auth="token")
    registry.repository("a/b")
    credential = Credential("", Secret("identity-token-of-mine"), identity=True)

    async def run() -> None:
        sources = [FixedSource(registry.host, credential)]
        async with connect(registry, auth=sources) as client:
            await client.tags("a/b")

    asyncio.run(run())
    (asked,) = [seen for seen in registry.seen if "/token" in seen.url]
    assert asked.method == "POST"
    assert "identity-token" not in asked.url


def once(fault: Fault, method: str, auth: str | None = None) -> MemoryRegistry:
    """Make a registry that fails so at the first request of this method."""
    left = [fault]
    return MemoryRegistry(
        auth=auth, fault=lambda q: left.pop() if q.method == method and left else None
    )


@pytest.mark.parametrize("size", [1000, pytest.param(300_000, marks=pytest.mark.needs("chunks"))])
def test_a_commit_whose_answer_is_lost_sends_nothing_again(connect: Connect, size: int) -> None:
    registry = once(LostAnswer(), "PUT")

    async def run() -> None:
        async with connect(registry) as client:
            layer = BytesLayer(b"q" * size)
            await client.upload("a/b", layer.descriptor, layer.chunks, chunk_size=100_000)

    asyncio.run(run())
    assert registry.bytes_received == size


@pytest.mark.needs("ranges")
def test_what_is_left_of_a_chunk_follows_at_once(connect: Connect) -> None:
    registry = once(Partial(0.25), "PATCH", auth="open")

    async def run() -> None:
        async with connect(registry, auth=[]) as client:
            layer = BytesLayer(bytes(range(250)) * 2000)
            await client.upload("a/b", layer.descriptor, layer.chunks, chunk_size=400_000)

    asyncio.run(run())
    assert registry.bytes_received == 500_000
    assert not methods(registry, "GET"), "nobody had to ask for the offset"


@pytest.mark.needs("ranges")
def test_a_cut_chunk_goes_on_at_the_offset_the_registry_reports(connect: Connect) -> None:
    registry = once(Cut(0.5), "PATCH")
    events: list[Event] = []

    async def run() -> None:
        async with connect(registry) as client:
            layer = BytesLayer(bytes(range(250)) * 4000, piece=50_000)
            await client.upload(
                "a/b", layer.descriptor, layer.chunks, chunk_size=400_000, emit=events.append
            )

    asyncio.run(run())
    assert registry.bytes_received == 1_000_000


def test_a_redirected_upload_stays_at_its_origin(connect: Connect) -> None:
    class Moved(MemoryRegistry):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "POST" and "moved" not in str(request.url):
                location = "https://cdn.test/" if self.page == 1 else f"{request.url}?moved=1"
                return httpx.Response(
                    307,
                    headers={"location": location},
                    stream=httpx.ByteStream(b""),
                    request=request,
                )
            return await super().handle_async_request(request)

    asyncio.run(push(connect, Moved(), random_image(12)))
    with pytest.raises(RegistryError, match="another host"):
        asyncio.run(push(connect, Moved(page=1), random_image(12)))


def test_a_download_is_resumed_and_still_verified(connect: Connect) -> None:
    content = bytes(range(250)) * 4000
    cuts: list[Fault] = [CutAnswer(0.5), Refuse(503, "0"), CutAnswer(0.9)]
    registry = MemoryRegistry(
        fault=lambda q: cuts.pop() if "/blobs/" in q.url.path and cuts else None
    )
    descriptor = Descriptor.of("application/octet-stream", content)
    registry.repository("a/b").blobs[str(descriptor.digest)] = content

    async def run() -> bytes:
        async with connect(registry) as client:
            return b"".join([chunk async for chunk in client.get_blob("a/b", descriptor)])

    assert asyncio.run(run()) == content
    ranges = [seen.headers["range"] for seen in registry.seen if "range" in seen.headers]
    assert ranges[0] == "bytes=900000-"


@pytest.mark.parametrize("status", [403, 404, 416])
def test_a_download_that_is_refused_says_why(connect: Connect, status: int) -> None:
    registry = MemoryRegistry(fault=lambda q: Refuse(status) if "/blobs/" in q.url.path else None)
    descriptor = Descriptor.of("application/octet-stream", b"x")

    async def run() -> None:
        async with connect(registry) as client:
            async for _chunk in client.get_blob("a/b", descriptor):
                pass

    with pytest.raises(RegistryError, match="read blob") as caught:
        asyncio.run(run())
    assert caught.value.status == status


@pytest.mark.needs("mounts")
def test_mount_by_itself_tells_whether_it_was_done(connect: Connect) -> None:
    registry = MemoryRegistry(auth="token")

    async def run() -> None:
        async with connect(registry) as client:
            described = await client.upload_bytes("a/b", "application/octet-stream", b"content")
            assert await client.mount("c/d", described.digest, "a/b")
            assert await client.head_blob("c/d", described.digest) == 7
            assert not await client.mount("c/d", Digest.of(b"other"), "a/b")

    asyncio.run(run())
    assert registry.uploads == {}, "the upload that was opened instead is closed again"


MIB = 1024 * 1024


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (1024, [4, 8, *[11] * 8, 10]),
        # A proxy in between takes no more than 8 MiB in a request.
        (8, [4, *[8] * 13, 2]),
    ],
)
@pytest.mark.needs("chunks", "any size")
def test_chunks_grow_to_a_tenth_of_the_blob_where_nothing_limits_them(
    connect: Connect, limit: int, expected: list[int]
) -> None:
    def fault(request: httpx.Request) -> Fault | None:
        sent = int(request.headers.get("content-length", "0"))
        return Refuse(413) if request.method == "PATCH" and sent > limit * MIB else None

    registry = MemoryRegistry(fault=fault)
    image = image_of((RandomLayer.make(7, 110 * MIB),), 7)
    asyncio.run(push(connect, registry, image))
    chunks = [each.sent / MIB for each in registry.seen if each.method == "PATCH" and each.sent]
    assert chunks == expected
    assert registry.bytes_received <= 1.15 * 110 * MIB


@pytest.mark.slow
@pytest.mark.needs("chunks")
def test_chunks_of_a_given_size_do_not_grow(connect: Connect) -> None:
    registry = MemoryRegistry()

    async def run() -> None:
        async with connect(registry) as client:
            image = image_of((RandomLayer.make(7, 40 * MIB),), 7)
            await push_image(client, image, TARGET, chunk_size=2 * MIB)

    asyncio.run(run())
    assert {each.sent for each in registry.seen if each.method == "PATCH"} == {2 * MIB}
