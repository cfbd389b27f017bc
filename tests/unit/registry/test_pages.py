"""Pages in place of a registry's answers: named, and their words shown."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from keynet.errors import RegistryError
from keynet.registry.client import RegistryClient
from tests.fakes.overriding import Answers, Overriding
from tests.fakes.registry import MemoryRegistry
from tests.tables import table
from tests.unit.registry.conftest import Connect

PAGE = "<html><head><title>Sign in - SSO</title></head><body>Company account</body></html>"
Work = Callable[[RegistryClient], Awaitable[object]]


def paged(path: str, **headers: str) -> Answers:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: (
        httpx.Response(200, text=PAGE, headers=told) if path in request.url.path else None
    )


def run(connect: Connect, answers: Answers, work: Work, *, auth: str = "open") -> None:
    async def go() -> None:
        async with connect(Overriding(MemoryRegistry(auth=auth), answers)) as client:
            await work(client)

    asyncio.run(go())


@table(
    ("path", "work", "says"),
    [
        ("/v2/", lambda client: client.ping(), "does not answer as a registry"),
        ("/tags/", lambda client: client.tags("a/b"), "cannot be read (list the tags of a/b)"),
        ("/_catalog", lambda client: client.catalog(), "cannot be read (list the repositories)"),
        ("/manifests/", lambda client: client.get_manifest("a/b", "1"), "cannot be read"),
    ],
)
def test_a_page_in_place_of_an_answer_is_named(
    connect: Connect, path: str, work: Work, says: str
) -> None:
    with pytest.raises(RegistryError) as caught:
        run(connect, paged(path), work)
    assert says in caught.value.message
    assert "Sign in - SSO; Company account" in caught.value.message
    assert "proxy" in caught.value.hint


def test_a_registry_may_have_a_page_at_its_root(connect: Connect) -> None:
    answers = paged("/v2/", docker_distribution_api_version="registry/2.0")
    run(connect, answers, lambda client: client.ping())


def test_a_password_that_the_registry_repeats_is_not_shown(connect: Connect) -> None:
    def answers(request: httpx.Request) -> httpx.Response | None:
        sent = request.headers.get("authorization", "")
        if "/tags/" not in request.url.path or not sent:
            return None
        return httpx.Response(403, text=f"no: {sent}, long-enough-password, {sent.split()[-1]}")

    for auth in ("basic", "token"):
        with pytest.raises(RegistryError, match="no: ") as caught:
            run(connect, answers, lambda client: client.tags("a/b"), auth=auth)
        for secret in ("long-enough-password", "cm9ib3Q", "token-"):
            assert secret not in caught.value.message


POLICY = b'{"errors": [{"code": "PROJECTPOLICYVIOLATION", "message": "not signed by cosign."}]}'


@table(
    ("status", "body", "says"),
    [
        (412, POLICY, "not signed by cosign"),
        (403, b"Blocked by rule 42", "Blocked by rule 42"),
        (401, b"project team not found", "project team not found"),
        (405, b"Method not allowed", "Method not allowed"),
    ],
)
def test_the_text_that_an_answer_to_head_cannot_have_is_shown(
    connect: Connect, status: int, body: bytes, says: str
) -> None:
    def answers(request: httpx.Request) -> httpx.Response | None:
        if "/manifests/" not in request.url.path:
            return None
        return httpx.Response(status, content=b"" if request.method == "HEAD" else body)

    with pytest.raises(RegistryError) as caught:
        run(connect, answers, lambda client: client.head_manifest("a/b", "1"))
    assert says in caught.value.message
    assert caught.value.status == status
