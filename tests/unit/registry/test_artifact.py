"""Hyperparameters attached to an image: attached once, found again, other entries kept."""

import asyncio
import json
from collections import Counter

import httpx
import pytest

from keynet.errors import NotFound, RegistryError
from keynet.oci.attachment import LOCK, SBOM, Attachment
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.reference import Reference
from keynet.registry import artifact
from keynet.registry.lists.referrers import fallback_tag
from keynet.registry.transfer.push_image import push_image
from tests.fakes.images import random_image
from tests.fakes.registry import MemoryRegistry
from tests.unit.registry.conftest import Connect

IMAGE = Reference("registry.test", "team/app", "1")
PAYLOAD = '{"arguments": [{"name": "학습률"}]}'.encode()


async def pushed(connect: Connect, registry: MemoryRegistry) -> Reference:
    async with connect(registry) as client:
        stored = await push_image(client, random_image(1), IMAGE)
        return IMAGE.with_digest(stored.digest)


async def attach(
    connect: Connect, registry: MemoryRegistry, image: Reference, payload: bytes = PAYLOAD
) -> Descriptor:
    async with connect(registry) as client:
        return await artifact.attach(client, image, payload, file_name="hyperparameters.json")


@pytest.mark.medium
@pytest.mark.parametrize(
    "referrers",
    [pytest.param(True, marks=pytest.mark.needs("referrers")), False],
    ids=["api", "fallback-tag"],
)
def test_what_was_attached_is_read_back(connect: Connect, referrers: bool) -> None:
    registry = MemoryRegistry(referrers=referrers, auth="token")

    async def run() -> None:
        image = await pushed(connect, registry)
        await attach(connect, registry, image)
        async with connect(registry) as client:
            assert await artifact.read(client, image) == PAYLOAD
            assert await artifact.read(client, IMAGE) == PAYLOAD

    asyncio.run(run())
    tags = registry.repository("team/app").tags
    assert len(tags) == (1 if referrers else 2)


def test_an_image_that_is_known_is_not_looked_up(connect: Connect) -> None:
    registry = MemoryRegistry()

    async def run() -> None:
        async with connect(registry) as client:
            stored = await push_image(client, random_image(1), IMAGE)
            registry.seen.clear()
            await artifact.attach_to(
                client, IMAGE.repository, stored, PAYLOAD, file_name="hyperparameters.json"
            )
            assert not [seen for seen in registry.seen if str(stored.digest) in seen.url]
            assert await artifact.read(client, IMAGE) == PAYLOAD

    asyncio.run(run())


def test_several_documents_are_listed_with_one_write(connect: Connect) -> None:
    registry = MemoryRegistry(referrers=False)
    documents = [Attachment(LOCK, "pylock.toml", b"1"), Attachment(SBOM, "sbom.json", b"2")]

    async def run() -> None:
        async with connect(registry) as client:
            stored = await push_image(client, random_image(1), IMAGE)
            await attach(connect, registry, IMAGE)
            registry.seen.clear()
            await artifact.attach_all(client, IMAGE.repository, stored, documents)
            tag = fallback_tag(stored.digest)
            written = [each for each in registry.seen if each.method == "PUT" and tag in each.url]
            assert len(written) == 1
            for each in documents:
                found = await artifact.read_attached(
                    client, IMAGE, stored.digest, each.artifact_type
                )
                assert found == each.content
            # What was there stays.
            assert await artifact.read(client, IMAGE) == PAYLOAD
            assert await artifact.read_attached(client, IMAGE, stored.digest, "text/x") is None

    asyncio.run(run())


class Crowded(MemoryRegistry):
    """Answers late, and remembers how many requests of a kind were waiting at the same time."""

    def __init__(self) -> None:
        super().__init__(referrers=False)
        self.waiting: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        kind = " ".join((request.method, *request.url.path.split("/")[4:5]))
        self.waiting[kind] += 1
        self.most[kind] = max(self.most[kind], self.waiting[kind])
        for _turn in range(50):
            await asyncio.sleep(0)
        self.waiting[kind] -= 1
        return await super().handle_async_request(request)


def test_several_documents_are_sent_at_the_same_time_and_listed_after_them(
    connect: Connect,
) -> None:
    registry = Crowded()
    kinds = ("application/x", LOCK, SBOM)
    documents = [Attachment(kind, "name", kind.encode()) for kind in kinds]

    async def run() -> Digest:
        async with connect(registry) as client:
            stored = await push_image(client, random_image(1), IMAGE)
            registry.seen.clear()
            registry.most.clear()
            await artifact.attach_all(client, IMAGE.repository, stored, documents)
            return stored.digest

    subject = asyncio.run(run())
    # The three documents and the config that they share, then the three manifests.
    assert registry.most == {
        "POST blobs": 4,
        "PUT blobs": 4,
        "PUT manifests": 3,
        "GET manifests": 1,
    }
    tag = fallback_tag(subject)
    order = [tag in each.url for each in registry.seen if each.method == "PUT"]
    assert order == [False] * 7 + [True]


class RefusesOne(MemoryRegistry):
    """Takes one manifest, refuses the next one, and answers no further one."""

    def __init__(self) -> None:
        super().__init__(referrers=False)
        self.manifests = 0
        self.given_up = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "PUT" or "/manifests/" not in request.url.path:
            return await super().handle_async_request(request)
        self.manifests += 1
        if self.manifests == 3:
            return httpx.Response(400, request=request)
        if self.manifests > 3:
            try:
                await asyncio.Event().wait()
            finally:
                self.given_up += 1
        return await super().handle_async_request(request)


def test_a_document_that_is_refused_ends_the_others_and_nothing_is_listed(
    connect: Connect,
) -> None:
    registry = RefusesOne()
    documents = [Attachment(kind, "name", kind.encode()) for kind in ("text/x", LOCK, SBOM)]

    async def run() -> None:
        async with connect(registry) as client:
            # The image is the first manifest.
            stored = await push_image(client, random_image(1), IMAGE)
            with pytest.raises(RegistryError):
                await artifact.attach_all(client, IMAGE.repository, stored, documents)
            assert registry.given_up == 1
            assert asyncio.all_tasks() == {asyncio.current_task()}
            tag = fallback_tag(stored.digest)
            assert not [each for each in registry.seen if tag in each.url]

    asyncio.run(run())


def test_the_manifest_says_what_it_is_in_every_place(connect: Connect) -> None:
    registry = MemoryRegistry(referrers=False)

    async def run() -> tuple[Reference, Descriptor]:
        image = await pushed(connect, registry)
        return image, await attach(connect, registry, image)

    image, stored = asyncio.run(run())
    media_type, content = registry.repository("team/app").manifests[str(stored.digest)]
    manifest = json.loads(content)
    assert media_type == manifest["mediaType"] == MediaType.OCI_MANIFEST
    assert manifest["artifactType"] == artifact.ARTIFACT_TYPE
    assert manifest["config"]["mediaType"] == artifact.ARTIFACT_TYPE
    assert manifest["subject"]["digest"] == str(image.digest)
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == artifact.ARTIFACT_TYPE
    assert layer["annotations"] == {"org.opencontainers.image.title": "hyperparameters.json"}
    assert "created" not in content.decode()
    index = json.loads(
        registry.repository("team/app").manifests[
            registry.repository("team/app").tags[fallback_tag(image.digest or stored.digest)]
        ][1]
    )
    assert index["manifests"][0]["artifactType"] == artifact.ARTIFACT_TYPE


@pytest.mark.parametrize("referrers", [True, False])
def test_attaching_twice_lists_it_once(connect: Connect, referrers: bool) -> None:
    registry = MemoryRegistry(referrers=referrers)

    async def run() -> list[Descriptor]:
        image = await pushed(connect, registry)
        first = await attach(connect, registry, image)
        second = await attach(connect, registry, image)
        assert first.digest == second.digest
        assert image.digest is not None
        async with connect(registry) as client:
            return await client.referrers("team/app", image.digest)

    assert len(asyncio.run(run())) == 1


def test_entries_of_others_are_kept_and_filtered(connect: Connect) -> None:
    registry = MemoryRegistry(referrers=False)
    signature = Descriptor(
        MediaType.OCI_MANIFEST, Digest.of(b"s"), 5, {"a": "b"}, "application/vnd.signature"
    )
    registry.repository("team/app").manifests[str(signature.digest)] = ("text/plain", b"s")

    async def run() -> list[Descriptor]:
        image = await pushed(connect, registry)
        assert image.digest is not None
        index = {
            "schemaVersion": 2,
            "mediaType": MediaType.OCI_INDEX,
            "manifests": [signature.to_json(), signature.to_json()],
        }
        content = json.dumps(index).encode()
        async with connect(registry) as client:
            tag = fallback_tag(image.digest)
            await client.put_manifest("team/app", tag, content, MediaType.OCI_INDEX)
            await attach(connect, registry, image)
            assert await artifact.read(client, image) == PAYLOAD
            return await client.referrers("team/app", image.digest)

    found = asyncio.run(run())
    assert [entry.artifact_type for entry in found] == [
        "application/vnd.signature",
        artifact.ARTIFACT_TYPE,
    ]
    assert dict(found[0].annotations) == {"a": "b"}


def test_two_writers_at_once_both_stay_listed(connect: Connect) -> None:
    registry = MemoryRegistry()

    async def run() -> int:
        image = await pushed(connect, registry)
        payloads = [b"%d" % number for number in range(4)]
        await asyncio.gather(*(attach(connect, registry, image, p) for p in payloads))
        assert image.digest is not None
        async with connect(registry) as client:
            return len(await client.referrers("team/app", image.digest))

    assert asyncio.run(run()) == 4


def test_the_newest_of_several_is_read(connect: Connect) -> None:
    registry = MemoryRegistry()

    async def run() -> bytes:
        image = await pushed(connect, registry)
        await attach(connect, registry, image, b"old")
        await attach(connect, registry, image, b"new")
        async with connect(registry) as client:
            return await artifact.read(client, image)

    assert asyncio.run(run()) == b"new"


def test_a_tag_that_is_no_list_is_left_alone(connect: Connect) -> None:
    registry = MemoryRegistry(referrers=False)

    async def run() -> None:
        image = await pushed(connect, registry)
        assert image.digest is not None
        async with connect(registry) as client:
            await push_image(client, random_image(2), IMAGE.with_tag(fallback_tag(image.digest)))
        before = dict(registry.repository("team/app").tags)
        with pytest.raises(RegistryError, match="not a list of referrers"):
            await attach(connect, registry, image)
        assert registry.repository("team/app").tags == before

    asyncio.run(run())


def test_a_list_that_cannot_be_read_is_not_overwritten(connect: Connect) -> None:
    class Broken(MemoryRegistry):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.method == "GET" and "/manifests/sha256-" in request.url.path:
                return httpx.Response(403, stream=httpx.ByteStream(b""), request=request)
            return await super().handle_async_request(request)

    registry = Broken(referrers=False)

    async def run() -> None:
        image = await pushed(connect, registry)
        with pytest.raises(RegistryError):
            await attach(connect, registry, image)

    asyncio.run(run())
    assert list(registry.repository("team/app").tags) == ["1"]


@pytest.mark.medium
def test_nothing_attached_and_no_image_are_told_apart(connect: Connect) -> None:
    registry = MemoryRegistry()

    async def run() -> None:
        image = await pushed(connect, registry)
        async with connect(registry) as client:
            with pytest.raises(NotFound, match="no hyperparameters"):
                await artifact.read(client, image)
            with pytest.raises(NotFound, match="does not exist"):
                await artifact.read(client, IMAGE.with_tag("none"))
        with pytest.raises(NotFound, match="does not exist"):
            await attach(connect, registry, IMAGE.with_tag("none"))

    asyncio.run(run())


def test_an_artifact_of_another_subject_is_refused(connect: Connect) -> None:
    registry = MemoryRegistry(referrers=False)

    async def run() -> None:
        image = await pushed(connect, registry)
        stored = await attach(connect, registry, image)
        other = IMAGE.with_tag("2")
        async with connect(registry) as client:
            second = await push_image(client, random_image(3), other)
            index = {
                "schemaVersion": 2,
                "mediaType": MediaType.OCI_INDEX,
                "manifests": [stored.to_json()],
            }
            tag = fallback_tag(second.digest)
            content = json.dumps(index).encode()
            await client.put_manifest("team/app", tag, content, MediaType.OCI_INDEX)
            with pytest.raises(RegistryError, match="does not have keynet's format"):
                await artifact.read(client, other)

    asyncio.run(run())
