"""What is no image is not pulled, and layers are what their config says they are."""

import asyncio
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from keynet.archive.docker_tar import validate_docker_tar
from keynet.errors import KeynetError, NotFound, ValidationError
from keynet.oci.descriptor import MediaType
from keynet.registry.functions import pull_image
from keynet.registry.queries import get_image_info, get_manifest, inspect_repositories
from tests.fakes.archives import layer_of
from tests.fakes.registry import MemoryRegistry
from tests.fakes.stored_images import store, store_artifact, store_image
from tests.unit.cli.conftest import served

Format = Literal["docker", "oci"]
FORMATS: tuple[Format, ...] = ("docker", "oci")
NAME = "team/app"
LAYER = layer_of(1)
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


@pytest.fixture
def registry() -> Iterator[MemoryRegistry]:
    with served(MemoryRegistry()) as (registry, host):
        registry.host = host
        yield registry


def pull(registry: MemoryRegistry, file: Path, form: Format) -> None:
    asyncio.run(pull_image(f"http://{registry.host}", NAME, "1", file, format=form))


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("config_type", "config", "artifact_type", "shown"),
    [
        (MediaType.OCI_EMPTY, b"{}", "application/vnd.example.chart", "vnd.example.chart"),
        ("application/vnd.cncf.helm.config.v1+json", b'{"created": 5}', None, "cncf.helm"),
        ("application/vnd.example", b"\0not JSON", None, "vnd.example"),
        # Signatures and attestations have the config of an image.
        (MediaType.OCI_CONFIG, b'{"os": "linux"}', None, "text/plain"),
    ],
)
def test_an_artifact_is_refused_and_leaves_no_file(
    registry: MemoryRegistry,
    tmp_path: Path,
    form: Format,
    config_type: str,
    config: bytes,
    artifact_type: str | None,
    shown: str,
) -> None:
    store_artifact(
        registry, NAME, "1", config_type=config_type, config=config, artifact_type=artifact_type
    )
    with pytest.raises(ValidationError, match=f"not an image but an artifact: .*{shown}"):
        pull(registry, tmp_path / "out.tar", form)
    assert list(tmp_path.iterdir()) == []


def test_an_artifact_can_be_looked_at(registry: MemoryRegistry) -> None:
    artifact = store_artifact(registry, NAME, "1")
    url = f"http://{registry.host}"
    assert asyncio.run(get_manifest(url, NAME, "1")).digest == str(artifact.digest)
    assert asyncio.run(get_image_info(url, NAME, "1")).size == len(b"hello")


@pytest.mark.parametrize("config", [b"\0not JSON", b'{"author": 5}'])
def test_an_artifact_without_an_images_config_is_named_as_such(
    registry: MemoryRegistry, config: bytes
) -> None:
    store_artifact(registry, NAME, "1", config_type="application/vnd.example", config=config)
    with pytest.raises(ValidationError, match="not an image but an artifact"):
        asyncio.run(get_image_info(f"http://{registry.host}", NAME, "1"))
    listed = asyncio.run(inspect_repositories(f"http://{registry.host}", [NAME]))
    assert listed == {NAME: {}}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    ("media_type", "stored"),
    [
        (MediaType.OCI_LAYER_GZIP, gzip.compress(LAYER, mtime=0)),
        (MediaType.OCI_LAYER_GZIP, LAYER),
        (MediaType.OCI_LAYER, gzip.compress(LAYER, mtime=0)),
        (MediaType.OCI_LAYER_ZSTD, gzip.compress(LAYER, mtime=0)),
        (FOREIGN, gzip.compress(LAYER, mtime=0)),
    ],
)
def test_a_layer_is_read_as_what_it_is_whatever_it_is_called(
    registry: MemoryRegistry, tmp_path: Path, form: Format, media_type: str, stored: bytes
) -> None:
    store_image(registry, NAME, "1", [(media_type, stored)], diff_ids=[LAYER])
    pull(registry, tmp_path / "out.tar", form)
    assert validate_docker_tar(tmp_path / "out.tar")


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "stored", [gzip.compress(layer_of(2), mtime=0), layer_of(2), gzip.compress(LAYER)[:-9]]
)
def test_a_layer_that_is_not_its_diff_id_is_refused(
    registry: MemoryRegistry, tmp_path: Path, form: Format, stored: bytes
) -> None:
    store_image(registry, NAME, "1", [(MediaType.OCI_LAYER_GZIP, stored)], diff_ids=[LAYER])
    with pytest.raises(KeynetError, match=r"decompressed layer|truncated"):
        pull(registry, tmp_path / "out.tar", form)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", FORMATS)
def test_a_foreign_layer_that_is_not_there_is_named(
    registry: MemoryRegistry, tmp_path: Path, form: Format
) -> None:
    store_image(registry, NAME, "1", [(FOREIGN, LAYER)], missing=[LAYER])
    with pytest.raises(NotFound, match="foreign layer"):
        pull(registry, tmp_path / "out.tar", form)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["prettyjws", "json"])
def test_a_manifest_of_schema_1_is_named_as_such(
    registry: MemoryRegistry, tmp_path: Path, kind: str
) -> None:
    old = {"schemaVersion": 1, "name": NAME, "tag": "1", "fsLayers": [], "history": []}
    media_type = f"application/vnd.docker.distribution.manifest.v1+{kind}"
    registry.lax = True
    store(registry, NAME, json.dumps(old).encode(), media_type, "1")
    with pytest.raises(ValidationError, match="schema 1"):
        asyncio.run(get_image_info(f"http://{registry.host}", NAME, "1"))
    with pytest.raises(ValidationError, match="schema 1"):
        pull(registry, tmp_path / "out.tar", "docker")
    assert list(tmp_path.iterdir()) == []
