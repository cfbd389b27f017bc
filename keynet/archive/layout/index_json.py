"""The ``index.json`` of an OCI layout: which images it lists, and what refers to them. Pure.

A layout has no referrers API: what refers to a manifest is listed as registries without the API
list it, under the tag of the subject's digest. regctl and oras read it there.

Source: OCI image-spec, "Image Layout"; distribution-spec 1.1, "Referrers Tag Schema".
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from keynet.oci.descriptor import Descriptor, Digest, MediaType

__all__ = [
    "FULL_NAME",
    "LAYOUT_FILE",
    "LAYOUT_VERSION",
    "REF_NAME",
    "blob_path",
    "entry_of",
    "fallback_name",
    "index_of",
    "is_fallback",
    "name_of",
    "referrer_of",
    "with_entry",
]

LAYOUT_FILE: Final = "oci-layout"
LAYOUT_VERSION: Final = b'{"imageLayoutVersion":"1.0.0"}'
REF_NAME: Final = "org.opencontainers.image.ref.name"
FULL_NAME: Final = "io.containerd.image.name"
_FALLBACK: Final = re.compile(r"sha\d{3}-[0-9a-f]{64,128}")

Entry = Mapping[str, Any]


def blob_path(digest: Digest) -> str:
    """Return where a layout has the blob of this digest."""
    return f"blobs/{digest.algorithm}/{digest.hex}"


def entry_of(manifest: Descriptor, name: str | None) -> Entry:
    """Return the entry that lists a manifest.

    Args:
        name: A tag, or a whole reference, by which docker load names the image too.
    """
    annotations = {REF_NAME: name} if name else {}
    if name and ("/" in name or ":" in name):
        annotations[FULL_NAME] = name
    listed = Descriptor(manifest.media_type, manifest.digest, manifest.size, annotations)
    return listed.to_json()


def with_entry(entries: Sequence[Entry], entry: Entry) -> list[Entry]:
    """Add an entry; the one of the same name gives way, without a name the same manifest's."""
    name = name_of(entry)
    kept = [
        other
        for other in entries
        if (
            name_of(other) != name
            if name
            else other.get("digest") != entry["digest"] or name_of(other)
        )
    ]
    return [*kept, entry]


def index_of(entries: Iterable[Entry]) -> bytes:
    """Return an index with these entries."""
    document = {
        "schemaVersion": 2,
        "mediaType": MediaType.OCI_INDEX,
        "manifests": [dict(entry) for entry in entries],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def fallback_name(subject: Digest) -> str:
    """Return the tag that lists what refers to ``subject``."""
    return f"{subject.algorithm}-{subject.hex}"


def is_fallback(name: str) -> bool:
    """Report whether a name is the tag of a list of referrers."""
    return _FALLBACK.fullmatch(name) is not None


def referrer_of(content: bytes, media_type: str) -> tuple[Digest, Descriptor] | None:
    """Return what a manifest refers to and how a list of referrers names it; None: to nothing.

    Raises:
        ValidationError: Its subject has no valid digest.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    subject = document.get("subject") if isinstance(document, dict) else None
    if not isinstance(subject, dict):
        return None
    config = document.get("config")
    config_type = config.get("mediaType") if isinstance(config, dict) else None
    artifact_type = document.get("artifactType") or config_type
    annotations = document.get("annotations")
    listed = Descriptor(
        media_type,
        Digest.of(content),
        len(content),
        annotations if isinstance(annotations, dict) else {},
        artifact_type if isinstance(artifact_type, str) else None,
    )
    return Digest.parse(str(subject.get("digest"))), listed


def name_of(entry: Entry) -> str | None:
    """Return the name of an entry, None if it has none; the entry may be of any shape."""
    annotations = entry.get("annotations")
    name = annotations.get(REF_NAME) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) else None
