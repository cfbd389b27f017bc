"""A proxy between keynet and the platform is named as the proxy, never with its password."""

import pytest

from keynet.backend.client import BackendClient
from keynet.backend.transport import Transport
from keynet.errors import BackendError, KeynetError, UsageError
from keynet.secret import Secret
from tests.fakes.outbound_proxy import answering_proxy, free_port, socks_proxy

PASSWORD = "hunter2secret"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def sign_in(server: str) -> int:
    transport = Transport(server, insecure=True, sleep=lambda seconds: None, timeout_s=5)
    try:
        return transport.send("POST", "/v1/x", "sign in", body={"password": "s3cr3t"}).status
    finally:
        transport.close()


@pytest.mark.parametrize("server", ["https://platform.invalid", "http://platform.invalid"])
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 407 Login\r\nContent-Length: 0\r\n\r\n", "refuses its user and password"),
        (b"\x05\xff", "does not answer as a proxy does|did not answer"),
        (b"", "does not answer as a proxy does|did not answer"),
    ],
    ids=["407", "no http", "nothing"],
)
def test_a_proxy_that_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str, server: str
) -> None:
    with answering_proxy(answer) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://kim:{PASSWORD}@127.0.0.1:{proxy.port}")
        with pytest.raises(BackendError, match=words) as caught:
            sign_in(server)
    text = f"{caught.value} {caught.value.hint}"
    assert f"http://127.0.0.1:{proxy.port} (ALL_PROXY)" in text
    assert PASSWORD not in f"{text} {caught.value!r}"
    assert b"Proxy-Authorization: Basic" in proxy.heads[0]


@pytest.mark.parametrize("status", [403, 503])
def test_a_proxy_that_does_not_connect_is_named(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with answering_proxy(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status) as proxy:
        monkeypatch.setenv("https_proxy", f"http://kim:{PASSWORD}@127.0.0.1:{proxy.port}")
        with pytest.raises(BackendError, match=rf"the proxy http://127.*platform.*{status}"):
            sign_in("https://platform.invalid")


@pytest.mark.slow
@pytest.mark.parametrize("status", [403, 503])
def test_a_proxy_that_may_have_answered_is_named(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    with answering_proxy(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % status) as proxy:
        monkeypatch.setenv("http_proxy", f"http://kim:{PASSWORD}@127.0.0.1:{proxy.port}")
        with (
            BackendClient("http://platform.invalid", Secret("t"), insecure=True) as client,
            pytest.raises(KeynetError) as caught,
        ):
            client.trainable_projects()
    assert f"the proxy http://127.0.0.1:{proxy.port} (http_proxy)" in caught.value.hint


@pytest.mark.parametrize("scheme", ["http", "https", "socks5", "socks5h"])
def test_a_dead_proxy_is_named(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("all_proxy", f"{scheme}://kim:{PASSWORD}@127.0.0.1:{free_port()}")
    with pytest.raises(BackendError, match=r"the proxy .*\(all_proxy\) cannot be reached") as dead:
        sign_in("https://platform.invalid")
    assert PASSWORD not in f"{dead.value} {dead.value.hint}"


def test_the_platform_is_reached_through_a_socks_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = b"HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n"
    with (
        answering_proxy(answer) as platform,
        socks_proxy(("127.0.0.1", platform.port), login=(b"kim", b"p/s")) as proxy,
    ):
        monkeypatch.setenv("all_proxy", f"socks5h://kim:p%2Fs@127.0.0.1:{proxy.port}")
        assert sign_in("http://platform.invalid") == 204
    assert b"platform.invalid" in proxy.heads[0]


@pytest.mark.parametrize(("reply", "words"), [(5, "Connection refused"), (77, "as a proxy does")])
def test_a_socks_proxy_that_refuses_is_named(
    monkeypatch: pytest.MonkeyPatch, reply: int, words: str
) -> None:
    with socks_proxy(None, reply=reply) as proxy:
        monkeypatch.setenv("all_proxy", f"socks5://127.0.0.1:{proxy.port}")
        with pytest.raises(BackendError, match=f"the proxy socks5.*{words}"):
            sign_in("https://platform.invalid")


def test_a_proxy_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "socks4://kim:hun/ter2@127.0.0.1:9")
    with pytest.raises(UsageError, match="https_proxy") as caught:
        sign_in("https://platform.invalid")
    assert "hun" not in f"{caught.value} {caught.value.hint}"
