"""Descriptions of images as plain values, to be printed or written as JSON.

Digests are strings here, because these values are printed and compared only.
"""

from collections.abc import Mapping
from dataclasses import field, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any

from keynet.frozen import frozen

__all__ = ["BlobInfo", "ImageConfig", "ImageInspect", "LayerInfo", "ManifestInfo"]


def _nothing() -> Mapping[str, Any]:
    return MappingProxyType({})


@frozen
class BlobInfo:
    """A blob by digest; ``size`` in bytes as stored."""

    digest: str
    size: int
    media_type: str = "application/octet-stream"

    @property
    def digest_short(self) -> str:
        """The first 12 hexadecimal digits."""
        return self.digest.rpartition(":")[2][:12]


@frozen
class ManifestInfo:
    """An image manifest; ``layers`` are base first, ``digest`` is the manifest's."""

    schema_version: int
    media_type: str
    config: BlobInfo
    layers: tuple[BlobInfo, ...]
    digest: str | None = None

    @property
    def total_size(self) -> int:
        """Bytes of config and layers as stored."""
        return self.config.size + sum(layer.size for layer in self.layers)


@frozen
class LayerInfo:
    """A layer as stored; ``created`` and ``created_by`` are from the history."""

    digest: str
    size: int
    media_type: str
    diff_id: str = ""
    created: datetime | None = None
    created_by: str | None = None


@frozen
class ImageConfig:
    """The platform of an image and how a container of it starts."""

    architecture: str
    os: str
    variant: str | None = None
    created: datetime | None = None
    cmd: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    user: str = ""
    working_dir: str | None = None
    exposed_ports: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=_nothing, hash=False)
    diff_ids: tuple[str, ...] = ()


@frozen
class ImageInspect:
    """Everything known about one image.

    ``id`` is the config's digest. ``repo_digests`` name the manifest (``app@sha256:…``, or the
    digest alone for an archive without repository names). ``size`` is the sum of the layers as
    stored, in bytes.
    """

    id: str
    config: ImageConfig
    layers: tuple[LayerInfo, ...] = ()
    repo_tags: tuple[str, ...] = ()
    repo_digests: tuple[str, ...] = ()
    created: datetime | None = None
    architecture: str = ""
    os: str = ""
    variant: str | None = None
    author: str = ""
    comment: str = ""
    media_type: str = ""
    size: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; times are RFC 3339."""
        plain = _plain(self)
        assert isinstance(plain, dict)
        return plain


def _plain(value: object) -> object:
    if isinstance(value, ImageInspect | ImageConfig | LayerInfo):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value
