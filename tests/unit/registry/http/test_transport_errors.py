"""Whatever httpx raises becomes an error of keynet."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from email.utils import formatdate

import httpx
import pytest

from keynet.errors import RegistryError, RegistryUnreachable, UsageError
from keynet.registry.queries import check_registry_connectivity
from tests.fakes.registry import MemoryRegistry, Refuse
from tests.tables import table
from tests.unit.registry.conftest import Connect


def foreign_errors() -> list[Exception]:
    """Make one of each exception of httpx, and those that it lets through."""
    return [
        *(kind("odd") for kind in _below(httpx.RequestError)),
        httpx.InvalidURL("odd"),
        httpx.StreamConsumed(),
        httpx.StreamClosed(),
        ssl.SSLError("odd"),
        UnicodeError("odd"),
    ]


def _below(kind: type[httpx.RequestError]) -> Iterator[type[httpx.RequestError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _below(each)


class Failing(httpx.AsyncBaseTransport, httpx.AsyncByteStream):
    """Raise the error instead of an answer, or within its body."""

    def __init__(self, error: Exception, *, within: bool) -> None:
        self.error = error
        self.within = within

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self.within:
            return httpx.Response(200, stream=self, request=request)
        raise self.error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise self.error


@table("within", [False, True])
@table("error", foreign_errors())
def test_every_exception_of_httpx_becomes_a_registry_error(
    connect: Connect, error: Exception, within: bool
) -> None:
    async def run() -> None:
        async with connect(Failing(error, within=within)) as client:
            await client.ping()

    with pytest.raises(RegistryUnreachable, match=r"registry\.test") as caught:
        asyncio.run(run())
    assert type(error) in {type(each) for each in _chain(caught.value)}


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def test_a_proxy_that_cannot_be_used_is_a_wrong_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://user:hunter2@proxy")
    monkeypatch.setenv("https_proxy", "gopher://user:hunter2@proxy")
    with pytest.raises(UsageError) as caught:
        asyncio.run(check_registry_connectivity("https://registry.example.com"))
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"


@table(
    ("value", "hint"),
    [
        ("90", "Try again in 90 seconds."),
        ("3600", "Try again in 60 minutes."),
        ("21600", "Try again in 6 hours."),
        ("9001", "Try again in 3 hours."),
        ("604800", "Try again in 7 days."),
        ("99999999", "Try again later."),
        ("a date", "Try again in 24 hours."),
        ("a moment", "Try again in 24 hours."),
        ("soon", "Try again later."),
    ],
)
def test_a_registry_that_throttles_says_when_to_come_back(
    connect: Connect, value: str, hint: str
) -> None:
    if value == "a date":
        value = formatdate(time.time() + 86_390, usegmt=True)
    if value == "a moment":
        value = str(int(time.time()) + 86_390)
    registry = MemoryRegistry()
    registry.fault = lambda request: Refuse(429, value) if "tags" in request.url.path else None

    async def run() -> None:
        async with connect(registry) as client:
            await client.tags("team/app")

    with pytest.raises(RegistryError, match="throttles") as caught:
        asyncio.run(run())
    assert caught.value.hint.startswith(hint)
