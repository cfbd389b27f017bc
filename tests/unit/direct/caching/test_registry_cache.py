"""A cache in a registry: written, read, added to, and what is lost of it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TypeVar

from keynet.direct.caching.cache_document import CACHE_TYPE, CachedBase, CachedLayer
from keynet.direct.caching.registry_cache import Stored, read_cache, write_cache
from keynet.direct.packages.resolved_cache import PackageLayer, Resolved
from keynet.events import Event, Notice
from keynet.oci.descriptor import Digest, MediaType
from keynet.oci.manifest import render_manifest
from keynet.oci.reference import Reference
from keynet.registry.client import RegistryClient
from keynet.registry.transfer.push_image import push_image
from tests.fakes.images import BytesLayer, random_image
from tests.fakes.registry import MemoryRegistry
from tests.unit.registry.conftest import Connect, connect

__all__ = ["connect"]

_T = TypeVar("_T")
CACHE = Reference("registry.test", "team/cache", "1")
TARGET = Reference("registry.test", "team/app", "1")


def stored(name: str) -> Stored:
    """Return an image with one layer of packages, on a base of one layer."""
    packages = BytesLayer(f"packages of {name}".encode(), MediaType.OCI_LAYER_GZIP)
    base = BytesLayer(b"base", MediaType.OCI_LAYER_GZIP)
    known = CachedBase("python", "", (CachedLayer(base.descriptor, base.diff_id),))
    resolved = Resolved((PackageLayer(f"l-{name}", name),), "lock", "sbom")
    config = Digest.of(b"config").hex
    return Stored(name, resolved, [(f"l-{name}", packages)], config, known, (base,))


def run(
    connect: Connect, registry: MemoryRegistry, work: Callable[[RegistryClient], Awaitable[_T]]
) -> tuple[_T, list[str]]:
    """Return the result, and the notices."""
    seen: list[str] = []

    def emit(event: Event) -> None:
        if isinstance(event, Notice):
            seen.append(event.text)

    async def go() -> _T:
        async with connect(registry, emit=emit) as client:
            return await work(client)

    return asyncio.run(go()), seen


def write(connect: Connect, registry: MemoryRegistry, *names: str) -> list[str]:
    seen: list[str] = []

    def emit(event: Event) -> None:
        assert isinstance(event, Notice)
        seen.append(event.text)

    async def work(client: RegistryClient) -> None:
        await write_cache(client, CACHE, [stored(name) for name in names], TARGET, emit)

    run(connect, registry, work)
    return seen


def read(connect: Connect, registry: MemoryRegistry) -> tuple[list[str], bytes]:
    """Return what the cache knows, and the bytes of the first layer."""

    async def work(client: RegistryClient) -> tuple[list[str], bytes]:
        cache = await read_cache(client, CACHE, lambda _: None)
        assert cache is not None
        known = list(cache.document.resolved)
        layer = cache.layer(f"l-{known[0]}")
        assert layer is not None
        assert layer.origin == Reference("registry.test", "team/cache")
        assert cache.base(Digest.of(b"config")).python == "python"
        return known, b"".join([chunk async for chunk in layer.chunks()])

    return run(connect, registry, work)[0]


def test_what_was_written_is_read(connect: Connect) -> None:
    registry = MemoryRegistry(auth="token")
    assert write(connect, registry, "a") == []
    assert read(connect, registry) == (["a"], b"packages of a")
    # The registry keeps what a manifest names: the base's layers are among it.
    manifest = json.loads(
        registry.repository("team/cache").manifests[registry.repository("team/cache").tags["1"]][1]
    )
    assert len(manifest["layers"]) == 2


def test_others_stay_and_the_same_again_writes_nothing(connect: Connect) -> None:
    registry = MemoryRegistry()
    write(connect, registry, "a")
    write(connect, registry, "b")
    assert read(connect, registry)[0] == ["b", "a"]
    registry.seen.clear()
    write(connect, registry, "a")
    assert {seen.method for seen in registry.seen} <= {"GET", "HEAD"}


def test_layers_of_others_that_are_lost_do_not_stop_it(connect: Connect) -> None:
    registry = MemoryRegistry()
    write(connect, registry, "a")
    registry.repository("team/cache").blobs.pop(str(Digest.of(b"packages of a")))
    assert write(connect, registry, "b") == []
    assert read(connect, registry)[0] == ["b"]


def test_where_there_is_none_or_an_image_a_push_goes_on(connect: Connect) -> None:
    registry = MemoryRegistry()

    async def look(client: RegistryClient) -> object:
        return await read_cache(client, CACHE, print)

    assert run(connect, registry, look)[0] is None

    async def image(client: RegistryClient) -> object:
        await push_image(client, random_image(1), CACHE)
        seen: list[Event] = []
        assert await read_cache(client, CACHE, seen.append) is None
        return seen

    (seen, _notices) = run(connect, registry, image)
    assert "is not used: It is not a cache of keynet's, but an image" in str(seen)


def test_an_image_of_that_name_is_not_replaced(connect: Connect) -> None:
    registry = MemoryRegistry()

    async def image(client: RegistryClient) -> None:
        await push_image(client, random_image(1), CACHE)

    run(connect, registry, image)
    before = registry.repository("team/cache").tags["1"]
    assert "was not written: It is not a cache" in write(connect, registry, "a")[0]
    assert registry.repository("team/cache").tags["1"] == before


def test_a_cache_of_another_version_is_written_anew(connect: Connect) -> None:
    registry = MemoryRegistry()

    async def other(client: RegistryClient) -> None:
        content = b'{"version": 99}'
        config = await client.upload_bytes("team/cache", CACHE_TYPE, content)
        manifest = render_manifest(MediaType.OCI_MANIFEST, config, [])
        await client.put_manifest("team/cache", "1", manifest, MediaType.OCI_MANIFEST)

    run(connect, registry, other)
    assert write(connect, registry, "a") == []
    assert read(connect, registry)[0] == ["a"]


def test_a_registry_that_refuses_is_told_of_and_stops_nothing(connect: Connect) -> None:
    registry = MemoryRegistry(auth="token")

    async def work(client: RegistryClient) -> list[Event]:
        seen: list[Event] = []
        await write_cache(client, CACHE, [stored("a")], None, seen.append)
        return seen

    async def go() -> list[Event]:
        async with RegistryClient(
            "registry.test", auth=("robot", "wrong"), transport=registry, certs_d=()
        ) as client:
            return await work(client)

    (notice,) = asyncio.run(go())
    assert isinstance(notice, Notice)
    assert "The cache registry.test/team/cache:1 was not written" in notice.text
