"""Put images, indexes and artifacts straight into a registry in memory, sound or odd."""

import json
from collections.abc import Sequence
from typing import Any

from keynet.oci.descriptor import Descriptor, Digest, MediaType
from tests.fakes.registry import MemoryRegistry

__all__ = ["entry", "store", "store_artifact", "store_image", "store_index"]


def store(
    registry: MemoryRegistry, repository: str, content: bytes, media_type: str, tag: str | None
) -> Descriptor:
    """Keep these bytes as a manifest, whatever they are."""
    described = Descriptor.of(media_type, content)
    held = registry.repository(repository)
    held.manifests[str(described.digest)] = (media_type, content)
    if tag is not None:
        held.tags[tag] = str(described.digest)
    return described


def store_image(
    registry: MemoryRegistry,
    repository: str,
    tag: str | None,
    layers: Sequence[tuple[str, bytes]] = (),
    *,
    diff_ids: Sequence[bytes] = (),
    platform: dict[str, str] | None = None,
    config_type: str = MediaType.OCI_CONFIG,
    config: bytes | None = None,
    missing: Sequence[bytes] = (),
    artifact_type: str | None = None,
) -> Descriptor:
    """Keep an image.

    Args:
        layers: Media type and bytes as stored, base first.
        diff_ids: What each opens to; the bytes themselves by default.
        missing: Layers that the manifest names and the registry lacks.
    """
    opened = list(diff_ids) or [content for _type, content in layers]
    document = {
        **(platform or {"os": "linux", "architecture": "amd64"}),
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(each)) for each in opened]},
    }
    config = json.dumps(document).encode() if config is None else config
    blobs = registry.repository(repository).blobs
    blobs[str(Digest.of(config))] = config
    for _type, content in layers:
        if content not in missing:
            blobs[str(Digest.of(content))] = content
    described = {
        "schemaVersion": 2,
        "mediaType": MediaType.OCI_MANIFEST,
        "config": Descriptor.of(config_type, config).to_json(),
        "layers": [Descriptor.of(kind, content).to_json() for kind, content in layers],
        **({"artifactType": artifact_type} if artifact_type else {}),
    }
    content = json.dumps(described).encode()
    return store(registry, repository, content, MediaType.OCI_MANIFEST, tag)


def store_artifact(
    registry: MemoryRegistry,
    repository: str,
    tag: str,
    *,
    config_type: str = MediaType.OCI_EMPTY,
    config: bytes = b"{}",
    artifact_type: str | None = "application/vnd.example.chart",
) -> Descriptor:
    """Keep an artifact of one text file."""
    files = [("text/plain", b"hello")]
    return store_image(
        registry,
        repository,
        tag,
        files,
        config_type=config_type,
        config=config,
        artifact_type=artifact_type,
    )


def store_index(
    registry: MemoryRegistry, repository: str, tag: str | None, entries: Sequence[dict[str, Any]]
) -> Descriptor:
    """Keep an index of these entries, which ``entry`` makes."""
    index = {"schemaVersion": 2, "mediaType": MediaType.OCI_INDEX, "manifests": list(entries)}
    content = json.dumps(index).encode()
    return store(registry, repository, content, MediaType.OCI_INDEX, tag)


def entry(
    described: Descriptor, platform: dict[str, str] | None = None, **more: object
) -> dict[str, Any]:
    """Return an entry of an index, with this platform or none."""
    return {**described.to_json(), **({"platform": platform} if platform else {}), **more}
