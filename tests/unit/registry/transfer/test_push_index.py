"""Images for several platforms are pushed under one tag."""

import asyncio

import pytest

from keynet.errors import ValidationError
from keynet.events import BlobSkipped, Event
from keynet.oci.descriptor import Digest, MediaType
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.transfer.pull_image import fetch_image
from keynet.registry.transfer.push_index import push_index
from tests.fakes.images import BytesLayer, image_of
from tests.fakes.registry import MemoryRegistry
from tests.unit.registry.conftest import Connect

TARGET = Reference("registry.test", "team/app", "1")
AMD, ARM = Platform("linux", "amd64"), Platform("linux", "arm64")
SHARED = BytesLayer(b"shared" * 1000)


def test_each_platform_is_found_under_the_tag(connect: Connect) -> None:
    registry = MemoryRegistry()
    images = [(AMD, image_of((SHARED,), 1)), (ARM, image_of((SHARED,), 2))]
    events: list[Event] = []

    async def work() -> None:
        async with connect(registry) as client:
            index = await push_index(
                client, images, TARGET, annotations={"a": "b"}, emit=events.append
            )
            assert index.media_type == MediaType.OCI_INDEX
            for platform, image in images:
                assert (await fetch_image(client, TARGET, platform)).manifest == image.manifest

    asyncio.run(work())
    assert set(registry.repository("team/app").tags) == {"1"}
    skipped = [event.blob for event in events if isinstance(event, BlobSkipped)]
    assert skipped == [str(Digest.of(SHARED.content))]


def test_two_images_for_one_platform_are_refused(connect: Connect) -> None:
    registry = MemoryRegistry()
    images = [(AMD, image_of((SHARED,), 1)), (AMD, image_of((SHARED,), 2))]

    async def work() -> None:
        async with connect(registry) as client:
            await push_index(client, images, TARGET)

    with pytest.raises(ValidationError, match="linux/amd64"):
        asyncio.run(work())
    assert registry.seen == []
