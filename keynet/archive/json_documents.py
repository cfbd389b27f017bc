"""Models of the JSON documents in archives; unknown fields are ignored.

Source: docker image spec v1.2 (``manifest.json``); OCI image-spec (index, manifest, config).
"""

from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic import ValidationError as WireError

from keynet.errors import InvalidArchive
from keynet.oci.descriptor import Descriptor, Digest
from keynet.oci.platform import Platform
from keynet.text import _, fill, printable

__all__ = [
    "LARGEST_DOCUMENT",
    "ConfigModel",
    "DescriptorModel",
    "DockerImage",
    "IndexModel",
    "ManifestModel",
    "parse",
    "parse_docker_manifest",
]

# The size limit of registries for a manifest; configs with long histories stay below it too.
LARGEST_DOCUMENT: Final = 4 << 20
_LARGEST_BLOB: Final = 1 << 43
_Labels = Annotated[dict[str, str], Field(max_length=10_000)]
_Names = Annotated[list[str], Field(max_length=10_000)]


class _Wire(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", defer_build=True)


class PlatformModel(_Wire):
    """A platform in a descriptor."""

    os: str = ""
    architecture: str = ""
    variant: str | None = None
    os_version: str | None = Field(default=None, alias="os.version")


class DescriptorModel(_Wire):
    """A descriptor in an index or manifest; ``value()`` checks the digest's grammar."""

    media_type: str = Field(alias="mediaType", max_length=255)
    digest: str = Field(max_length=200)
    size: int = Field(ge=0, le=_LARGEST_BLOB)
    annotations: _Labels | None = None
    artifact_type: str | None = Field(default=None, alias="artifactType")
    platform: PlatformModel | None = None

    def value(self) -> Descriptor:
        """Convert to a ``Descriptor``.

        Raises:
            ValidationError: The digest is not valid.
        """
        wire = self.platform
        platform = (
            Platform.stated(wire.os, wire.architecture, wire.variant, wire.os_version)
            if wire is not None
            else None
        )
        return Descriptor(
            self.media_type,
            Digest.parse(self.digest),
            self.size,
            dict(self.annotations or {}),
            self.artifact_type,
            platform,
        )


class DockerImage(_Wire):
    """One entry of docker's ``manifest.json``."""

    config: str = Field(alias="Config", min_length=1)
    repo_tags: _Names | None = Field(default=None, alias="RepoTags")
    layers: _Names | None = Field(alias="Layers")
    layer_sources: dict[str, object] | None = Field(default=None, alias="LayerSources")


# docker 25.0 writes null for the manifests of an image that was saved by its digest, and null or
# [] for layers whose sizes it could not read.
_Descriptors = Annotated[
    list[DescriptorModel],
    BeforeValidator(lambda value: [] if value is None else value),
    Field(max_length=10_000),
]


class IndexModel(_Wire):
    """An OCI index or docker manifest list."""

    media_type: str | None = Field(default=None, alias="mediaType")
    manifests: _Descriptors
    layers: None = None
    config: None = None


class ManifestModel(_Wire):
    """An OCI or docker image manifest; one that also has ``manifests`` is refused."""

    schema_version: int = Field(alias="schemaVersion", ge=2, le=2)
    media_type: str | None = Field(default=None, alias="mediaType")
    artifact_type: str | None = Field(default=None, alias="artifactType")
    config: DescriptorModel
    layers: _Descriptors
    manifests: None = None


class RootfsModel(_Wire):
    """The digests of the uncompressed layers, base first."""

    type: str = "layers"
    diff_ids: _Names | None = None


class ConfigModel(_Wire):
    """The fields of an image config that keynet uses."""

    architecture: str
    os: str
    variant: str | None = None
    os_version: str | None = Field(default=None, alias="os.version")
    rootfs: RootfsModel

    def platform(self) -> Platform:
        """Return the platform; linux, or unknown, for what it leaves empty."""
        architecture = self.architecture or "unknown"
        return Platform(self.os or "linux", architecture, self.variant, self.os_version)


_Model = TypeVar("_Model", bound=_Wire)
_DOCKER_MANIFEST: TypeAdapter[list[DockerImage]] = TypeAdapter(
    Annotated[list[DockerImage], Field(min_length=1, max_length=1_000)]
)


def parse(model: type[_Model], document: bytes, archive: str, member: str) -> _Model:
    """Parse one JSON document.

    Raises:
        InvalidArchive: A field is not valid; archive, member and field are named.
    """
    try:
        return model.model_validate_json(document)
    except WireError as error:
        raise _invalid(error, archive, member) from error


def parse_docker_manifest(document: bytes, archive: str) -> list[DockerImage]:
    """Parse docker's ``manifest.json``: one entry for each image, at least one.

    Raises:
        InvalidArchive: A field is not valid; archive and field are named.
    """
    try:
        return _DOCKER_MANIFEST.validate_json(document)
    except WireError as error:
        raise _invalid(error, archive, "manifest.json") from error


def _invalid(error: WireError, archive: str, member: str) -> InvalidArchive:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    reason = f"{field}: {first['msg']}" if field else first["msg"]
    return InvalidArchive(
        fill(
            _("{archive}: {member}: {reason}."),
            archive=archive,
            member=member,
            reason=printable(reason, 300),
        ),
        _("The file is damaged or not an image archive; create it again with docker save."),
    )
