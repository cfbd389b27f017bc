"""Which proxy a server is reached through, and which proxies cannot be used."""

import pytest

from keynet.errors import UsageError
from keynet.net.proxies import proxy_for


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def url_of(scheme: str, host: str, port: int) -> str | None:
    proxy = proxy_for(scheme, host, port)
    return None if proxy is None else proxy.url


def test_a_server_is_reached_through_the_proxy_of_its_scheme(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert url_of("https", "harbor.example.com", 443) is None
    monkeypatch.setenv("https_proxy", "proxy:3128")
    monkeypatch.setenv("no_proxy", "inner.example.com")
    assert url_of("https", "harbor.example.com", 443) == "http://proxy:3128"
    assert url_of("http", "harbor.example.com", 80) is None
    assert url_of("https", "inner.example.com", 443) is None
    assert url_of("https", "127.0.0.1", 5000) is None
    monkeypatch.setenv("all_proxy", "http://all:1")
    assert url_of("http", "harbor.example.com", 80) == "http://all:1"


@pytest.mark.parametrize(
    ("address", "url"),
    [
        *(("proxy", "http://proxy:80"), ("HTTP://Proxy:3128/", "http://proxy:3128")),
        *(("https://proxy/x", "https://proxy:443"), ("[::1]:3128", "http://[::1]:3128")),
        *(("socks5://proxy", "socks5://proxy:1080"), ("socks://proxy:9", "socks5://proxy:9")),
        ("socks5h://proxy:9", "socks5h://proxy:9"),
        ("http://프록시.test:1", "http://xn--3o2b05qmuo.test:1"),
    ],
)
def test_a_proxy_is_written_as_people_write_it(
    monkeypatch: pytest.MonkeyPatch, address: str, url: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    assert url_of("https", "harbor.example.com", 443) == url


@pytest.mark.parametrize(
    ("userinfo", "login"),
    [
        *(("kim:p%2Fs%40w%23d", ("kim", "p/s@w#d")), ("kim:p@ss:word", ("kim", "p@ss:word"))),
        *(("kim", ("kim", "")), ("", None)),
    ],
)
def test_user_and_password_of_a_proxy_are_never_shown(
    monkeypatch: pytest.MonkeyPatch, userinfo: str, login: tuple[str, str] | None
) -> None:
    monkeypatch.setenv("https_proxy", f"http://{userinfo}@proxy:3128")
    proxy = proxy_for("https", "harbor.example.com", 443)
    assert proxy is not None
    assert proxy.login == login
    assert str(proxy) == "http://proxy:3128 (https_proxy)"
    assert "kim" not in repr(proxy)
    assert "p@ss" not in repr(proxy)


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
        *("http://user:hunter2/x@proxy:1", "http://user:hunter2#x@proxy:1", "user:hunter2?@proxy"),
        *("http://user:hunter2", "user:hunter2/", "http://hunter2@", "socks4a://user:hunter2"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(UsageError) as caught:
        proxy_for("https", "harbor.example.com", 443)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert "https_proxy" in caught.value.message
    assert "https_proxy" in caught.value.hint
    assert proxy_for("https", "localhost", 443) is None
