"""A proxy that is in the way is named as the proxy, never with its password."""

import asyncio
import re

import pytest

from keynet.errors import KeynetError, RegistryUnreachable, UsageError
from keynet.net.retry import Retries
from keynet.registry.client import RegistryClient
from tests.fakes.outbound_proxy import answering_proxy, free_port, socks_proxy
from tests.fakes.registry import MemoryRegistry, on_loopback
from tests.unit.registry.conftest import no_wait

PASSWORD = "hunter2secret"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def ping(registry: str = "https://registry.invalid") -> None:
    async def run() -> None:
        retries = Retries(sleep=no_wait)
        async with RegistryClient(
            registry, auth=[], insecure=True, certs_d=(), retries=retries
        ) as client:
            await client.ping()

    asyncio.run(run())


@pytest.mark.parametrize("registry", ["https://registry.invalid", "http://registry.invalid"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n", "refuses its user and password"),
        (b"", "does not answer as a proxy does|was lost"),
        (
            b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
            "refuses connections to|lack the permission",
        ),
        # Without "close" the next try may begin on the connection that the proxy is closing.
        (
            b"HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
            "cannot connect to|is not available",
        ),
        (b"\x05\xff", "does not answer as a proxy does|was lost"),
    ],
    ids=["407", "nothing", "403", "503", "no http"],
)
def test_a_proxy_that_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str, registry: str
) -> None:
    with answering_proxy(answer) as proxy:
        address = f"http://kim:{PASSWORD}@127.0.0.1:{proxy.port}"
        monkeypatch.setenv("ALL_PROXY", address)
        with pytest.raises(KeynetError, match=words) as caught:
            ping(registry)
    text = f"{caught.value} {caught.value.hint}"
    assert f"http://127.0.0.1:{proxy.port} (ALL_PROXY)" in text
    assert "TLS handshake" not in text
    assert PASSWORD not in f"{text} {caught.value!r}"
    assert b"Proxy-Authorization: Basic" in proxy.heads[0]
    if b"407" in answer or b"403" in answer:
        assert len(proxy.heads) == 1


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h", "socks"])
def test_a_dead_proxy_is_named(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("all_proxy", f"{scheme}://kim:{PASSWORD}@127.0.0.1:{free_port()}")
    with pytest.raises(
        RegistryUnreachable, match=r"the proxy .*\(all_proxy\) cannot be re"
    ) as dead:
        ping()
    assert PASSWORD not in f"{dead.value} {dead.value.hint}"
    assert "NO_PROXY" in dead.value.hint


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
def test_a_registry_is_reached_through_a_socks_proxy(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    async def run() -> None:
        async with on_loopback(MemoryRegistry()) as address:
            host, port = address.split(":")
            with socks_proxy((host, int(port)), login=(b"kim", b"p/s@w#d")) as proxy:
                url = f"{scheme}://kim:p%2Fs%40w%23d@127.0.0.1:{proxy.port}"
                monkeypatch.setenv("all_proxy", url)
                async with RegistryClient(
                    "http://registry.invalid:5000", auth=[], insecure=True, certs_d=()
                ) as client:
                    await client.ping()
            # The name is looked up by the proxy.
            assert b"registry.invalid" in proxy.heads[0]

    asyncio.run(run())


@pytest.mark.parametrize(
    ("login", "reply", "words"),
    [
        ((b"kim", b"other"), 0, "refuses its user and password"),
        (None, 5, r"cannot connect to registry\.invalid:443 \(Connection refused\)"),
        (None, 2, r"cannot connect to registry\.invalid:443"),
        (None, 99, "does not answer as a proxy does"),
    ],
)
def test_a_socks_proxy_that_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, login: tuple[bytes, bytes] | None, reply: int, words: str
) -> None:
    userinfo = f"kim:{PASSWORD}@" if login else ""
    with socks_proxy(None, login=login, reply=reply) as proxy:
        monkeypatch.setenv("all_proxy", f"socks5://{userinfo}127.0.0.1:{proxy.port}")
        with pytest.raises(RegistryUnreachable, match=rf"the proxy socks5:.*{words}") as caught:
            ping()
    assert PASSWORD not in f"{caught.value} {caught.value.hint}"


def test_a_proxy_with_an_odd_password_is_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    for mark in "/?#":
        monkeypatch.setenv("https_proxy", f"http://kim:hun{mark}ter2@127.0.0.1:9")
        with pytest.raises(UsageError, match="%2F") as caught:
            ping()
        assert not re.search("hun|ter2", f"{caught.value} {caught.value.hint}")
