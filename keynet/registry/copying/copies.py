"""Copy an image from anywhere to anywhere: registries, OCI folders and archives, one call."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from keynet.archive.location import Location
from keynet.archive.writer import write_archive
from keynet.errors import UsageError, ValidationError
from keynet.events import BlobAdvanced, BlobFinished, BlobStarted, Emit, Notice, ignore
from keynet.oci.content import ContentSource, Root
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Layer
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.auth.credential_sources import Auth, Credential
from keynet.registry.client import CaCert
from keynet.registry.config import RegistryConfig
from keynet.registry.copying.copy_ends import Remote, opened_source, opened_target, parse_place
from keynet.registry.transfer.copy_image import copy_tree
from keynet.text import _, fill

__all__ = ["CopiedImage", "copy_image"]


@dataclass(frozen=True, slots=True)
class CopiedImage:
    """What was copied: ``digest`` of an image or index, as the target has it.

    ``platform`` is the one that was chosen from an index. ``manifests`` counts images and
    indexes, ``referrers`` what refers to them.
    """

    source: str
    destination: str
    digest: str
    media_type: str
    platform: str | None = None
    manifests: int = 1
    referrers: int = 0


async def copy_image(
    source: str | Path,
    destination: str | Path,
    *,
    platform: Platform | None = None,
    all_platforms: bool = False,
    referrers: bool = False,
    auth: Auth | None = None,
    source_auth: Auth | None = None,
    ca_cert: CaCert = None,
    insecure: bool = False,
    timeout: float = 300,  # noqa: ASYNC109 - of one read or write, not of the whole call
    emit: Emit = ignore,
) -> CopiedImage:
    """Copy an image, streamed, with every byte and digest as it is.

    What the destination has is not sent; in the same registry blobs are mounted. A name in the
    destination is written last: a copy that fails leaves it as it was.

    Args:
        source: ``[SCHEME://]HOST/REPOSITORY[:TAG][@DIGEST]``, ``oci:DIR[:TAG]``,
            ``oci-archive:FILE[:TAG]``, ``docker-archive:FILE[:REFERENCE]``, or the path of an
            archive or folder that exists.
        destination: Likewise, but for the bare path. A registry's tag is ``latest`` by default;
            an image in a file or folder keeps the source's name. ``docker-archive`` is converted
            as ``pull_image`` does: config and diff ids stay, layers are uncompressed.
        platform: Which of an index; linux/amd64 by default, or the only one.
        all_platforms: Copy an index with all its images.
        referrers: Copy signatures, SBOMs and other manifests that refer to what is copied too.
        auth: Credentials for the destination's registry, as for the other functions.
        source_auth: Credentials for the source's registry; by default ``auth``, unless that is a
            user and password for another registry.

    Raises:
        UsageError: Source or destination cannot be understood, or options contradict each other.
        NotFound: The source has no such image, or none for the platform.
        InvalidArchive: The source's file is not an image archive, or has no such image.
        DigestMismatch: The source has other bytes than it announces.
        ValidationError: The destination is named by the digest of another manifest.
        KeynetError: The destination cannot be written.
    """
    origin = parse_place(str(source), reading=True, insecure=insecure)
    target = parse_place(str(destination), reading=False, insecure=insecure)
    _check(origin, target, platform, all_platforms=all_platforms, referrers=referrers)
    if source_auth is None and _serves_source(auth, origin, target):
        source_auth = auth
    reading = RegistryConfig(_url(origin), timeout, source_auth, ca_cert, insecure)
    writing = RegistryConfig(_url(target), timeout, auth, ca_cert, insecure)
    oci_types = isinstance(target, Location)
    async with opened_source(origin, reading, platform, oci_types=oci_types) as (found, name):
        root = await found.root(platform, everything=all_platforms)
        _announce(origin, root, target, emit)
        if isinstance(target, Location) and target.kind == "docker-archive":
            return await _to_docker_archive(found, target, root, name, emit)
        if isinstance(target, Remote):
            _check_digest(target.reference, root.descriptor)
        async with opened_target(target, writing, emit) as into:
            tree = await copy_tree(
                found,
                into,
                root.descriptor,
                name=_name_in(target, name),
                referrers=referrers,
                emit=emit,
            )
        return CopiedImage(
            str(source),
            _shown(target),
            str(tree.root.descriptor.digest),
            tree.root.descriptor.media_type,
            str(root.chosen) if root.chosen is not None else None,
            tree.manifests,
            tree.referrers,
        )


async def _to_docker_archive(
    source: ContentSource,
    target: Location,
    root: Root,
    name: str | None,
    emit: Emit,
) -> CopiedImage:
    image = await source.image(root)
    whole = name if name is not None and ":" in name else None
    watched = replace(image, layers=tuple(_ReportingLayer(layer, emit) for layer in image.layers))
    await write_archive(target.path, watched, layout="docker", name=target.name or whole)
    return CopiedImage(
        source.name,
        target.text,
        str(Digest.of(image.manifest)),
        root.descriptor.media_type,
        str(root.chosen) if root.chosen is not None else None,
    )


def _check(
    source: Remote | Location,
    target: Remote | Location,
    platform: Platform | None,
    *,
    all_platforms: bool,
    referrers: bool,
) -> None:
    if all_platforms and platform is not None:
        raise UsageError(
            _("One platform and all platforms contradict each other."),
            _("Pass --platform or --all, not both."),
        )
    if _is_docker(target) and (all_platforms or referrers):
        raise UsageError(
            _("A docker archive has one platform and no referrers."),
            _("Copy to oci-archive:FILE or oci:DIR, which have both."),
        )
    if isinstance(target, Location) and isinstance(source, Location):
        same = target.path.exists() and source.path.exists() and target.path.samefile(source.path)
        if same and not target.is_folder:
            raise UsageError(
                fill(_("Source and destination are the same file: {path}."), path=target.path),
                _("Choose another path for the destination."),
            )


def _announce(source: Remote | Location, root: Root, target: Remote | Location, emit: Emit) -> None:
    """Say what the user may not expect: one platform of several, and a conversion."""
    if root.chosen is not None and len(root.available) > 1:
        emit(
            Notice(
                fill(
                    _("Only {platform} of {count} platforms is copied; --all copies all."),
                    platform=root.chosen,
                    count=len(root.available),
                ),
                "note",
            )
        )
    docker_types = (MediaType.DOCKER_MANIFEST, MediaType.DOCKER_LIST)
    if isinstance(target, Location) and not _is_docker(target):
        if root.descriptor.media_type in docker_types:
            emit(
                Notice(
                    _(
                        "The manifest stays docker's, so its digest stays too: crane, regctl and "
                        "keynet read it from an OCI layout, skopeo and podman do not."
                    ),
                    "note",
                )
            )
    elif _is_docker(target):
        emit(
            Notice(
                _(
                    "A docker archive has no manifest: config and layers stay, but compressed "
                    "layers are stored uncompressed and a later push gives another digest."
                ),
                "note",
            )
        )


def _check_digest(target: Reference, root: Descriptor) -> None:
    if target.digest is not None and target.digest != root.digest:
        raise ValidationError(
            fill(
                _("{target} cannot be written: what is copied has the digest {digest}."),
                target=target,
                digest=root.digest,
            ),
            _("Name the destination by a tag."),
        )


def _name_in(target: Remote | Location, name: str | None) -> str | None:
    """Return the name of the image in the target."""
    if isinstance(target, Location):
        if target.name is not None or name is None:
            return target.name
        # A folder's images are named by tags, an archive's by what engines load them as.
        return name.rpartition(":")[2] if target.is_folder else name
    if target.reference.tag is not None or target.reference.digest is not None:
        return target.reference.tag
    return "latest"


def _is_docker(place: Remote | Location) -> bool:
    return isinstance(place, Location) and place.kind == "docker-archive"


def _shown(target: Remote | Location) -> str:
    if isinstance(target, Location):
        return target.text
    reference = target.reference
    named = reference.tag is not None or reference.digest is not None
    return str(reference if named else reference.with_tag("latest"))


def _registry(place: Remote | Location) -> str | None:
    return place.reference.registry if isinstance(place, Remote) else None


def _serves_source(auth: Auth | None, source: Remote | Location, target: Remote | Location) -> bool:
    """Report whether the credentials may go to the source's registry too.

    Sources name the registry that each credential is for; a user and a password do not.
    """
    if isinstance(auth, Credential) or (isinstance(auth, tuple) and isinstance(auth[0], str)):
        return isinstance(target, Location) or _registry(source) == _registry(target)
    return True


def _url(place: Remote | Location) -> str:
    return place.url if isinstance(place, Remote) else "localhost"


@dataclass(frozen=True, slots=True)
class _ReportingLayer:
    """A layer that emits how far it has been read."""

    layer: Layer
    emit: Emit = field(repr=False)

    @property
    def descriptor(self) -> Descriptor:
        return self.layer.descriptor

    @property
    def diff_id(self) -> Digest:
        return self.layer.diff_id

    @property
    def origin(self) -> Reference | None:
        return self.layer.origin

    async def chunks(self) -> AsyncIterator[bytes]:
        blob, position = str(self.descriptor.digest), 0
        self.emit(BlobStarted(blob, self.descriptor.size))
        async for chunk in self.layer.chunks():
            position += len(chunk)
            self.emit(BlobAdvanced(blob, position))
            yield chunk
        self.emit(BlobFinished(blob))
