"""Challenges, scopes, addresses, links and certificates: the pure parts."""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.errors import RegistryError, UsageError
from keynet.net.token_hosts import declared
from keynet.registry.address import Registry, follow, with_query
from keynet.registry.auth.challenge import parse_challenges, scopes_of
from keynet.registry.http import tls
from keynet.registry.http.exchange import Answer
from keynet.registry.lists.listing import next_page
from tests.tables import table


def test_a_bearer_challenge_is_read() -> None:
    header = 'Bearer realm="https://h/t?a=b,c",service="s", scope="repository:a:pull,push"'
    (challenge,) = parse_challenges(header)
    assert challenge.scheme == "bearer"
    assert challenge.parameters == {
        "realm": "https://h/t?a=b,c",
        "service": "s",
        "scope": "repository:a:pull,push",
    }


def test_several_challenges_are_told_apart() -> None:
    found = parse_challenges('Negotiate, Basic realm="a \\"b\\"", Bearer realm=x,error=e')
    assert [challenge.scheme for challenge in found] == ["negotiate", "basic", "bearer"]
    assert found[1].parameters == {"realm": 'a "b"'}
    assert found[2].parameters == {"realm": "x", "error": "e"}


@table(
    "header",
    [
        "Bearer realm=https://r.test:5000/token?a=b,service=s",
        'Negotiate YII=, NTLM, Bearer realm="https://r.test:5000/token?a=b",service="s"',
        ', Bearer realm="https://r.test:5000/token?a=b",service="s"',
        'Bearer realm="https://r.test:5000/token?a=b" service="s"',
        'Bearer service="s" realm="https://r.test:5000/token?a=b" Basic realm="other"',
        'BEARER \t Realm = "https://r.test:5000/token?a=b" ,, SERVICE = s ,',
    ],
)
def test_a_challenge_a_little_off_is_read(header: str) -> None:
    (challenge,) = [each for each in parse_challenges(header) if each.scheme == "bearer"]
    assert challenge.parameters == {"realm": "https://r.test:5000/token?a=b", "service": "s"}


@table(
    "text", ["bad-.example.com", "-bad.example.com", "exa_mple.com:5000", "a.b-", "a.-b", "a..b"]
)
def test_an_address_that_no_reference_may_have_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="is not a valid registry"):
        Registry.parse(text)


@table("text", ["a", "a-b.c--d.example:1", "xn--bcher-kva.example", "[::1]:5000"])
def test_names_of_hosts_are_taken(text: str) -> None:
    assert Registry.parse(text).name == text


def test_the_first_of_two_realms_counts() -> None:
    (challenge,) = parse_challenges('Bearer realm="https://a/",realm="https://evil/"')
    assert challenge.parameters["realm"] == "https://a/"


@pytest.mark.medium
@given(st.text(max_size=300))
def test_any_header_is_read_without_an_error(header: str) -> None:
    parse_challenges(header)
    next_page(Answer(200, {"link": f"{header}; rel=last"}, b"", "https://r.test/v2/"))


def test_scopes_are_merged_by_resource() -> None:
    merged = scopes_of(["repository:a:pull", "repository:a:push,pull repository:b:pull", "junk"])
    assert merged == {"repository:a:pull,push", "repository:b:pull"}


@pytest.mark.parametrize(
    ("url", "added"),
    [
        ("https://r/u", "https://r/u?digest=sha256%3Aa"),
        ("https://r/u?_state=x%2Fy", "https://r/u?_state=x%2Fy&digest=sha256%3Aa"),
        ("https://r/u?", "https://r/u?digest=sha256%3Aa"),
    ],
)
def test_a_query_is_added_and_the_old_one_kept(url: str, added: str) -> None:
    assert with_query(url, digest="sha256:a") == added


def test_locations_are_resolved() -> None:
    assert follow("https://r/v2/a", "/v2/b?x=1#y") == "https://r/v2/b?x=1"
    assert follow("https://r/v2/a", "b") == "https://r/v2/b"
    assert follow("http://r/v2/a", "https://r/b") == "https://r/b"


def test_docker_hub_has_its_own_address() -> None:
    registry = Registry.parse("docker.io")
    assert registry.base("https") == "https://registry-1.docker.io"
    assert Registry.parse("index.docker.io").name == "docker.io"
    registry.check_token_realm("https://auth.docker.io/token", "https")


def test_http_is_for_loopback_or_by_wish() -> None:
    assert Registry.parse("http://127.0.0.1:5000").scheme == "http"
    assert Registry.parse("http://r.test", insecure=True).scheme == "http"
    with pytest.raises(UsageError, match="refused"):
        Registry.parse("http://r.test")


def test_an_http_realm_serves_an_http_registry_only() -> None:
    registry = Registry.parse("http://127.0.0.1:5000")
    registry.check_token_realm("http://127.0.0.1:5000/token", "http")
    with pytest.raises(RegistryError, match="plain http"):
        registry.check_token_realm("http://127.0.0.1:5000/token", "https")
    with pytest.raises(RegistryError, match="another host"):
        registry.check_token_realm("http://127.0.0.2:5000/token", "http")


@table(
    ("name", "scheme", "realm", "declaration"),
    [
        ("r.test", "https", "https://r.test/token", ""),
        ("r.test", "https", "https://R.test:443/token?a=b", ""),
        ("R.test:443", "https", "https://r.test/token", ""),
        ("r.test", "https", "https://r.test:8443/token", "r.test:8443"),
        ("r.test:5050", "https", "https://r.test/jwt/auth", "r.test"),
        ("r.test", "https", "https://git.test/jwt/auth", "git.test"),
        ("r.test", "https", "https://git.test:8443/jwt/auth", "git.test:8443"),
        ("127.0.0.1:5000", "http", "http://127.0.0.1:5001/token", "127.0.0.1:5001"),
        ("127.0.0.1:5000", "http", "https://127.0.0.1:5001/token", "127.0.0.1:5001"),
        ("[::1]:5000", "http", "http://[::1]:5001/token", "[::1]:5001"),
    ],
)
def test_a_token_server_beyond_the_registry_has_to_be_declared(
    name: str, scheme: str, realm: str, declaration: str
) -> None:
    registry = Registry.parse(name)
    if not declaration:
        registry.check_token_realm(realm, scheme)
        return
    others = ("other.test", "git.test:1", "xgit.test", "git.test.evil.test", "r.test:1")
    for texts in ((), others):
        undeclared = Registry.parse(name, token_hosts=declared(texts))
        with pytest.raises(RegistryError, match=r"another (host|port)") as caught:
            undeclared.check_token_realm(realm, scheme)
        assert f"--token-host {declaration} or KEYNET_TOKEN_HOSTS" in caught.value.hint
    Registry.parse(name, token_hosts=declared([declaration])).check_token_realm(realm, scheme)


def test_a_declared_host_serves_at_every_port_but_the_registrys_own_does_not() -> None:
    registry = Registry.parse("r.test", token_hosts=declared(["git.test", "r.test"]))
    registry.check_token_realm("https://git.test:8443/token", "https")
    with pytest.raises(RegistryError, match="another port"):
        registry.check_token_realm("https://r.test:8443/token", "https")


@table(
    ("texts", "read"),
    [
        (["Git.Example.com"], {"git.example.com"}),
        (["https://git.example.com/jwt/auth"], {"git.example.com"}),
        (
            ["git.example.com:8443", "http://127.0.0.1:5001"],
            {"git.example.com:8443", "127.0.0.1:5001"},
        ),
        (["[::1]:5000", " ", ""], {"[::1]:5000"}),
        ("one.test, two.test:1\tthree.test", {"one.test", "two.test:1", "three.test"}),
    ],
)
def test_token_hosts_are_read_as_people_write_them(texts: list[str] | str, read: set[str]) -> None:
    assert declared(texts) == read


@table(
    "text", ["user:hunter2@git.test", "https://user:hunter2@git.test/", "git.test:99999", "*.test",
             "git.test/jwt", "ftp://git.test", "https://", "git test"],
)  # fmt: skip
def test_a_token_host_that_is_none_is_refused_without_repeating_a_password(text: str) -> None:
    with pytest.raises(UsageError, match="token server") as caught:
        declared([text])
    assert "hunter2" not in str(caught.value) + caught.value.hint


def test_certs_d_is_read_as_the_engines_do(tmp_path: Path) -> None:
    folder = tmp_path / "second" / "r.test:5000"
    folder.mkdir(parents=True)
    for name in ("ca.crt", "client.cert", "client.key", "readme.txt"):
        (folder / name).touch()
    folders = (tmp_path / "first", tmp_path / "second")
    found = tls.from_certs_d("r.test:5000", folders)
    assert found.ca_certs == (folder / "ca.crt",)
    certificate = tls.ClientCertificate(folder / "client.cert", folder / "client.key")
    assert found.client_certs == (certificate,)
    assert tls.from_certs_d("r.test", folders) == tls.Trust()


def test_a_client_certificate_without_its_key_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "r.test"
    folder.mkdir()
    (folder / "client.cert").touch()
    with pytest.raises(UsageError, match=r"client\.key"):
        tls.from_certs_d("r.test", (tmp_path,))


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=str(path)):
        tls.context(ssl.create_default_context(), tls.Trust((path,)))
