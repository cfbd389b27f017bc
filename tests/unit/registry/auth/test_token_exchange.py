"""Token servers that are not quite docker's: what is a token, for how long, and what is none."""

import asyncio
import codecs
import json

import pytest

from keynet.errors import RegistryDenied, RegistryError
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.auth.token_exchange import read_token
from keynet.registry.http.exchange import Answer
from keynet.secret import Secret
from tests.fakes.registry import MemoryRegistry, Reply
from tests.tables import table
from tests.unit.registry.conftest import Connect

SERVER = "https://registry.test/token"
IDENTITY = "identity-token-of-mine"


def answer(body: bytes | object, status: int = 200) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, {}, content, SERVER)


@table(
    "body",
    [
        {"token": "ok"},
        {"access_token": "ok"},
        {"token": "", "access_token": "ok"},
        {"token": None, "access_token": "ok"},
        {"token": 5, "access_token": " ok\n"},
        {"token": "ok", "access_token": ["x"], "scope": 5, "issued_at": "2099-01-01T00:00:00Z"},
        codecs.BOM_UTF8 + b'{"token": "ok"}',
    ],
)
def test_a_token_is_found(body: object) -> None:
    assert read_token(answer(body), "registry.test", SERVER).text == "ok"


@table("told", [None, 0, -1, "", "soon", [], {}, True, float("nan"), "nan", -1e30, "-inf"])
def test_an_odd_lifetime_is_the_default_one(told: object) -> None:
    granted = read_token(answer({"token": "ok", "expires_in": told}), "registry.test", SERVER)
    assert granted.life_s == 55


@table(("told", "life_s"), [(300, 295), ("300", 295), (300.5, 295.5), (4, 2), (1e30, 1e30)])
def test_a_token_is_not_used_to_its_last_second(told: object, life_s: float) -> None:
    granted = read_token(answer({"token": "ok", "expires_in": told}), "registry.test", SERVER)
    assert granted.life_s == pytest.approx(life_s)


@table(
    ("body", "words"),
    [
        (b"<html><title>Sign in</title></html>", "not JSON with a token in it but a page: Sign in"),
        (b"", "not JSON with a token"),
        (b"[]", "not JSON with a token"),
        (b"\xff\xfe\x00", "not JSON with a token"),
        ({"errors": [{"code": "DENIED", "message": "account is locked"}]}, "account is locked"),
        ({"error": "invalid_grant", "error_description": "it was revoked."}, "it was revoked"),
        ({"details": "incorrect username or password"}, "incorrect username"),
        ({"error": "invalid_grant"}, "invalid_grant"),
        ({"token": "with\nnewline"}, ""),
        ({"token": "x" * 70_000}, ""),
        ({"token": "schlüssel"}, ""),
        ({"message": "\x1b[31mred"}, "red"),
        ({}, ""),
    ],
)
def test_a_page_instead_of_a_token_is_an_error_with_its_words(body: object, words: str) -> None:
    with pytest.raises(RegistryError) as caught:
        read_token(answer(body), "registry.test", SERVER)
    assert words in caught.value.message
    assert "\x1b" not in caught.value.message
    assert SERVER in caught.value.message
    assert caught.value.hint
    assert not caught.value.temporary


class Tokens(MemoryRegistry):
    """A token server that answers a POST in its own way, and knows identity tokens by GET."""

    def __init__(self, post: Reply, *, get: bool = True) -> None:
        super().__init__(auth="token")
        self.post, self.get = post, get
        self.repository("a/b")
        self.repository("a/c")

    def answer(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        *,
        partial: bool = False,
    ) -> Reply:
        if target.startswith("/token"):
            if method == "POST":
                return self.post
            if not self.get:
                return Reply(405)
            self.user, self.password = "<token>", IDENTITY
        return super().answer(method, target, headers, body, partial=partial)

    def methods(self) -> list[str]:
        return [seen.method for seen in self.seen if "/token" in seen.url]


def read(connect: Connect, registry: MemoryRegistry) -> None:
    source = FixedSource("registry.test", Credential("", Secret(IDENTITY), identity=True))

    async def run() -> None:
        async with connect(registry, auth=[source]) as client:
            await client.tags("a/b")
            await client.tags("a/c")

    asyncio.run(run())


@table(
    "post",
    [
        *(Reply(status, {}, b"{}") for status in (400, 401, 403, 404, 405, 415, 501)),
        Reply(200, {}, b"<html>Sign in</html>"),
    ],
)
def test_an_identity_token_goes_by_get_where_post_is_refused(connect: Connect, post: Reply) -> None:
    registry = Tokens(post)
    read(connect, registry)
    assert registry.methods() == ["POST", "GET", "GET"], "a refusal is remembered"
    assert not [seen for seen in registry.seen if IDENTITY in seen.url]


def test_of_two_refusals_the_one_about_the_credentials_is_reported(connect: Connect) -> None:
    registry = Tokens(Reply(401, {}, b'{"errors": [{"message": "token was revoked"}]}'), get=False)
    with pytest.raises(RegistryDenied, match="token was revoked"):
        read(connect, registry)


def test_a_page_from_the_token_server_ends_in_one_error(connect: Connect) -> None:
    class Page(MemoryRegistry):
        def answer(
            self,
            method: str,
            target: str,
            headers: dict[str, str],
            body: bytes,
            *,
            partial: bool = False,
        ) -> Reply:
            if target.startswith("/token"):
                return Reply(200, {"content-type": "text/html"}, b"<html>Sign in</html>")
            return super().answer(method, target, headers, body, partial=partial)

    registry = Page(auth="token")

    async def run() -> None:
        async with connect(registry) as client:
            await client.tags("a/b")

    with pytest.raises(RegistryError, match="answered 200 without a token"):
        asyncio.run(run())
    assert sum("/token" in seen.url for seen in registry.seen) == 1
