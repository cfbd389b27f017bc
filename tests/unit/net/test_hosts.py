"""Which hosts are this machine."""

import pytest

from keynet.net.hosts import is_loopback


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
