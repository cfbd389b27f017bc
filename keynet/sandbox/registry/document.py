"""What a manifest's bytes say: what it needs, its subject, how referrers list it.

Source: OCI image-spec 1.1, "Image manifest", "Image index"; distribution-spec 1.1, "Listing
referrers".
"""

import json
import re
from typing import Any, Final

from keynet.frozen import frozen
from keynet.oci.descriptor import Digest
from keynet.sandbox.registry.error_answers import Refusal
from keynet.sandbox.registry.grammar import digest_of

__all__ = ["Document", "parsed"]

# It becomes a header of answers.
_MEDIA_TYPE: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"
)
_REMOTE: Final = ("foreign", "nondistributable")


@frozen
class Document:
    """One manifest; ``blobs`` and ``manifests`` must be there before it is."""

    media_type: str
    blobs: tuple[Digest, ...]
    manifests: tuple[Digest, ...]
    subject: Digest | None
    artifact_type: str | None
    annotations: dict[str, str]


def parsed(content: bytes, content_type: str) -> Document:
    """Read a manifest of any media type.

    Raises:
        Refusal: It is not a JSON object, contradicts its Content-Type, or has parts that cannot be.
    """
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as e:
        raise _invalid("the manifest is not JSON") from e
    if not isinstance(manifest, dict):
        raise _invalid("the manifest is not a JSON object")
    stated = manifest.get("mediaType")
    media_type = content_type.partition(";")[0].strip() or stated
    if not isinstance(media_type, str) or stated not in {None, media_type}:
        raise _invalid("mediaType and Content-Type differ")
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise _invalid("mediaType is not a media type")
    if "layers" in manifest and "manifests" in manifest:
        raise _invalid("a manifest has either layers or manifests")
    config = [manifest["config"]] if "config" in manifest else []
    blobs = config + _list(manifest, "layers") + _list(manifest, "blobs")
    subject = manifest.get("subject")
    artifact_type = manifest.get("artifactType") or (
        config[0].get("mediaType") if config and isinstance(config[0], dict) else None
    )
    annotations = manifest.get("annotations")
    if not isinstance(annotations, dict | None):
        raise _invalid("annotations is not an object")
    return Document(
        media_type,
        tuple(_digest(part) for part in blobs if not _is_remote(part)),
        tuple(_digest(part) for part in _list(manifest, "manifests")),
        _digest(subject) if subject is not None else None,
        artifact_type if isinstance(artifact_type, str) else None,
        {k: v for k, v in (annotations or {}).items() if isinstance(v, str)},
    )


def _list(manifest: dict[str, Any], key: str) -> list[Any]:
    value = manifest.get(key)
    if not isinstance(value, list | None):
        raise _invalid(f"{key} is not a list")
    return value or []


def _digest(descriptor: object) -> Digest:
    if not isinstance(descriptor, dict) or not isinstance(descriptor.get("digest"), str):
        raise _invalid("a descriptor has no digest")
    return digest_of(descriptor["digest"])


def _is_remote(descriptor: object) -> bool:
    """Report whether a layer may be stored at its own URLs only."""
    if not isinstance(descriptor, dict):
        return False
    media_type = descriptor.get("mediaType")
    return isinstance(media_type, str) and any(word in media_type for word in _REMOTE)


def _invalid(message: str) -> Refusal:
    return Refusal(400, "MANIFEST_INVALID", message)
