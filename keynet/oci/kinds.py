"""Images and what only looks like one: charts, signatures, attestations, documents.

Source: OCI image-spec, "Guidelines for Artifact Usage"; what docker and containerd load.
"""

from collections.abc import Iterable
from typing import Final

from keynet.errors import ValidationError
from keynet.oci.descriptor import Descriptor, MediaType
from keynet.text import _, fill, printable

__all__ = ["LAYER_TYPES", "foreign_type", "is_foreign_layer", "not_an_image"]

_FOREIGN: Final = frozenset({
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
})  # fmt: skip
LAYER_TYPES: Final = _FOREIGN | {
    MediaType.OCI_LAYER,
    MediaType.OCI_LAYER_GZIP,
    MediaType.OCI_LAYER_ZSTD,
    MediaType.DOCKER_LAYER,
    MediaType.DOCKER_LAYER_GZIP,
    # Not specified, but written by containerd's and buildah's conversions.
    "application/vnd.docker.image.rootfs.diff.tar.zstd",
}
_ENCRYPTED: Final = "+encrypted"
# docker accepts these too: registries before 2016 lost the type of a config.
_CONFIGS: Final = (*MediaType.CONFIGS, "application/octet-stream")


def foreign_type(config: Descriptor | None, layers: Iterable[Descriptor]) -> str | None:
    """Return the media type that shows that a manifest is not an image's; None for an image."""
    if config is None or config.media_type not in _CONFIGS:
        return "" if config is None else config.media_type
    return next((each.media_type for each in layers if each.media_type not in LAYER_TYPES), None)


def is_foreign_layer(layer: Descriptor) -> bool:
    """Report whether a layer may lie outside of its registry, for its licence (Windows bases)."""
    return layer.media_type in _FOREIGN


def not_an_image(name: str, media_type: str) -> ValidationError:
    """Return the error for an artifact, or an encrypted image, in the place of an image.

    Args:
        media_type: The artifact's own type, or the one from ``foreign_type``.
    """
    if media_type.endswith(_ENCRYPTED):
        return ValidationError(
            fill(_("{name} has encrypted layers, which cannot be read."), name=name),
            _("Decrypt it first, for example with skopeo copy --decryption-key."),
        )
    return ValidationError(
        fill(
            _("{name} is not an image but an artifact: {type}."),
            name=name,
            type=printable(media_type or "?", 200),
        ),
        _("Look at it with keynet registry manifest; oras pull fetches an artifact's files."),
    )
