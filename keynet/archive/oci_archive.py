"""OCI image layouts in a tar: ``index.json`` and blobs named by digest.

docker save writes this layout since version 25, in addition to its own ``manifest.json``.

Source: OCI image-spec, "Image Layout".
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from keynet.archive.contents import ArchivedImage, Contents
from keynet.archive.json_documents import ConfigModel, IndexModel, ManifestModel, parse
from keynet.archive.layers import FileLayer
from keynet.archive.tar import Member
from keynet.errors import InvalidArchive
from keynet.frozen import frozen
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.index_entries import may_be_image
from keynet.oci.kinds import foreign_type, is_foreign_layer
from keynet.oci.reference import is_tag
from keynet.text import _, fill

__all__ = ["INDEX", "Layout", "ListedImage", "read_oci"]

INDEX: Final = "index.json"

_DEEPEST_INDEX: Final = 4
_MOST_MANIFESTS: Final = 1_000
_REF_NAME: Final = "org.opencontainers.image.ref.name"
_FULL_NAME: Final = "io.containerd.image.name"


@frozen
class ListedImage:
    """An image with the names that ``index.json`` has for it.

    ``tops`` are the entries of ``index.json`` that lead to it: what has one in common with it is
    the same image for another platform.
    """

    image: ArchivedImage
    config: Digest
    tops: tuple[Digest, ...]


@frozen
class Layout:
    """What ``index.json`` leads to.

    ``missing`` is the error of an image that was left out because its blobs are not here;
    ``hollow`` are configs whose manifest lists no layers although there are some; ``artifact`` is
    the type of something that is not an image.
    """

    images: tuple[ListedImage, ...]
    missing: InvalidArchive | None
    hollow: frozenset[Digest]
    artifact: str | None


@frozen
class _Found:
    """A manifest reached from index.json, with digest and names of its top-level entry."""

    descriptor: Descriptor
    top: Digest
    tags: tuple[str, ...]
    bare_tag: str | None


def read_oci(contents: Contents, *, hollow_allowed: bool = False) -> Layout:
    """Return every image reachable from ``index.json``, in the order of the indexes.

    Attestations and other artifacts are skipped, and so are images of a multi-platform index
    whose blobs are not in the archive, as in archives of docker save.

    Args:
        hollow_allowed: ``manifest.json`` stands in for manifests that docker 25.0 wrote without
            their layers.

    Raises:
        InvalidArchive: A member, which is named, is missing, damaged or has another digest.

    Source: moby/moby#47065, moby/moby#47210.
    """
    top = parse(IndexModel, contents.document(INDEX), contents.name, INDEX)
    images: dict[Digest, ListedImage] = {}
    missing: InvalidArchive | None = None
    hollow: set[Digest] = set()
    artifact: str | None = None
    for found in _manifests(contents, top, None, 0, set()):
        digest = found.descriptor.digest
        try:
            read = _image(contents, found, hollow_allowed=hollow_allowed)
        except _MissingBlobError as error:
            missing = missing or error
            continue
        except _HollowError as error:
            hollow.add(error.config)
            continue
        if isinstance(read, ListedImage):
            before = images.get(digest)
            images[digest] = read if before is None else _merged(before, read)
        else:
            artifact = artifact or read
    return Layout(tuple(images.values()), missing, frozenset(hollow), artifact)


class _MissingBlobError(InvalidArchive):
    """A blob that a manifest lists is not in the archive."""


class _HollowError(Exception):
    """A manifest has no layers, its config has."""

    def __init__(self, config: Digest) -> None:
        super().__init__()
        self.config = config


def _merged(before: ListedImage, again: ListedImage) -> ListedImage:
    one, other = before.image, again.image
    tags = tuple(dict.fromkeys((*one.tags, *other.tags)))
    image = replace(one, tags=tags, bare_tag=one.bare_tag or other.bare_tag)
    return replace(before, image=image, tops=(*before.tops, *again.tops))


def _manifests(
    contents: Contents,
    listed: IndexModel,
    named: _Found | None,
    depth: int,
    seen: set[tuple[Digest, tuple[str, ...]]],
) -> Iterator[_Found]:
    for model in listed.manifests:
        descriptor = contents.descriptor(INDEX, model)
        if not may_be_image(descriptor):
            continue
        tags, bare_tag = _names(contents, descriptor) if named is None else ((), None)
        if named is not None:
            tags, bare_tag = named.tags, named.bare_tag
        top = descriptor.digest if named is None else named.top
        found = _Found(descriptor, top, tags, bare_tag)
        if (descriptor.digest, tags) in seen:
            continue
        seen.add((descriptor.digest, tags))
        if len(seen) > _MOST_MANIFESTS:
            raise contents.bad(
                INDEX, fill(_("it lists more than {most} manifests"), most=_MOST_MANIFESTS)
            )
        if descriptor.media_type not in MediaType.INDEXES:
            yield found
        elif depth == _DEEPEST_INDEX:
            raise contents.bad(_blob_name(descriptor.digest), _("indexes are nested too deeply"))
        elif _blob_name(descriptor.digest) in contents.members:
            document = _document(contents, descriptor)
            nested = parse(IndexModel, document, contents.name, _blob_name(descriptor.digest))
            yield from _manifests(contents, nested, found, depth + 1, seen)
        else:
            yield found


def _image(contents: Contents, found: _Found, *, hollow_allowed: bool) -> ListedImage | str | None:
    """Return the image, the type of what is not one, or None for an attestation."""
    if found.descriptor.media_type not in MediaType.MANIFESTS:
        # Only a missing index gets here with the type of an index.
        _blob(contents, found.descriptor)
        return None
    name = _blob_name(found.descriptor.digest)
    document = _document(contents, found.descriptor)
    manifest = parse(ManifestModel, document, contents.name, name)
    if manifest.media_type not in (None, found.descriptor.media_type):
        raise contents.bad(name, _("its mediaType is not the one in its index"))
    config = contents.descriptor(name, manifest.config)
    descriptors = [contents.descriptor(name, model) for model in manifest.layers]
    foreign = foreign_type(config, descriptors)
    if foreign is not None:
        return manifest.artifact_type or foreign
    config_document = _document(contents, config)
    model = parse(ConfigModel, config_document, contents.name, _blob_name(config.digest))
    if hollow_allowed and not descriptors and model.rootfs.diff_ids:
        raise _HollowError(config.digest)
    layers = _layers(contents, name, descriptors, model)
    platform = found.descriptor.platform or model.platform()
    if platform.is_unknown:
        return None
    image = Image(document, config_document, layers)
    archived = ArchivedImage(image, platform, found.tags, found.bare_tag)
    return ListedImage(archived, config.digest, (found.top,))


def _layers(
    contents: Contents, name: str, descriptors: list[Descriptor], config: ConfigModel
) -> tuple[FileLayer, ...]:
    diff_ids = [contents.digest(name, text) for text in config.rootfs.diff_ids or ()]
    if len(descriptors) != len(diff_ids):
        raise contents.bad(
            name,
            fill(
                _("its config has {diff_ids} diff ids for {layers} layers"),
                diff_ids=len(diff_ids),
                layers=len(descriptors),
            ),
        )
    layers = []
    for descriptor, diff_id in zip(descriptors, diff_ids, strict=True):
        member = _blob(contents, descriptor)
        layers.append(FileLayer(descriptor, diff_id, member.name, member.offset, contents.source))
    return tuple(layers)


def _names(contents: Contents, descriptor: Descriptor) -> tuple[tuple[str, ...], str | None]:
    full = descriptor.annotations.get(_FULL_NAME)
    name = descriptor.annotations.get(_REF_NAME)
    bare = name if name is not None and is_tag(name) else None
    if full:
        return (contents.tag(INDEX, full),), bare
    if name and bare is None:
        return (contents.tag(INDEX, name),), None
    return (), bare


def _document(contents: Contents, descriptor: Descriptor) -> bytes:
    member = _blob(contents, descriptor)
    content = contents.document(member.name)
    contents.check(member.name, content, descriptor.digest)
    return content


def _blob(contents: Contents, descriptor: Descriptor) -> Member:
    name = _blob_name(descriptor.digest)
    if name not in contents.members:
        if is_foreign_layer(descriptor):
            raise contents.foreign(name)
        raise _MissingBlobError(
            fill(
                _("{archive}: {member}: the archive has no such member."),
                archive=contents.name,
                member=name,
            ),
            _("The file is incomplete; create it again."),
        )
    member = contents.members.find(name)
    if member.size != descriptor.size:
        raise contents.bad(
            name,
            fill(
                _("it has {actual} bytes, its descriptor says {size}"),
                actual=member.size,
                size=descriptor.size,
            ),
        )
    return member


def _blob_name(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"
