"""Blobs that are sent before the whole image is known."""

import asyncio
import gc

import httpx
import pytest

from keynet.errors import RegistryDenied
from keynet.events import BlobFinished, Event, ignore
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.blob_sending import BlobSending
from keynet.registry.transfer.push_image import push_image
from tests.fakes.images import BytesLayer, image_of
from tests.fakes.registry import Fault, MemoryRegistry, Refuse
from tests.unit.registry.conftest import Connect

TARGET = Reference("registry.test", "team/app", "1")
LAYERS = tuple(BytesLayer(b"layer %d" % number) for number in range(3))
IMAGE = image_of(LAYERS)


def _sending(client: RegistryClient, **more: object) -> BlobSending:
    return BlobSending(client, "team/app", **{"emit": ignore, **more})  # type: ignore[arg-type]


def _puts(registry: MemoryRegistry) -> list[str]:
    return [seen.url for seen in registry.seen if seen.method == "PUT" and "/uploads/" in seen.url]


async def _until(met: asyncio.Event) -> None:
    async with asyncio.timeout(120):
        await met.wait()


def test_what_was_begun_is_sent_once_and_before_the_image_is_known(connect: Connect) -> None:
    registry = MemoryRegistry()
    finished: list[str] = []
    all_there = asyncio.Event()

    def emit(event: Event) -> None:
        if isinstance(event, BlobFinished):
            finished.append(event.blob)
            if len(finished) == 2:
                all_there.set()

    async def run() -> None:
        async with connect(registry) as client:
            sending = _sending(client, emit=emit)
            sending.begin([LAYERS[0], LAYERS[0]])
            sending.begin(LAYERS[:2])
            await _until(all_there)
            assert not registry.repository("team/app").tags
            await push_image(client, IMAGE, TARGET, known_missing=True, begun=sending)

    asyncio.run(run())
    assert registry.repository("team/app").tags["1"]
    # Three layers and the config.
    assert len(_puts(registry)) == 4
    assert len(set(finished)) == len(finished) == 4


@pytest.mark.medium
def test_what_refuses_early_fails_the_push(connect: Connect) -> None:
    def fault(request: httpx.Request) -> Fault | None:
        return Refuse(403) if request.method in ("POST", "PUT", "PATCH") else None

    registry = MemoryRegistry(fault=fault)

    async def run() -> None:
        async with connect(registry) as client:
            sending = _sending(client)
            sending.begin(LAYERS)
            await asyncio.sleep(0.05)
            with pytest.raises(RegistryDenied):
                await push_image(client, IMAGE, TARGET, known_missing=True, begun=sending)

    asyncio.run(run())
    assert not registry.repository("team/app").tags


@pytest.mark.medium
def test_what_nobody_asks_for_is_cancelled_and_says_nothing(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    class Hanging(MemoryRegistry):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if str(LAYERS[1].descriptor.digest) in str(request.url):
                await asyncio.Event().wait()
            return await super().handle_async_request(request)

    registry = Hanging(fault=lambda request: Refuse(403) if request.method == "POST" else None)

    async def run() -> None:
        async with connect(registry) as client:
            sending = _sending(client)
            sending.begin(LAYERS)
            await asyncio.sleep(0.05)
            async with asyncio.timeout(120):
                await sending.cancel()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())
    gc.collect()
    assert caplog.text == ""
