"""Manifests that arrive a little off: other statuses, and announced digests that are none."""

import asyncio
import json

import httpx
import pytest

from keynet.errors import DigestMismatch
from keynet.oci.descriptor import Descriptor, MediaType
from tests.fakes.overriding import Overriding
from tests.fakes.registry import MemoryRegistry
from tests.unit.registry.conftest import Connect

CONTENT = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": MediaType.OCI_MANIFEST,
        "config": Descriptor.of(MediaType.OCI_CONFIG, b"{}").to_json(),
        "layers": [],
    }
).encode()


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_manifest_that_was_taken_in_other_words_is_pushed(connect: Connect, status: int) -> None:
    def taken(request: httpx.Request) -> httpx.Response | None:
        return httpx.Response(status) if request.method == "PUT" else None

    async def go() -> tuple[Descriptor, bool]:
        async with connect(Overriding(MemoryRegistry(), taken)) as client:
            return await client.put_manifest("a/b", "1", CONTENT, MediaType.OCI_MANIFEST)

    assert asyncio.run(go())[0] == Descriptor.of(MediaType.OCI_MANIFEST, CONTENT)


@pytest.mark.parametrize("announced", ["garbage", "sha256:00", '"sha256:0"'])
def test_an_announced_digest_that_is_none_is_no_digest_of_it(
    connect: Connect, announced: str
) -> None:
    def told(request: httpx.Request) -> httpx.Response | None:
        headers = {"docker-content-digest": announced, "content-type": MediaType.OCI_MANIFEST}
        return httpx.Response(200, content=CONTENT, headers=headers)

    async def go() -> None:
        async with connect(Overriding(MemoryRegistry(), told)) as client:
            await client.get_manifest("a/b", "1")

    with pytest.raises(DigestMismatch, match="read manifest 1 of a/b"):
        asyncio.run(go())
