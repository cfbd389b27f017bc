"""Addresses of servers: read, written one way and compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.errors import UsageError
from keynet.net.addresses import (
    AddressError,
    Origin,
    has_userinfo,
    normalised_url,
    origin_of,
    registry_host,
    resolve,
    same_host,
    same_server,
    shown,
    split_host,
)
from tests.tables import table


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.test/x?y", Origin("https", "a.test", 443)),
        ("HTTP://a.test:8080", Origin("http", "a.test", 8080)),
        ("http://[::1]/", Origin("http", "::1", 80)),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: Origin) -> None:
    assert origin_of(url) == origin


@table(
    "url",
    [
        *("a.test", "//a.test/x", "ftp://a.test", "https://", "https://a:99999", "https://["),
        *("https://u@a.test", "https://a.test\\@b.test", "https://a.test/ x", "https://a.test/\n"),
        *("javascript:alert(1)", "https://xn--n3h.com/x", "https://☃.test", "https://a..b/"),
        *("https://a:0", "https://a:-1", "https://[fe80::1%25eth0]/", "https://[::1]x/"),
        *(f"https://{'a' * 64}.test", "https://1.2.3/", f"https://a.test/{'x' * 60_000}"),
        *("https://a.test/\u202e", "https://a\u200b.test"),
    ],
)
def test_what_has_no_safe_origin_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        origin_of(url)


def test_a_location_is_resolved_against_the_url_that_brought_it() -> None:
    assert resolve("https://a.test/v2/x?y", "/z#w") == "https://a.test/z"
    assert resolve("http://a.test/v2/x", "https://b.test/") == "https://b.test/"
    for location in ("http://a.test/", "//u:p@a.test/", "https://["):
        with pytest.raises(AddressError):
            resolve("https://a.test/v2/x", location)


@pytest.mark.slow
@given(st.text(max_size=80))
def test_any_location_is_resolved_to_an_http_url_or_refused(location: str) -> None:
    try:
        target = resolve("https://a.test/x", location)
    except AddressError:
        return
    assert origin_of(target).scheme == "https"


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@a.test/x?token=hunter2#hunter2",
        "//user:hunter2@a.test/x",
        "user:hunter2@a.test/x#hunter2",
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str) -> None:
    assert "hunter2" not in shown(url)
    assert shown(url).endswith("a.test/x")


@table(
    "url",
    [
        *("http://kim:hun/ter2@proxy:1", "http://kim:hun#ter2@proxy:1", "http://kim:hun?ter2@a"),
        *("kim:hun/ter2@a", "http://kim:hun@ter2/hun@a", "http://kim@x/ter2@a", "//kim:hun/@a"),
    ],
)
def test_a_password_that_ends_where_nobody_can_tell_is_not_shown(url: str) -> None:
    assert "hun" not in shown(url)
    assert "ter2" not in shown(url)


def test_a_path_with_an_at_sign_is_shown() -> None:
    assert shown("https://a.test/v2/x@y?sig=1") == "https://a.test/v2/x@y"
    assert shown("https://a.test:443/v2/x") == "https://a.test:443/v2/x"


@table(
    "url", ["https://xn--n3h.com", "https://a..b", "https://a:0", "https://1.2.3", "https://a:x"]
)
def test_a_platform_at_a_host_that_cannot_exist_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match=url):
        normalised_url(url)


@table("url", ["a.b:99999", "[1::2::3]:1", "xn--n3h.com", "https://a.b:0"])
def test_a_registry_at_a_host_that_cannot_exist_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        registry_host(url)


@table(
    "name",
    [
        *("kim:hunter2@a.test/x", "kim@a.test/x", "kim:hun/ter2@a.test/x", "kim:12/3@a.test/x"),
        *("kim:hun/ter2@a.test", "kim:/x@a.test"),
    ],
)
def test_user_and_password_before_a_name_are_found(name: str) -> None:
    assert has_userinfo(name)


@table(
    "name",
    [
        *("a.test/x@sha256:00", "a.test:5000/x/y:1@sha256:00", "[::1]/x@sha256:00", "nginx"),
        *("[::1]:5000/x@sha256:00", "localhost/x:1", "a.test:port/x"),
    ],
)
def test_a_name_with_a_digest_has_no_user(name: str) -> None:
    assert not has_userinfo(name)


def test_a_host_is_split_from_its_port() -> None:
    assert split_host("a.test") == ("a.test", "")
    assert split_host("a.test:5000") == ("a.test", "5000")
    assert split_host("[::1]") == ("::1", "")
    assert split_host("[::1]:5000") == ("::1", "5000")


@table(
    ("one", "other", "same"),
    [
        ("a.test", "A.test:443", True),
        ("a.test:80", "a.test", True),
        ("[::1]:443", "[::1]", True),
        ("a.test:8443", "a.test", False),
        ("a.test", "a.test.evil.test", False),
        ("[::443]", "[::]", False),
    ],
)
def test_two_hosts_are_compared_without_default_ports(one: str, other: str, same: bool) -> None:
    assert same_host(one, other) is same


@table(
    ("one", "other", "same"),
    [
        ("https://a.test/x/", "HTTPS://A.test:443/x", True),
        ("a.test", "https://a.test", True),
        ("https://[::1]:443", "https://[::1]", True),
        ("https://a.test", "http://a.test", False),
        ("https://a.test/x", "https://a.test/y", False),
        ("https://a.test", "https://u@a.test", False),
        ("https://a.test", "https://a.test?x", False),
        ("https://[", "https://[", True),
        ("", "", False),
        (None, None, False),
    ],
)
def test_two_servers_are_compared_by_what_their_urls_mean(
    one: str | None, other: str | None, same: bool
) -> None:
    assert same_server(one, other) is same


@pytest.mark.medium
@given(st.text(max_size=60))
def test_a_normalised_url_stays_as_it_is(text: str) -> None:
    try:
        url = normalised_url(text, insecure=True)
    except UsageError:
        return
    assert normalised_url(url, insecure=True) == url
    assert same_server(url, text.strip())


def test_a_registrys_url_is_split_into_scheme_and_host() -> None:
    assert registry_host("harbor.test") == ("https", "harbor.test")
    assert registry_host("http://harbor.test:5000/") == ("http", "harbor.test:5000")
    for url in ("https://user:hunter2@harbor.test", "ftp://harbor.test", "https://[", "a b"):
        with pytest.raises(UsageError, match="cannot be used") as caught:
            registry_host(url)
        assert "hunter2" not in caught.value.message
