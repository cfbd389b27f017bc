"""Which hosts can exist, and which are this machine."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.net.hosts import HostError, ascii_host, check_host_and_port, is_loopback
from tests.tables import table


@table(
    "host",
    [
        *("127.0.0.1", "127.9.9.9", "127.9.9.9:1", "::1", "[::1]", "[::1]:5000"),
        *("localhost", "LOCALHOST:5000", "registry.localhost", "x.localhost:5000"),
    ],
)
def test_loopback_is_known(host: str) -> None:
    assert is_loopback(host)


@table(
    "host",
    [
        *("127.0.0.1.evil.test", "localhost.evil.test", "notlocalhost", "localhost@evil.test"),
        *("10.0.0.1", "128.0.0.1", "128", "harbor:5000", "harbor.example.com", "", "[", "[::1"),
    ],
)
def test_what_looks_like_loopback_is_not(host: str) -> None:
    assert not is_loopback(host)


@table(
    ("host", "ascii_name"),
    [
        *(
            ("Harbor.Example.COM", "harbor.example.com"),
            ("harbor.example.com.", "harbor.example.com."),
        ),
        *(("a_b", "a_b"), ("10.1.2.3", "10.1.2.3"), ("FD00:0::5", "fd00::5"), ("a-.b", "a-.b")),
        *(("Bücher.example", "xn--bcher-kva.example"), ("xn--bcher-kva.example",) * 2),
        *(("a。b．c", "a.b.c"), ("x" * 63 + ".test", "x" * 63 + ".test"), ("1a.2b", "1a.2b")),
    ],
)
def test_a_host_has_one_spelling(host: str, ascii_name: str) -> None:
    assert ascii_host(host) == ascii_name


IMPOSSIBLE = [
    *("", ".", "a..b", ".a", "a b", "a\nb", "a\x00b", "a/b", "a@b", "a?b", "a#b", "a%b", "-a.b"),
    *("xn--n3h.com", "XN--n3h.com", "xn--.example.com", "☃.com", "a.☃", "a。。b", "ａ.\u200bb"),
    *("x" * 64 + ".test", "x." * 130, "256.1.1.1", "1.2.3", "0177.0.0.1", "127.1", "1.2.3.4.5"),
    *("1::2::3", "fe80::1%eth0", "fe80::1%25eth0", ":", "::g", "1:2", "[::1]", "2130706433"),
]


@table("host", IMPOSSIBLE)
def test_a_host_that_cannot_exist_is_refused(host: str) -> None:
    with pytest.raises(HostError):
        ascii_host(host)


@pytest.mark.medium
@given(st.text(max_size=80) | st.from_regex(r"xn--[a-z0-9-]{0,20}(\.[a-z]{2,3})?", fullmatch=True))
def test_what_passes_is_accepted_by_the_libraries_below(host: str) -> None:
    try:
        name = ascii_host(host)
    except HostError:
        return
    assert name.isascii()
    assert httpx.URL(scheme="https", host=host).raw_host.decode() in (name, host.lower())
    assert httpx.URL(f"https://[{name}]/" if ":" in name else f"https://{name}/").host
    assert name.encode("idna")


@table("name", ["a", "a:1", "a:65535", "[::1]", "[::1]:5000", "10.0.0.1:80", "a.test.:443"])
def test_a_host_and_port_that_can_exist_pass(name: str) -> None:
    check_host_and_port(name)


@table(
    "name",
    [
        *("a:", "a:0", "a:65536", "a:99999", "a:-1", "a:+1", "a: 1", "a:1 ", "a:port", "a:1:2"),
        *("[a]:1", "[::1]:", "[::1]x:1", "::1", "a:٣", "a:1_0", "[1::2::3]:5000", "[::1", ":80"),
    ],
)
def test_a_host_or_port_that_cannot_exist_is_refused(name: str) -> None:
    with pytest.raises(HostError):
        check_host_and_port(name)
