"""A base image for two platforms, made of one: the other's config names another architecture."""

import hashlib
import json
import urllib.request

from .registry import RegistryServer

__all__ = ["add_index", "relabel"]

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
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
        digest = _digest(content)
        _put(registry, repository, digest, content, _MANIFEST)
        digests[architecture] = digest
        entries.append(
            {
                "mediaType": _MANIFEST,
                "digest": digest,
                "size": len(content),
                "platform": {"os": "linux", "architecture": architecture},
            }
        )
    index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
    _put(registry, repository, tag, json.dumps(index).encode(), _INDEX)
    return digests


def relabel(registry: RegistryServer, source: str, architecture: str) -> bytes:
    """Store the config of ``source`` with another architecture; return a manifest for it."""
    repository, _colon, tag = source.rpartition(":")
    manifest = json.loads(_get(registry, f"{repository}/manifests/{tag}"))
    config = json.loads(_get(registry, f"{repository}/blobs/{manifest['config']['digest']}"))
    config["architecture"] = architecture
    content = json.dumps(config).encode()
    _upload(registry, repository, content)
    manifest["config"].update(digest=_digest(content), size=len(content))
    return json.dumps(manifest).encode()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _get(registry: RegistryServer, path: str) -> bytes:
    request = urllib.request.Request(f"{registry.url}/v2/{path}", headers={"Accept": _MANIFEST})
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


def _upload(registry: RegistryServer, repository: str, content: bytes) -> None:
    start = urllib.request.Request(f"{registry.url}/v2/{repository}/blobs/uploads/", method="POST")
    with urllib.request.urlopen(start) as answer:
        location = answer.headers["Location"]
    joint = "&" if "?" in location else "?"
    put = urllib.request.Request(
        f"{location}{joint}digest={_digest(content)}",
        data=content,
        method="PUT",
        headers={"Content-Type": "application/octet-stream"},
    )
    urllib.request.urlopen(put).close()


def _put(registry: RegistryServer, repository: str, name: str, content: bytes, kind: str) -> None:
    put = urllib.request.Request(
        f"{registry.url}/v2/{repository}/manifests/{name}",
        data=content,
        method="PUT",
        headers={"Content-Type": kind},
    )
    urllib.request.urlopen(put).close()
