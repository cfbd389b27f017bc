"""Copy between two places that are understood: with a configuration for each end."""

from dataclasses import replace

from keynet.archive.layout.watched import WatchedLayer
from keynet.archive.location import Location
from keynet.archive.writer import write_archive
from keynet.errors import UsageError, ValidationError
from keynet.events import Emit, Notice, ignore
from keynet.frozen import frozen
from keynet.oci.content import ContentSource, Root
from keynet.oci.descriptor import Descriptor, MediaType
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.registry.config import RegistryConfig
from keynet.registry.copying.copy_ends import Remote, opened_source, opened_target
from keynet.registry.transfer.copy_image import copy_tree
from keynet.text import _, fill

__all__ = ["CopiedImage", "copy_between"]


@frozen
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


async def copy_between(
    source: Remote | Location,
    target: Remote | Location,
    *,
    reading: RegistryConfig,
    writing: RegistryConfig,
    platform: Platform | None = None,
    all_platforms: bool = False,
    referrers: bool = False,
    emit: Emit = ignore,
) -> CopiedImage:
    """Copy an image; see ``keynet.registry.copy_image``.

    Args:
        reading: How to reach the source's registry, if it is one.
        writing: How to reach the destination's.
    """
    _check(source, target, platform, all_platforms=all_platforms, referrers=referrers)
    oci_types = isinstance(target, Location)
    async with opened_source(source, reading, platform, oci_types=oci_types) as (found, name):
        root = await found.root(platform, everything=all_platforms)
        _announce(root, target, emit)
        copied = CopiedImage(
            _shown(source),
            _shown(target),
            str(root.descriptor.digest),
            root.descriptor.media_type,
            str(root.chosen) if root.chosen is not None else None,
        )
        if isinstance(target, Location) and target.kind == "docker-archive":
            await _to_docker_archive(found, target, root, name, emit)
            return copied
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
        return replace(copied, manifests=tree.manifests, referrers=tree.referrers)


async def _to_docker_archive(
    source: ContentSource,
    target: Location,
    root: Root,
    name: str | None,
    emit: Emit,
) -> None:
    image = await source.image(root)
    whole = name if name is not None and ":" in name else None
    watched = replace(image, layers=tuple(WatchedLayer(layer, emit) for layer in image.layers))
    await write_archive(target.path, watched, layout="docker", name=target.name or whole)


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


def _announce(root: Root, target: Remote | Location, emit: Emit) -> None:
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
    if root.made and not _is_docker(target):
        emit(
            Notice(
                _(
                    "The archive has no manifest, so one is made: config and layers stay as they "
                    "are. keynet image push compresses layers."
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
