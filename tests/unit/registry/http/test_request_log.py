"""The logger keynet.registry has each request, and none of its secrets."""

import asyncio
import logging

import httpx
import pytest

from keynet.errors import RegistryError
from keynet.oci.descriptor import Descriptor
from keynet.registry import RegistryConfig, Retries
from tests.fakes.registry import MemoryRegistry, on_loopback
from tests.unit.registry.conftest import PASSWORD, Connect

CONTENT = b"layer"


def test_each_request_is_logged_without_its_query(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "store.test":
            return httpx.Response(200, content=CONTENT, request=request)
        if "authorization" not in request.headers:
            headers = {"www-authenticate": "Basic realm=x"}
            return httpx.Response(401, headers=headers, request=request)
        headers = {"location": "https://store.test/blob?X-Amz-Signature=s3cr3t#s3cr3t"}
        return httpx.Response(307, headers=headers, request=request)

    async def run() -> None:
        async with connect(httpx.MockTransport(answer), host="https://registry.test") as client:
            blob = client.get_blob("team/app", Descriptor.of("m/m", CONTENT))
            assert b"".join([chunk async for chunk in blob]) == CONTENT

    with caplog.at_level(logging.DEBUG, "keynet.registry"):
        asyncio.run(run())
    lines = [record.getMessage() for record in caplog.records if record.name == "keynet.registry"]
    statuses = [line.split(": ")[1].split()[0] for line in lines]
    assert statuses == ["401", "307", "200"]
    assert lines[-1].startswith("GET https://store.test/blob: 200 in 0.")
    assert all("s3cr3t" not in line and PASSWORD not in line for line in lines)
    assert all("Basic" not in line for line in lines)


def test_a_request_without_an_answer_is_logged(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("broken")

    async def run() -> None:
        async with connect(httpx.MockTransport(fail), retries=Retries(attempts=1)) as client:
            await client.ping()

    with caplog.at_level(logging.DEBUG, "keynet.registry"), pytest.raises(RegistryError):
        asyncio.run(run())
    assert "GET https://registry.test/v2/: registry.test" in caplog.records[-1].getMessage()


def test_nothing_is_logged_unless_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        async with on_loopback(MemoryRegistry()) as address:
            config = RegistryConfig(f"http://{address}", auth=[], retries=Retries(attempts=1))
            async with config.client() as client:
                await client.ping()

    asyncio.run(run())
    assert not [record for record in caplog.records if record.name == "keynet.registry"]
