"""A base image by its mirrors: verified by digest, and by its own registry where they fail."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from keynet.direct.base.base_registries import BaseRegistries
from keynet.direct.base.registries_conf import Source, parse
from keynet.errors import KeynetError, ValidationError
from keynet.events import ignore
from keynet.net.retry import Retries
from keynet.oci.descriptor import Digest
from keynet.oci.image import Image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from tests.fakes.images import random_image
from tests.fakes.registry import Fault, MemoryRegistry, Refuse

BASE = Reference.parse("own.test/base:1")
AMD64 = Platform("linux", "amd64")
CONF = parse(
    [
        (
            "registries.conf",
            b'[[registry]]\nlocation = "own.test"\n'
            b'[[registry.mirror]]\nlocation = "mirror.test/copy"\n',
        )
    ]
)


class Two:
    """A mirror and the registry itself, each with what it was given."""

    def __init__(self, fault: Callable[[httpx.Request], Fault | None] = lambda _r: None) -> None:
        self.mirror = MemoryRegistry(host="mirror.test", fault=fault)
        self.own = MemoryRegistry(host="own.test")

    def open(self, source: Source) -> RegistryClient:
        name = source.reference.registry
        transport = self.mirror if name == "mirror.test" else self.own
        return RegistryClient(name, auth=[], transport=transport, retries=Retries(attempts=1))

    def run(self, base: Reference = BASE) -> tuple[Image, bytes]:
        """Return the image as it is read, with the bytes of its last layer."""

        async def read() -> tuple[Image, bytes]:
            registries = BaseRegistries(CONF, None, ignore, self.open)
            pinned = await registries.pinned(base)
            image = await registries.image(pinned, "", AMD64)
            content = b"".join([chunk async for chunk in image.layers[-1].chunks()])
            await registries.aclose()
            return image, content

        return asyncio.run(read())


def fill(registry: MemoryRegistry, name: str, image: Image, tag: str = "1") -> Digest:
    repository = registry.repository(name)
    digest = Digest.of(image.manifest)
    kind = json.loads(image.manifest)["mediaType"]
    repository.manifests[str(digest)] = (kind, image.manifest)
    repository.tags[tag] = str(digest)
    repository.blobs[str(Digest.of(image.config))] = image.config
    for layer in image.layers:
        repository.blobs[str(layer.descriptor.digest)] = layer.content  # type: ignore[attr-defined]
    return digest


@pytest.fixture
def image() -> Image:
    return random_image(3, sizes=(10, 5000))


def test_a_mirror_is_asked_and_nobody_else(image: Image) -> None:
    two = Two()
    fill(two.mirror, "copy/base", image)
    found, content = two.run()
    assert found.manifest == image.manifest
    assert Digest.of(content) == image.layers[-1].descriptor.digest
    assert two.own.seen == []


def test_without_the_image_at_the_mirror_its_own_registry_is_asked(image: Image) -> None:
    two = Two()
    fill(two.own, "base", image)
    found, _content = two.run()
    assert found.manifest == image.manifest


def test_a_mirror_that_fails_is_passed_over(image: Image) -> None:
    two = Two(lambda _request: Refuse(503))
    fill(two.mirror, "copy/base", image)
    fill(two.own, "base", image)
    assert two.run()[0].manifest == image.manifest


def test_a_mirror_without_a_layer_is_passed_over_for_it(image: Image) -> None:
    two = Two()
    fill(two.mirror, "copy/base", image)
    fill(two.own, "base", image)
    del two.mirror.repository("copy/base").blobs[str(image.layers[-1].descriptor.digest)]
    assert Digest.of(two.run()[1]) == image.layers[-1].descriptor.digest


def test_a_manifest_with_another_digest_is_not_taken(image: Image) -> None:
    two = Two()
    digest = fill(two.own, "base", image)
    other = random_image(4, sizes=(10, 20))
    fill(two.mirror, "copy/base", other)
    kind = json.loads(other.manifest)["mediaType"]
    two.mirror.repository("copy/base").manifests[str(digest)] = (kind, other.manifest)
    found, _content = two.run(BASE.with_digest(digest))
    assert found.manifest == image.manifest


def test_a_layer_with_another_digest_is_not_taken(image: Image) -> None:
    two = Two()
    fill(two.mirror, "copy/base", image)
    fill(two.own, "base", image)
    blobs = two.mirror.repository("copy/base").blobs
    digest = str(image.layers[-1].descriptor.digest)
    blobs[digest] = bytes(len(blobs[digest]))
    assert str(Digest.of(two.run()[1])) == digest


def test_the_error_of_the_registry_itself_counts() -> None:
    with pytest.raises(KeynetError, match=r"own\.test"):
        Two().run()


def test_a_blocked_base_is_not_asked_for() -> None:
    conf = parse([("x", b'[[registry]]\nlocation = "own.test"\nblocked = true\n')])
    two = Two()

    async def read() -> None:
        await BaseRegistries(conf, None, ignore, two.open).pinned(BASE)

    with pytest.raises(ValidationError, match="blocks"):
        asyncio.run(read())
    assert two.own.seen == []
