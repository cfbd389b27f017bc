"""A base image for two platforms, made of one: the other's config names another architecture."""

import json

from .raw_registry import MANIFEST, digest, get, put, upload
from .registry import RegistryServer

__all__ = ["add_index", "relabel"]

_INDEX = "application/vnd.oci.image.index.v1+json"


def add_index(
    registry: RegistryServer, source: str, target: str, architectures: tuple[str, ...]
) -> dict[str, str]:
    """Store ``target``, an index of ``source`` relabelled for each architecture.

    Args:
        registry: An open one, without TLS.
        source: ``repository:tag`` of one image.
        target: Another tag of the same repository.

    Returns:
        The digest of each architecture's manifest.
    """
    repository, _colon, tag = target.rpartition(":")
    digests, entries = {}, []
    for architecture in architectures:
        content = relabel(registry, source, architecture)
        name = digest(content)
        put(registry, repository, name, content, MANIFEST)
        digests[architecture] = name
        entries.append(
            {
                "mediaType": MANIFEST,
                "digest": name,
                "size": len(content),
                "platform": {"os": "linux", "architecture": architecture},
            }
        )
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
    put(registry, repository, tag, json.dumps(index).encode(), _INDEX)
    return digests


def relabel(registry: RegistryServer, source: str, architecture: str) -> bytes:
    """Store the config of ``source`` with another architecture; return a manifest for it."""
    repository, _colon, tag = source.rpartition(":")
    manifest = json.loads(get(registry, f"{repository}/manifests/{tag}"))
    config = json.loads(get(registry, f"{repository}/blobs/{manifest['config']['digest']}"))
    config["architecture"] = architecture
    content = json.dumps(config).encode()
    upload(registry, repository, content)
    manifest["config"].update(digest=digest(content), size=len(content))
    return json.dumps(manifest).encode()
