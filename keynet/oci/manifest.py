"""Write image manifests; the same layers and config give the same bytes.

Source: OCI image-spec, "Image Manifest"; docker's image manifest v2, schema 2.
"""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from keynet.errors import ValidationError
from keynet.oci.descriptor import Descriptor, MediaType
from keynet.text import _, fill

__all__ = ["layer_type", "render_index", "render_manifest"]

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_LAYER_TYPES: Final = {
    MediaType.DOCKER_MANIFEST: {
        "none": MediaType.DOCKER_LAYER,
        "gzip": MediaType.DOCKER_LAYER_GZIP,
    },
    MediaType.OCI_MANIFEST: {
        "none": MediaType.OCI_LAYER,
        "gzip": MediaType.OCI_LAYER_GZIP,
        "zstd": MediaType.OCI_LAYER_ZSTD,
    },
}


def layer_type(manifest_type: str, compression: str) -> str:
    """Return the media type of a layer in a manifest of this type.

    Args:
        manifest_type: The OCI's or docker's image manifest.
        compression: ``"none"``, ``"gzip"`` or ``"zstd"``.

    Raises:
        ValidationError: The manifest does not allow it: docker's has no zstd.
    """
    media_type = _LAYER_TYPES.get(manifest_type, {}).get(compression)
    if media_type is None:
        raise ValidationError(
            fill(
                _("A manifest of type {type} cannot have layers compressed with {compression}."),
                type=manifest_type,
                compression=compression,
            )
        )
    return media_type


def render_manifest(
    manifest_type: str,
    config: Descriptor,
    layers: Sequence[Descriptor],
    annotations: Mapping[str, str] = _NOTHING,
) -> bytes:
    """Return a manifest as skopeo writes it: compact, keys as in the specification.

    Args:
        annotations: Of the manifest itself; an OCI manifest's only.
    """
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": _entry(config),
        "layers": [_entry(layer) for layer in layers],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def render_index(images: Sequence[Descriptor], annotations: Mapping[str, str] = _NOTHING) -> bytes:
    """Return an OCI index: compact, its images in this order.

    Args:
        images: Each with its platform.
        annotations: Of the index itself.
    """
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MediaType.OCI_INDEX,
        "manifests": [image.to_json() for image in images],
    }
    if annotations:
        document["annotations"] = dict(annotations)
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _entry(descriptor: Descriptor) -> dict[str, Any]:
    wire: dict[str, Any] = {
        "mediaType": descriptor.media_type,
        "size": descriptor.size,
        "digest": str(descriptor.digest),
    }
    if descriptor.annotations:
        wire["annotations"] = dict(descriptor.annotations)
    return wire
