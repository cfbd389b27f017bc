"""A registry that offers no list of repositories is told apart from wrong credentials."""

import asyncio

import httpx
import pytest

from keynet.errors import NotFound, RegistryDenied, RegistryError
from tests.fakes.overriding import Answers, Overriding
from tests.fakes.registry import MemoryRegistry
from tests.tables import table
from tests.unit.registry.conftest import Connect

SCOPE = (
    'Bearer realm="https://registry.test/token",service="s",scope="registry:catalog:*",'
    'error="insufficient_scope"'
)


def refusing(status: int, **headers: str) -> Answers:
    body = {"errors": [{"code": "UNSUPPORTED", "message": "ask somewhere else"}]}
    return lambda request: (
        httpx.Response(
            status, json=body, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        if request.url.path == "/v2/_catalog"
        else None
    )


def listed(connect: Connect, transport: httpx.AsyncBaseTransport, **more: object) -> list[str]:
    async def go() -> list[str]:
        async with connect(transport, **more) as client:
            return await client.catalog()

    return asyncio.run(go())


@table("auth", ["open", "basic", "token"])
@table(
    ("status", "kind"),
    [(401, RegistryDenied), (403, RegistryDenied), (404, NotFound), (405, RegistryError),
     (400, RegistryError), (501, RegistryError)],
)  # fmt: skip
def test_a_refused_list_with_good_credentials_is_not_offered(
    connect: Connect, auth: str, status: int, kind: type[RegistryError]
) -> None:
    headers = {"www_authenticate": SCOPE} if status == 401 else {}
    transport = Overriding(MemoryRegistry(auth=auth), refusing(status, **headers))
    with pytest.raises(RegistryError, match="offers no list of its repositories") as caught:
        listed(connect, transport)
    error = caught.value
    assert type(error) is kind
    assert (error.status, error.code, error.said) == (status, "UNSUPPORTED", "ask somewhere else")
    assert "ask somewhere else" in error.message
    assert "revoked" not in error.message + error.hint
    assert "expired" not in error.message + error.hint


@pytest.mark.parametrize("auth", ["basic", "token"])
@pytest.mark.needs("catalog")
def test_wrong_credentials_stay_wrong_credentials(connect: Connect, auth: str) -> None:
    registry = MemoryRegistry(auth=auth, password="another-long-password")
    with pytest.raises(RegistryDenied, match="refuses the credentials") as caught:
        listed(connect, registry)
    assert "Sign in again" in caught.value.hint


@pytest.mark.needs("catalog")
def test_no_credentials_stay_no_credentials(connect: Connect) -> None:
    with pytest.raises(RegistryDenied) as caught:
        listed(connect, MemoryRegistry(auth="basic"), auth=[])
    assert "sign in first" in caught.value.hint


def test_a_token_server_that_grants_no_list_offers_none(connect: Connect) -> None:
    def answers(request: httpx.Request) -> httpx.Response | None:
        if request.url.path == "/token" and b"catalog" in request.url.query:
            body = {"errors": [{"code": "DENIED", "message": "access forbidden"}]}
            return httpx.Response(403, json=body)
        return None

    with pytest.raises(RegistryDenied, match=r"offers no list.*access forbidden"):
        listed(connect, Overriding(MemoryRegistry(auth="token"), answers))


@pytest.mark.parametrize("status", [500, 429])
def test_a_registry_that_fails_is_said_to_fail(connect: Connect, status: int) -> None:
    with pytest.raises(RegistryError, match=r"failed|throttles") as caught:
        listed(connect, Overriding(MemoryRegistry(), refusing(status)))
    assert caught.value.temporary
