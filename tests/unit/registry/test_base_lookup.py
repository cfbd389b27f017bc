"""A base image as its registry has it, with as few requests as possible."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from keynet.errors import KeynetError, RegistryError, ValidationError
from keynet.files.disk_cache import DiskCache
from keynet.oci.base_config import Looked
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.base_lookup import look
from keynet.registry.kept_documents import KeptDocuments
from tests.fakes.registry import MemoryRegistry
from tests.unit.registry.conftest import Connect

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
BASE = Reference.parse("registry.test/python:3.11")


def add_image(registry: MemoryRegistry, config: object, tag: str = "") -> Descriptor:
    """Store an image without layers."""
    content = config if isinstance(config, bytes) else json.dumps(config).encode()
    described = Descriptor.of(MediaType.OCI_CONFIG, content)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MediaType.OCI_MANIFEST,
        "config": described.to_json(),
        "layers": [],
    }
    registry.repository("python").blobs[str(described.digest)] = content
    return _store(registry, manifest, tag)


def add_index(registry: MemoryRegistry, *entries: dict[str, Any], tag: str = "3.11") -> None:
    """Store an index."""
    index = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": list(entries)}
    _store(registry, index, tag)


def entry(image: Descriptor, architecture: str | None, system: str = "linux") -> dict[str, Any]:
    found = image.to_json()
    if architecture is not None:
        found["platform"] = {"os": system, "architecture": architecture}
    return found


def config(architecture: str, version: str = "3.11.2") -> dict[str, Any]:
    run = {"Env": [f"PYTHON_VERSION={version}"], "User": "app"}
    return {"os": "linux", "architecture": architecture, "config": run}


def _store(registry: MemoryRegistry, document: dict[str, Any], tag: str) -> Descriptor:
    content = json.dumps(document).encode()
    stored = Descriptor.of(document["mediaType"], content)
    repository = registry.repository("python")
    repository.manifests[str(stored.digest)] = (stored.media_type, content)
    if tag:
        repository.tags[tag] = str(stored.digest)
    return stored


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


Look = Callable[..., Looked | None]


@pytest.fixture
def ask(registry: MemoryRegistry, connect: Connect) -> Look:
    def ask(
        wanted: Platform = AMD64, base: Reference = BASE, cache: DiskCache | None = None
    ) -> Looked | None:
        async def run() -> Looked | None:
            async with connect(registry) as client:
                return await look(client, base, wanted, KeptDocuments(cache))

        return asyncio.run(run())

    return ask


def test_one_image_has_one_platform(registry: MemoryRegistry, ask: Look) -> None:
    image = add_image(registry, config("amd64"), "3.11")
    found = ask()
    assert found is not None
    assert found.platforms == (AMD64,)
    assert found.facts is not None
    assert found.facts.python == (3, 11)
    assert found.facts.user == "app"
    assert found.facts.digest == image.digest
    assert ask(ARM64) == Looked((AMD64,))


def test_an_index_has_one_for_each_platform(registry: MemoryRegistry, ask: Look) -> None:
    amd64 = add_image(registry, config("amd64"))
    arm64 = add_image(registry, config("arm64", "3.11.3"))
    attestation = add_image(registry, {"os": "unknown", "architecture": "unknown"})
    add_index(
        registry,
        entry(arm64, "arm64"),
        entry(amd64, "amd64"),
        entry(attestation, "unknown", "unknown"),
    )
    for platform, image in ((AMD64, amd64), (ARM64, arm64)):
        found = ask(platform)
        assert found is not None
        assert found.platforms == (ARM64, AMD64)
        assert found.facts is not None
        assert found.facts.digest == image.digest
        assert found.facts.platform == platform
    assert ask(Platform("linux", "s390x")) == Looked((ARM64, AMD64))


def test_an_image_that_is_not_what_its_index_says_is_what_it_is(
    registry: MemoryRegistry, ask: Look
) -> None:
    amd64 = add_image(registry, config("amd64"))
    add_index(registry, entry(amd64, "arm64"))
    assert ask(ARM64) == Looked((AMD64,))


def test_an_index_of_indexes_is_left_to_who_reads_it_whole(
    registry: MemoryRegistry, ask: Look
) -> None:
    amd64 = add_image(registry, config("amd64"))
    inner = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX}
    nested = _store(registry, {**inner, "manifests": [entry(amd64, "amd64")]}, "")
    add_index(registry, entry(nested, "amd64"))
    # Not that it is for linux/amd64 only, when that is what is asked for.
    assert ask(AMD64) == Looked(())


def test_nothing_of_that_name(registry: MemoryRegistry, ask: Look) -> None:
    add_image(registry, config("amd64"), "other")
    assert ask() is None
    assert ask(base=BASE.with_digest(Digest.of(b"nothing"))) is None


def test_what_has_a_digest_is_read_once(
    registry: MemoryRegistry, ask: Look, tmp_path: Path
) -> None:
    add_index(registry, entry(add_image(registry, config("amd64")), "amd64"))
    cache = DiskCache(tmp_path / "cache", "document", 64)
    first = ask(cache=cache)
    methods = [seen.method for seen in registry.seen if "/manifests/" in seen.url]
    assert methods == ["HEAD", "GET", "GET"]
    registry.seen.clear()
    assert ask(cache=cache) == first
    assert [seen.method for seen in registry.seen if "/manifests/" in seen.url] == ["HEAD"]
    # A file that somebody changed is not used.
    for file in cache.folder.iterdir():
        file.write_bytes(b"{}")
    assert ask(cache=cache) == first


def test_a_cache_that_cannot_be_written_is_no_error(
    registry: MemoryRegistry, ask: Look, tmp_path: Path
) -> None:
    add_image(registry, config("amd64"), "3.11")
    (tmp_path / "file").touch()
    assert ask(cache=DiskCache(tmp_path / "file", "document", 64)) is not None


@pytest.mark.parametrize("content", [b"[]", b"not JSON", b"[" * 100_000])
def test_a_config_that_is_not_json_is_an_error_of_ours(
    registry: MemoryRegistry, ask: Look, content: bytes
) -> None:
    add_image(registry, content, "3.11")
    with pytest.raises(ValidationError):
        ask()


def test_a_config_without_platform_is_not_known(registry: MemoryRegistry, ask: Look) -> None:
    add_image(registry, {}, "3.11")
    assert ask() == Looked(())


def test_a_registry_that_fails_is_an_error(registry: MemoryRegistry, ask: Look) -> None:
    registry.auth = "basic"
    registry.password = "another-password-of-it"
    with pytest.raises((RegistryError, KeynetError)):
        ask()
