"""Which hosts are this machine, and which proxy the others are reached by."""

import pytest

from keynet.net.hosts import is_loopback, proxy_for


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.9.9.9", "127.9.9.9:1", "::1", "[::1]", "[::1]:5000"),
        *("localhost", "LOCALHOST:5000", "registry.localhost", "x.localhost:5000"),
    ],
)
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1.evil.test", "localhost.evil.test", "notlocalhost", "localhost@evil.test"),
        *("10.0.0.1", "128.0.0.1", "128", "harbor:5000", "harbor.example.com", "", "[", "[::1"),
    ],
)
def test_what_looks_like_loopback_is_not(host: str) -> None:
    assert not is_loopback(host)


def test_a_proxy_is_told_for_what_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("https", "harbor.example.com", 443) is None
    monkeypatch.setenv("https_proxy", "proxy:3128")
    monkeypatch.setenv("no_proxy", "inner.example.com")
    assert proxy_for("https", "harbor.example.com", 443) == "http://proxy:3128"
    assert proxy_for("http", "harbor.example.com", 80) is None
    assert proxy_for("https", "inner.example.com", 443) is None
    assert proxy_for("https", "127.0.0.1", 5000) is None
    monkeypatch.setenv("all_proxy", "http://all:1")
    assert proxy_for("http", "harbor.example.com", 80) == "http://all:1"
