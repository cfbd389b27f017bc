"""A few requests to an open registry, without a client that could be at fault."""

import hashlib
import urllib.request

from .registry import RegistryServer

__all__ = ["MANIFEST", "digest", "get", "put", "upload"]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(content: bytes) -> str:
    """Return the digest of a blob or manifest."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def get(registry: RegistryServer, path: str) -> bytes:
    """Return the body of a request below /v2/."""
    request = urllib.request.Request(f"{registry.url}/v2/{path}", headers={"Accept": MANIFEST})
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


def upload(registry: RegistryServer, repository: str, content: bytes) -> None:
    """Store a blob."""
    start = urllib.request.Request(f"{registry.url}/v2/{repository}/blobs/uploads/", method="POST")
    with urllib.request.urlopen(start) as answer:
        location = answer.headers["Location"]
    joint = "&" if "?" in location else "?"
    put = urllib.request.Request(
        f"{location}{joint}digest={digest(content)}",
        data=content,
        method="PUT",
        headers={"Content-Type": "application/octet-stream"},
    )
    urllib.request.urlopen(put).close()


def put(registry: RegistryServer, repository: str, name: str, content: bytes, kind: str) -> None:
    """Store a manifest under a tag or digest."""
    put = urllib.request.Request(
        f"{registry.url}/v2/{repository}/manifests/{name}",
        data=content,
        method="PUT",
        headers={"Content-Type": kind},
    )
    urllib.request.urlopen(put).close()
