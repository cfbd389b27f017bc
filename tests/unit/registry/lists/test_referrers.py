"""What refers to an image, where the referrers API is missing, refuses or talks nonsense."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import pytest

from keynet.errors import KeynetError, NotFound, RegistryDenied, RegistryError
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.reference import Reference
from keynet.registry import artifact
from keynet.registry.client import RegistryClient
from keynet.registry.lists.referrers import fallback_tag
from keynet.registry.transfer.push_image import push_image
from tests.fakes.images import random_image
from tests.fakes.overriding import Answers, Overriding
from tests.fakes.registry import MemoryRegistry
from tests.tables import table
from tests.unit.registry.conftest import Connect

_T = TypeVar("_T")

IMAGE = Reference("registry.test", "team/app", "1")
INDEX = json.dumps({"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": []}).encode()


def answering(status: int, body: bytes = b"", **headers: str) -> Answers:
    """Answer the referrers API, and the pages that it redirects to."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if "/referrers/" in path:
            return httpx.Response(status, content=body, headers=headers)
        return httpx.Response(200, text="<html>Sign in</html>") if path == "/login" else None

    return answer


def run(
    connect: Connect,
    transport: httpx.AsyncBaseTransport,
    work: Callable[[RegistryClient], Awaitable[_T]],
) -> _T:
    async def go() -> _T:
        async with connect(transport) as client:
            return await work(client)

    return asyncio.run(go())


async def push(client: RegistryClient) -> Digest:
    return (await push_image(client, random_image(1), IMAGE)).digest


async def attach(client: RegistryClient) -> Descriptor:
    return await artifact.attach(client, IMAGE, b"{}", file_name="hyperparameters.json")


NO_API = {
    "404": answering(404, b"404 page not found"),
    "400": answering(400, b'{"errors": [{"code": "UNSUPPORTED"}]}'),
    "405": answering(405),
    "406": answering(406),
    "410": answering(410),
    "415": answering(415),
    "422": answering(422),
    "501": answering(501),
    "a login page": answering(200, b"<html>Sign in</html>", content_type="text/html"),
    "nothing": answering(200),
    "other JSON": answering(200, b'{"status": "ok"}'),
    "a list": answering(200, b"[]"),
    "an index of another schema": answering(200, b'{"schemaVersion": 1, "manifests": []}'),
    "to a login page": answering(301, b"", location="/login"),
    "to another host": answering(302, b"", location="https://login.example.com/"),
    "to plain http": answering(302, b"", location="http://registry.test/login"),
    "in a circle": answering(307, b"", location="/v2/team/app/referrers/x"),
    "to nowhere": answering(302),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", NO_API)
def test_where_there_is_no_api_the_fallback_tag_is_read(connect: Connect, kind: str) -> None:
    registry = MemoryRegistry(
        referrers=False, elsewhere=lambda request: httpx.Response(200, text="<html>Sign in</html>")
    )
    transport = Overriding(registry, NO_API[kind])

    async def work(client: RegistryClient) -> bytes:
        await push(client)
        with pytest.raises(NotFound, match="no hyperparameters attached"):
            await artifact.read(client, IMAGE)
        await attach(client)
        return await artifact.read(client, IMAGE)

    assert run(connect, transport, work) == b"{}"


@pytest.mark.medium
@pytest.mark.parametrize("what", ["the image", "an index that is the image"])
def test_an_api_that_answers_with_the_image_lists_nothing(connect: Connect, what: str) -> None:
    registry = MemoryRegistry(referrers=False)

    async def work(client: RegistryClient) -> list[Descriptor]:
        digest = await push(client)
        if what != "the image":
            digest = (await client.put_manifest("team/app", "1", INDEX, MediaType.OCI_INDEX))[
                0
            ].digest
        await attach(client)
        return await client.referrers("team/app", digest)

    def answers(request: httpx.Request) -> httpx.Response | None:
        if "/referrers/" not in request.url.path:
            return None
        kind, content = registry.repository("team/app").manifests[
            request.url.path.rpartition("/")[2]
        ]
        return httpx.Response(200, content=content, headers={"content-type": kind})

    assert len(run(connect, Overriding(registry, answers), work)) == 1


@pytest.mark.medium
@pytest.mark.parametrize("status", [401, 403, 500, 503, 429])
def test_a_refusal_that_may_hide_a_list_is_an_error(connect: Connect, status: int) -> None:
    transport = Overriding(MemoryRegistry(referrers=False), answering(status))

    async def work(client: RegistryClient) -> None:
        await push(client)
        with pytest.raises(RegistryError, match="list what refers to") as caught:
            await artifact.read(client, IMAGE)
        assert not isinstance(caught.value, NotFound)
        assert isinstance(caught.value, RegistryDenied) == (status in (401, 403))

    run(connect, transport, work)


@table("status", [401, 403, 500, 503])
def test_where_the_api_is_refused_a_fallback_tag_is_believed(connect: Connect, status: int) -> None:
    transport = Overriding(MemoryRegistry(referrers=False), answering(status))

    async def work(client: RegistryClient) -> bytes:
        await push(client)
        await attach(client)
        return await artifact.read(client, IMAGE)

    assert run(connect, transport, work) == b"{}"


def test_a_list_that_ends_in_nonsense_does_not_pass_for_whole(connect: Connect) -> None:
    def answers(request: httpx.Request) -> httpx.Response | None:
        if "/referrers/" not in request.url.path:
            return None
        if b"last" in request.url.query:
            return httpx.Response(200, text="<html>Sign in</html>")
        return httpx.Response(200, content=INDEX, headers={"link": '<?last=x>; rel="next"'})

    async def work(client: RegistryClient) -> None:
        digest = await push(client)
        with pytest.raises(RegistryError, match="cannot be read"):
            await client.referrers("team/app", digest)

    run(connect, Overriding(MemoryRegistry(referrers=False), answers), work)


def tag_is_subject(registry: MemoryRegistry) -> Answers:
    """Answer ``sha256-<hex>`` with the manifest of that digest, as GitLab does."""

    def answers(request: httpx.Request) -> httpx.Response | None:
        tag = request.url.path.rpartition("/")[2]
        digest = tag.replace("-", ":")
        found = registry.repository("team/app").manifests.get(digest)
        if request.method != "GET" or "sha256-" not in tag or found is None:
            return None
        headers = {"content-type": found[0], "docker-content-digest": digest}
        return httpx.Response(200, content=found[1], headers=headers)

    return answers


@pytest.mark.parametrize("image_is", ["an image", "an index"])
def test_a_tag_that_is_the_image_lists_nothing_and_is_kept(connect: Connect, image_is: str) -> None:
    registry = MemoryRegistry(referrers=False)

    async def work(client: RegistryClient) -> None:
        digest = await push(client)
        if image_is == "an index":
            entry = {"mediaType": MediaType.OCI_MANIFEST, "digest": str(digest), "size": 2}
            content = json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()
            stored = await client.put_manifest("team/app", "1", content, MediaType.OCI_INDEX)
            digest = stored[0].digest
        before = dict(registry.repository("team/app").tags)
        assert await client.referrers("team/app", digest) == []
        with pytest.raises(NotFound, match="no hyperparameters attached"):
            await artifact.read(client, IMAGE)
        with pytest.raises(RegistryError, match="is the image itself") as caught:
            await attach(client)
        assert "Keep the tag" in caught.value.hint
        assert registry.repository("team/app").tags == before

    run(connect, Overriding(registry, tag_is_subject(registry)), work)


@pytest.mark.parametrize("there", ["an image", "a page", "an artifact of schema 1"])
def test_a_tag_of_another_use_lists_nothing_and_is_not_called_removable(
    connect: Connect, there: str
) -> None:
    registry = MemoryRegistry(referrers=False)

    def answers(request: httpx.Request) -> httpx.Response | None:
        if request.method != "GET" or "/manifests/sha256-" not in request.url.path:
            return None
        if there == "an image":
            return None
        text = "<html>Sign in</html>" if there == "a page" else '{"schemaVersion": 1}'
        return httpx.Response(200, text=text)

    async def work(client: RegistryClient) -> None:
        digest = await push(client)
        await push_image(client, random_image(2), IMAGE.with_tag(fallback_tag(digest)))
        with pytest.raises(NotFound, match="no hyperparameters attached"):
            await artifact.read(client, IMAGE)
        with pytest.raises(KeynetError) as caught:
            await attach(client)
        assert "emove" not in caught.value.message + caught.value.hint

    run(connect, Overriding(registry, answers), work)


@table(
    ("status", "body", "has_api"),
    [
        (200, INDEX, True),
        (404, b'{"errors": [{"code": "NAME_UNKNOWN"}]}', True),
        (404, b"404 page not found", False),
        (404, b'{"errors": [{"code": "UNSUPPORTED"}]}', False),
        (405, b"", False),
        (200, b"<html>Sign in</html>", False),
    ],
)
def test_a_registry_is_asked_whether_it_has_the_api(
    connect: Connect, status: int, body: bytes, has_api: bool
) -> None:
    transport = Overriding(MemoryRegistry(referrers=False), answering(status, body))
    assert run(connect, transport, lambda client: client.has_referrers_api("a/b")) is has_api


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_does_not_say_whether_there_is_an_api(connect: Connect, status: int) -> None:
    transport = Overriding(MemoryRegistry(referrers=False), answering(status))
    with pytest.raises(RegistryError):
        run(connect, transport, lambda client: client.has_referrers_api("a/b"))
