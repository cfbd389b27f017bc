"""Digests, descriptors and media types.

Source: OCI image-spec, "Descriptors"; distribution-spec, "Digests".
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import field
from functools import total_ordering
from types import MappingProxyType
from typing import Any, Final, Self

from keynet.errors import ValidationError
from keynet.frozen import frozen
from keynet.oci.platform import Platform
from keynet.text import _, fill, printable

__all__ = ["Descriptor", "Digest", "MediaType"]

_HEX_LENGTH: Final = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = re.compile("[0-9a-f]+")
_NOTHING: Mapping[str, str] = MappingProxyType({})


class MediaType:
    """Media types by their short names."""

    OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
    OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
    OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
    OCI_LAYER: Final = "application/vnd.oci.image.layer.v1.tar"
    OCI_LAYER_GZIP: Final = "application/vnd.oci.image.layer.v1.tar+gzip"
    OCI_LAYER_ZSTD: Final = "application/vnd.oci.image.layer.v1.tar+zstd"
    OCI_EMPTY: Final = "application/vnd.oci.empty.v1+json"
    DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
    DOCKER_LIST: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
    DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
    DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"
    DOCKER_LAYER_GZIP: Final = "application/vnd.docker.image.rootfs.diff.tar.gzip"

    MANIFESTS: Final = (OCI_MANIFEST, DOCKER_MANIFEST)
    INDEXES: Final = (OCI_INDEX, DOCKER_LIST)
    CONFIGS: Final = (OCI_CONFIG, DOCKER_CONFIG)


@total_ordering
@frozen
class Digest:
    """A digest (``sha256:5b1c…``); ``str`` and ``parse`` round trip."""

    algorithm: str
    hex: str

    def __post_init__(self) -> None:
        length = _HEX_LENGTH.get(self.algorithm)
        if length is None or len(self.hex) != length or not _HEX.fullmatch(self.hex):
            raise ValidationError(
                fill(
                    _("{digest!r} is not a valid digest."),
                    digest=printable(f"{self.algorithm}:{self.hex}", 200),
                ),
                _("A digest is sha256: followed by 64 lower-case hexadecimal digits."),
            )

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Digest):
            return NotImplemented
        return (self.algorithm, self.hex) < (other.algorithm, other.hex)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``algorithm:hex`` with sha256, sha384 or sha512.

        Raises:
            ValidationError: Another algorithm, a wrong length, or upper-case digits.
        """
        algorithm, _colon, hex_ = text.partition(":")
        return cls(algorithm, hex_)

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Return the sha256 digest of these bytes."""
        return cls("sha256", hashlib.sha256(content).hexdigest())

    def of_same_kind(self, content: bytes) -> Self:
        """Return the digest of other bytes with the same algorithm, for a comparison."""
        return type(self)(self.algorithm, hashlib.new(self.algorithm, content).hexdigest())

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"

    @property
    def short(self) -> str:
        """The first 12 hexadecimal digits, as engines show them."""
        return self.hex[:12]


@frozen
class Descriptor:
    """Media type, digest and ``size`` (in bytes, as stored) of some content."""

    media_type: str
    digest: Digest
    size: int
    annotations: Mapping[str, str] = field(default_factory=lambda: _NOTHING, hash=False)
    artifact_type: str | None = None
    platform: Platform | None = None

    @classmethod
    def of(cls, media_type: str, content: bytes, annotations: Mapping[str, str] = _NOTHING) -> Self:
        """Return the descriptor of these bytes."""
        return cls(media_type, Digest.of(content), len(content), annotations)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of the image-spec, without empty fields."""
        wire: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": str(self.digest),
            "size": self.size,
        }
        if self.platform is not None:
            platform = {"architecture": self.platform.architecture, "os": self.platform.os}
            if self.platform.variant:
                platform["variant"] = self.platform.variant
            if self.platform.os_version:
                platform["os.version"] = self.platform.os_version
            wire["platform"] = platform
        if self.annotations:
            wire["annotations"] = dict(self.annotations)
        if self.artifact_type is not None:
            wire["artifactType"] = self.artifact_type
        return wire
