"""The JSON of registries, checked before it is used.

Source: OCI image-spec, "Image Manifest", "Image Index"; Docker's "Image Manifest V 2, Schema 1".
"""

import contextlib
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as Malformed

from keynet.errors import RegistryError, ValidationError
from keynet.net import server_words
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.platform import Platform
from keynet.text import _, fill, printable

__all__ = [
    "MANIFEST_LIMIT",
    "Catalog",
    "ConfigWire",
    "DescriptorWire",
    "ManifestWire",
    "TagList",
    "check_manifest",
    "read_config",
    "read_json",
    "refuse_schema_1",
]

MANIFEST_LIMIT: Final = 4 * 1024 * 1024
_ENTRIES: Final = 100_000
_SCHEMA_1: Final = "application/vnd.docker.distribution.manifest.v1+"

_Size = Annotated[int, Field(ge=0, le=2**63 - 1)]
_ShortText = Annotated[str, Field(max_length=4096)]


class _Wire(BaseModel):
    model_config = ConfigDict(
        extra="ignore", frozen=True, hide_input_in_errors=True, defer_build=True
    )


class _PlatformWire(_Wire):
    os: _ShortText = ""
    architecture: _ShortText = ""
    variant: _ShortText | None = None
    os_version: _ShortText | None = Field(default=None, alias="os.version")

    def value(self) -> Platform | None:
        return Platform.stated(self.os, self.architecture, self.variant, self.os_version)


class DescriptorWire(_Wire):
    """A descriptor in JSON; ``value`` checks the digest's grammar."""

    mediaType: _ShortText
    digest: _ShortText
    size: _Size
    annotations: dict[str, str] | None = None
    artifactType: _ShortText | None = None
    platform: _PlatformWire | None = None

    def value(self) -> Descriptor:
        """Return the value that the rest of keynet uses.

        Raises:
            ValidationError: The digest is not valid.
        """
        return Descriptor(
            self.mediaType,
            Digest.parse(self.digest),
            self.size,
            dict(self.annotations or {}),
            self.artifactType,
            self.platform.value() if self.platform is not None else None,
        )


class _VersionWire(_Wire):
    schemaVersion: object = None


class ManifestWire(_Wire):
    """An image manifest or an index; ``check_manifest`` checks that it is not both."""

    schemaVersion: Annotated[int, Field(ge=2, le=2)]
    mediaType: _ShortText | None = None
    artifactType: _ShortText | None = None
    config: DescriptorWire | None = None
    layers: Annotated[list[DescriptorWire], Field(max_length=_ENTRIES)] | None = None
    manifests: Annotated[list[DescriptorWire], Field(max_length=_ENTRIES)] | None = None
    subject: DescriptorWire | None = None
    annotations: dict[str, str] | None = None


class _RootfsWire(_Wire):
    diff_ids: Annotated[list[_ShortText], Field(max_length=_ENTRIES)] = []


class ConfigWire(_Wire):
    """An image's config, as far as keynet reads it."""

    architecture: _ShortText = ""
    os: _ShortText = ""
    variant: _ShortText | None = None
    os_version: _ShortText | None = Field(default=None, alias="os.version")
    created: _ShortText | None = None
    rootfs: _RootfsWire = Field(default_factory=_RootfsWire)

    def platform(self) -> Platform | None:
        """Return the platform that the config states; None where it leaves out a part."""
        return Platform.stated(self.os, self.architecture, self.variant, self.os_version)


class TagList(_Wire):
    """A page of tags; docker-registry writes null for none."""

    tags: Annotated[list[_ShortText], Field(max_length=_ENTRIES)] | None = None


class Catalog(_Wire):
    """A page of repositories."""

    repositories: Annotated[list[_ShortText], Field(max_length=_ENTRIES)] | None = None


_M = TypeVar("_M", bound=BaseModel)


def read_json(model: type[_M], body: bytes, what: str) -> _M:
    """Read a registry's JSON into ``model``.

    Raises:
        RegistryError: It is not JSON, is cut off, or has another shape.
    """
    try:
        return model.model_validate_json(body)
    except Malformed as error:
        page = server_words.page(body)
        reason = fill(_("it is a page: {page}"), page=page) if page else _first_reason(error)
        raise RegistryError(
            fill(
                _("The registry's answer cannot be read ({what}): {reason}."),
                what=what,
                reason=reason,
            ),
            _("Check that the URL is a registry's; a proxy in between may answer for it."),
        ) from error


def read_config(content: bytes) -> ConfigWire:
    """Read the config of an image, whose digest was verified: what is wrong is the image's.

    Raises:
        RegistryError: It is not JSON, or has another shape.
    """
    try:
        return ConfigWire.model_validate_json(content)
    except Malformed as error:
        raise RegistryError(
            fill(
                _("The image's config, which says how it runs, cannot be read: {reason}."),
                reason=_first_reason(error),
            ),
            _("The image is damaged. Choose another one, or have it built and pushed again."),
        ) from error


def check_manifest(content: bytes, content_type: str | None) -> ManifestWire:
    """Read a manifest or an index, and refuse one that could be taken for both.

    Args:
        content_type: Of the answer; None when it had none.

    Raises:
        RegistryError: Not JSON, wrong shape, or its mediaType is not the Content-Type.
        ValidationError: It contradicts itself, or is of schema 1.

    Source: CVE-2021-41190.
    """
    refuse_schema_1(content, content_type)
    manifest = read_json(ManifestWire, content, _("a manifest"))
    if manifest.manifests is not None and (
        manifest.layers is not None or manifest.config is not None
    ):
        raise ValidationError(
            _("The manifest has both layers and manifests: it is neither an image nor an index."),
            _("Do not use this image; it may have been made to deceive."),
        )
    if manifest.manifests is None and (manifest.layers is None or manifest.config is None):
        raise ValidationError(
            _("The manifest has neither config and layers nor manifests."),
            _("Push the image again; check that the registry stores it unaltered."),
        )
    declared = (content_type or "").split(";")[0].strip().lower()
    inside = (manifest.mediaType or "").lower()
    if declared and inside and declared != inside:
        raise RegistryError(
            fill(
                _("The manifest calls itself {inside}, the registry calls it {declared}."),
                inside=printable(inside, 100),
                declared=printable(declared, 100),
            ),
            _("Do not use this image; the registry or a proxy alters its type."),
        )
    kind = inside or declared
    wanted = MediaType.MANIFESTS if manifest.manifests is None else MediaType.INDEXES
    if kind not in wanted:
        raise RegistryError(
            fill(
                _("A manifest came with the wrong type {kind}."),
                kind=printable(kind or "(none)", 100),
            ),
            _("Check that the URL is a registry's; a proxy in between may answer for it."),
        )
    return manifest


def refuse_schema_1(content: bytes, content_type: str | None = None) -> None:
    """Refuse a manifest of schema 1; a signed one's bytes have another digest than it has.

    Raises:
        ValidationError: It is one.
    """
    named = _SCHEMA_1 in (content_type or "")
    with contextlib.suppress(Malformed):
        named = named or _VersionWire.model_validate_json(content).schemaVersion == 1
    if named:
        raise ValidationError(
            _("The image has a manifest of schema 1, Docker's format of before 2016."),
            _("Convert it once: skopeo copy --format oci docker://OLD docker://NEW"),
        )


def _first_reason(error: Malformed) -> str:
    detail = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in detail["loc"][:4])
    return printable(f"{place}: {detail['msg']}" if place else detail["msg"], 200)
