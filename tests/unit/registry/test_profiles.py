"""The same pushes and pulls against registries of every kind, and the sandbox's own."""

import asyncio
import base64
import dataclasses
import functools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from keynet.errors import NotFound, RegistryDenied, RegistryError
from keynet.net.retry import Retries
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.reference import Reference
from keynet.registry.auth.credential_sources import Credential, FixedSource
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.pull_image import fetch_image
from keynet.registry.transfer.push_image import push_image
from keynet.sandbox import authority
from keynet.sandbox.database import Store
from keynet.sandbox.registry.access import TokenGuard
from keynet.sandbox.registry.disk import Disk
from keynet.sandbox.registry.routes import registry_routes
from keynet.sandbox.registry.sessions import Sessions
from keynet.sandbox.service import TOKEN_PATH, Platform, application
from keynet.secret import Secret
from tests.fakes.images import BytesLayer, RandomLayer, image_of, random_image
from tests.fakes.profiled import ProfiledRegistry
from tests.fakes.profiles import (
    ABILITIES,
    PROFILES,
    SANDBOX,
    SPECIFICATION,
    TOKEN_HOST,
    Profile,
)
from tests.fakes.registry import MemoryRegistry
from tests.tables import table
from tests.unit.registry.conftest import no_wait

pytestmark = pytest.mark.own_profiles

HOST = "registry.test"

USER, PASSWORD = "admin", "long-enough-password"
ARTIFACT = "application/vnd.example.note"


@dataclass(frozen=True)
class Place:
    """A registry of a kind, and how to reach it."""

    profile: Profile
    registry: ProfiledRegistry

    def client(self, password: str = PASSWORD) -> RegistryClient:
        """Make a client that knows the token server, where it is another host."""
        return RegistryClient(
            HOST,
            auth=[FixedSource(HOST, Credential(USER, Secret(password)))],
            retries=Retries(attempts=4, sleep=no_wait),
            transport=self.registry,
            token_hosts=[TOKEN_HOST] if self.profile.foreign_tokens else [],
            certs_d=(),
        )


def sandbox(folder: Path, stack: ExitStack) -> httpx.AsyncBaseTransport:
    """Make the sandbox's service, its registry behind its own tokens."""
    signer = authority.token_signer(folder)
    store = stack.enter_context(Store(folder / "platform.sqlite"))
    platform = Platform(store, f"https://{HOST}", Secret(PASSWORD), signer)
    disk = Disk(folder / "registry")
    guard = TokenGuard(f"https://{HOST}{TOKEN_PATH}", signer)
    return httpx.ASGITransport(application(platform, registry_routes(disk, Sessions(disk), guard)))


@pytest.fixture(params=[*PROFILES, SANDBOX], ids=lambda p: p.name)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        if request.param is SANDBOX:
            registry = ProfiledRegistry(SANDBOX, sandbox(tmp_path, stack), HOST)
            yield Place(registry.profile, registry)
            return
        profile: Profile = request.param
        inner = MemoryRegistry(
            host=HOST,
            auth=profile.auth,
            referrers=profile.referrers == 200,
            user=USER,
            password=PASSWORD,
            page=2,
        )
        yield Place(profile, ProfiledRegistry(profile, inner, HOST))


def run(test: Callable[[Place], object]) -> Callable[[Place], None]:
    """Run a coroutine function as a test; pytest still sees its fixture."""

    @functools.wraps(test)
    def wrapped(place: Place) -> None:
        coroutine = test(place)
        assert asyncio.iscoroutine(coroutine)
        asyncio.run(coroutine)

    return wrapped


def target(repository: str = "team/app", tag: str = "1") -> Reference:
    return Reference(HOST, repository, tag)


async def same(client: RegistryClient, image: Image, reference: Reference) -> None:
    """Check that the registry has this image, every byte of it."""
    read = await fetch_image(client, reference)
    assert (read.manifest, read.config) == (image.manifest, image.config)
    for mine, theirs in zip(image.layers, read.layers, strict=True):
        assert await content(theirs.chunks()) == await content(mine.chunks())


async def content(chunks: AsyncIterator[bytes]) -> bytes:
    return b"".join([chunk async for chunk in chunks])


@pytest.mark.slow
@run
async def test_an_image_is_pushed_and_pulled_by_tag_and_digest(place: Place) -> None:
    async with place.client() as client:
        image = random_image(1)
        stored = await push_image(client, image, target())
        await same(client, image, target())
        await same(client, image, target().with_digest(stored.digest))


@pytest.mark.slow
@run
async def test_a_layer_of_many_chunks_arrives_whole(place: Place) -> None:
    image = image_of((RandomLayer.make(2, 11 << 20),))
    async with place.client() as client:
        await push_image(client, image, target())
        await same(client, image, target())
    # What was refused is not sent in the same form again and again.
    assert (
        sum(n for (method, _status), n in place.registry.refused.items() if method == "PATCH") < 6
    )


@pytest.mark.slow
@pytest.mark.parametrize("later", PROFILES, ids=lambda p: p.name)
def test_a_registry_may_change_its_mind_in_the_middle_of_an_upload(later: Profile) -> None:
    inner = MemoryRegistry(host=HOST, auth=SPECIFICATION.auth, user=USER, password=PASSWORD)
    place = Place(SPECIFICATION, ProfiledRegistry(SPECIFICATION, inner, HOST))
    chunks = 0

    def change(request: httpx.Request) -> None:
        nonlocal chunks
        chunks += request.method == "PATCH"
        if chunks == 2:
            place.registry.profile = dataclasses.replace(later, foreign_tokens=False)

    place.registry.watch = change

    async def push() -> None:
        image = image_of((RandomLayer.make(2, 4 << 20),))
        async with place.client() as client:
            await push_image(client, image, target(), chunk_size=1 << 20)
            await same(client, image, target())

    asyncio.run(push())
    assert chunks >= 2


@run
async def test_many_layers_at_once(place: Place) -> None:
    image = random_image(3, sizes=(1, 2, 999, 70_000, 0) * 4)
    async with place.client() as client:
        await push_image(client, image, target(), concurrency=8)
        await same(client, image, target())


@run
async def test_what_is_there_is_not_sent_again(place: Place) -> None:
    image = random_image(4)
    async with place.client() as client:
        await push_image(client, image, target())
        begun = place.registry.uploads_begun
        await push_image(client, image, target())
        await push_image(client, image, target(tag="2"))
    assert place.registry.uploads_begun == begun


@pytest.mark.slow
@run
async def test_a_new_layer_goes_on_top_of_old_ones(place: Place) -> None:
    old = random_image(5, sizes=(1000, 2000))
    image = image_of((*_bytes_layers(old), BytesLayer(b"new" * 100)))
    async with place.client() as client:
        await push_image(client, old, target())
        await push_image(client, image, target(tag="2"))
        await same(client, old, target())
        await same(client, image, target(tag="2"))


@pytest.mark.slow
@run
async def test_layers_of_another_repository_are_mounted_or_sent(place: Place) -> None:
    image = random_image(6)
    async with place.client() as client:
        await push_image(client, image, target("team/base"))
        await push_image(client, image, target("other/app"), mount_from=["team/base", "no/such"])
        await same(client, image, target("other/app"))


@pytest.mark.slow
@run
async def test_every_tag_is_listed(place: Place) -> None:
    image = random_image(7, sizes=(10,))
    wanted = [f"v{number}" for number in range(5)]
    async with place.client() as client:
        await push_image(client, image, target(tag="v0"), tags=wanted)
        assert sorted(await client.tags("team/app")) == wanted


@run
async def test_the_catalog_is_whole_or_refused(place: Place) -> None:
    names = ["team/a", "team/b", "team/c"]
    async with place.client() as client:
        for name in names:
            await push_image(client, random_image(8, sizes=(10,)), target(name))
        if place.profile.catalog == 200:
            assert sorted(await client.catalog()) == names
        else:
            with pytest.raises(RegistryError):
                await client.catalog()


@run
async def test_what_is_attached_is_found(place: Place) -> None:
    async with place.client() as client:
        subject = await push_image(client, random_image(9, sizes=(10,)), target())
        assert await client.referrers("team/app", subject.digest) == []
        artifacts = [await artifact(client, subject, number) for number in range(2)]
        for sent in artifacts:
            await client.attach("team/app", subject.digest, sent, MediaType.OCI_MANIFEST)
        found = await client.referrers("team/app", subject.digest)
        assert {entry.digest for entry in found} == {Digest.of(sent) for sent in artifacts}
        assert await client.referrers("team/app", subject.digest, artifact_type="no/such") == []


async def artifact(client: RegistryClient, subject: Descriptor, number: int) -> bytes:
    """Send an artifact's parts; return its manifest."""
    config = await client.upload_bytes("team/app", ARTIFACT, b"{}")
    layer = await client.upload_bytes("team/app", "text/plain", f"note {number}".encode())
    manifest = {
        "schemaVersion": 2,
        "mediaType": MediaType.OCI_MANIFEST,
        "config": config.to_json(),
        "layers": [layer.to_json()],
        "subject": subject.to_json(),
    }
    return json.dumps(manifest).encode()


@run
async def test_what_is_deleted_is_gone_or_the_refusal_says_so(place: Place) -> None:
    async with place.client() as client:
        stored = await push_image(client, random_image(10, sizes=(10,)), target())
        if not place.profile.deletion:
            with pytest.raises(RegistryError, match="delet"):
                await client.delete_manifest("team/app", stored.digest)
            return
        assert await client.delete_manifest("team/app", stored.digest)
        assert not await client.delete_manifest("team/app", stored.digest)
        with pytest.raises(NotFound):
            await client.get_manifest("team/app", "1")


@run
async def test_what_is_absent_is_not_found(place: Place) -> None:
    async with place.client() as client:
        await push_image(client, random_image(11, sizes=(10,)), target())
        with pytest.raises(NotFound):
            await client.get_manifest("team/app", "no-such-tag")
        with pytest.raises(NotFound):
            await fetch_image(client, target("no/such"))


@run
async def test_a_wrong_password_is_refused_as_such(place: Place) -> None:
    async with place.client() as client:
        await push_image(client, random_image(12, sizes=(10,)), target())
    async with place.client("wrong") as client:
        with pytest.raises(RegistryDenied):
            await push_image(client, random_image(13, sizes=(10,)), target())
        with pytest.raises(RegistryDenied):
            await client.tags("team/app")


@run
async def test_a_part_of_a_blob_completes_it(place: Place) -> None:
    sent = bytes(range(256)) * 400
    async with place.client() as client:
        descriptor = await client.upload_bytes("team/app", "text/plain", sent)
        assert await content(client.get_blob("team/app", descriptor)) == sent


@pytest.mark.parametrize(
    "profile", [p for p in PROFILES if p.immutable is not None], ids=lambda p: p.name
)
def test_a_tag_that_must_not_move_is_refused_in_the_registrys_words(profile: Profile) -> None:
    words = profile.immutable
    assert words is not None
    inner = MemoryRegistry(host=HOST, auth=profile.auth, user=USER, password=PASSWORD)
    place = Place(profile, ProfiledRegistry(profile, inner, HOST))

    async def push_twice() -> None:
        async with place.client() as client:
            await push_image(client, random_image(1, sizes=(10,)), target())
            place.registry.immutable.add("1")
            await push_image(client, random_image(2, sizes=(10,)), target())

    with pytest.raises(RegistryError, match="immutable") as caught:
        asyncio.run(push_twice())
    assert caught.value.status == words.status


def test_credentials_go_to_the_declared_token_server_only() -> None:
    profile = next(p for p in PROFILES if p.foreign_tokens)
    asked: list[str] = []

    class Watch(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if basic in request.headers.get("authorization", ""):
                asked.append(request.url.host)
            return await registry.handle_async_request(request)

    inner = MemoryRegistry(host=HOST, auth=profile.auth, user=USER, password=PASSWORD)
    registry = ProfiledRegistry(profile, inner, HOST)

    async def push(token_hosts: list[str]) -> None:
        async with RegistryClient(
            HOST,
            auth=[FixedSource(HOST, Credential(USER, Secret(PASSWORD)))],
            transport=Watch(),
            token_hosts=token_hosts,
            certs_d=(),
        ) as client:
            await push_image(client, random_image(1, sizes=(10,)), target())

    for wrong in ([], ["other.test"]):
        with pytest.raises(RegistryError):
            asyncio.run(push(wrong))
    assert asked == []
    asyncio.run(push([TOKEN_HOST]))
    assert set(asked) == {TOKEN_HOST}


def test_the_specification_comes_first_and_names_are_unique() -> None:
    assert PROFILES[0] is SPECIFICATION
    assert len({profile.name for profile in PROFILES}) == len(PROFILES)


def _bytes_layers(image: Image) -> list[BytesLayer]:
    assert all(isinstance(layer, BytesLayer) for layer in image.layers)
    return [layer for layer in image.layers if isinstance(layer, BytesLayer)]


@table("ability", ABILITIES)
def test_what_a_test_may_need_is_rarely_missing_and_never_always_there(ability: str) -> None:
    has = [ABILITIES[ability](profile) for profile in (*PROFILES, SANDBOX)]
    assert not all(has), "nobody has to ask for it"
    # "challenges" and the like are had by nearly all; a list of repositories by half of them.
    assert sum(has) >= len(has) // 2 - 1


def test_keynets_own_registry_has_all_but_empty_repositories_in_its_list() -> None:
    lacking = [ability for ability, has in ABILITIES.items() if not has(SANDBOX)]
    assert lacking == ["empty repositories in the list"]
