"""Which proxy a server is reached through, and which proxies cannot be used."""

import pytest

from keynet.errors import UsageError
from keynet.net.proxies import proxy_for


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_server_is_reached_through_the_proxy_of_its_scheme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert proxy_for("https", "harbor.example.com", 443) is None
    monkeypatch.setenv("https_proxy", "proxy:3128")
    monkeypatch.setenv("no_proxy", "inner.example.com")
    assert proxy_for("https", "harbor.example.com", 443) == "http://proxy:3128"
    assert proxy_for("http", "harbor.example.com", 80) is None
    assert proxy_for("https", "inner.example.com", 443) is None
    assert proxy_for("https", "127.0.0.1", 5000) is None
    monkeypatch.setenv("all_proxy", "http://all:1")
    assert proxy_for("http", "harbor.example.com", 80) == "http://all:1"


@pytest.mark.parametrize(
    "proxy",
    [
        "gopher://user:hunter2@proxy",
        "socks4://user:hunter2@proxy:1",
        "http://user:hunter2@[",
        "http://user:hunter2@",
        "http://user:hunter2@proxy:99999",
        "http://user:hunter2@pro xy",
        f"http://user:hunter2@{'a' * 70}",
        "http://user:hunter2@…",
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(UsageError) as caught:
        proxy_for("https", "harbor.example.com", 443)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert "HTTPS_PROXY" in caught.value.hint
    assert proxy_for("https", "localhost", 443) is None
