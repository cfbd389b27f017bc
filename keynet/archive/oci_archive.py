"""OCI image layouts in a tar: ``index.json`` and blobs named by digest.

docker save writes this layout since version 25, in addition to its own ``manifest.json``.

Source: OCI image-spec, "Image Layout".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from keynet.archive.contents import ArchivedImage, Contents
from keynet.archive.json_documents import (
    ConfigModel,
    IndexModel,
    ManifestModel,
    parse,
    parse_docker_manifest,
)
from keynet.archive.layers import FileLayer
from keynet.archive.tar import Member
from keynet.errors import InvalidArchive
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.index_entries import may_be_image
from keynet.oci.reference import is_tag
from keynet.text import _, fill

__all__ = ["INDEX", "read_oci"]

INDEX: Final = "index.json"

_DEEPEST_INDEX: Final = 4
_MOST_MANIFESTS: Final = 1_000
_REF_NAME: Final = "org.opencontainers.image.ref.name"
_FULL_NAME: Final = "io.containerd.image.name"


@dataclass(frozen=True, slots=True)
class _Found:
    """A manifest reached from index.json, with the names of its top-level entry."""

    descriptor: Descriptor
    tags: tuple[str, ...]
    bare_tag: str | None


def read_oci(contents: Contents) -> list[ArchivedImage]:
    """Return every image reachable from ``index.json``, in the order of the indexes.

    Attestations and other artifacts are skipped, and so are images of a multi-platform index
    whose blobs are not in the archive, as in archives of docker save.

    Raises:
        InvalidArchive: A member, which is named, is missing, damaged or has another digest.
    """
    top = parse(IndexModel, contents.document(INDEX), contents.name, INDEX)
    docker_tags = _docker_tags(contents)
    images: dict[Digest, ArchivedImage] = {}
    missing: InvalidArchive | None = None
    for found in _manifests(contents, top, None, 0, set()):
        digest = found.descriptor.digest
        try:
            read = _image(contents, found, docker_tags)
        except _MissingBlob as error:
            missing = missing or error
            continue
        if read is None:
            continue
        before = images.get(digest)
        if before is not None:
            tags = (*before.tags, *(tag for tag in read.tags if tag not in before.tags))
            read = ArchivedImage(read.image, read.platform, tags, before.bare_tag or read.bare_tag)
        images[digest] = read
    if not images and missing is not None:
        raise missing
    return list(images.values())


class _MissingBlob(InvalidArchive):
    """A blob that a manifest lists is not in the archive."""


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
        found = _Found(descriptor, tags, bare_tag)
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


def _image(
    contents: Contents, found: _Found, docker_tags: dict[Digest, tuple[str, ...]]
) -> ArchivedImage | None:
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
    if config.media_type not in MediaType.CONFIGS:
        return None
    config_document = _document(contents, config)
    model = parse(ConfigModel, config_document, contents.name, _blob_name(config.digest))
    layers = _layers(contents, name, manifest, model)
    platform = found.descriptor.platform or model.platform()
    if platform.is_unknown:
        return None
    tags = docker_tags.get(config.digest) or found.tags
    return ArchivedImage(Image(document, config_document, layers), platform, tags, found.bare_tag)


def _layers(
    contents: Contents, name: str, manifest: ManifestModel, config: ConfigModel
) -> tuple[FileLayer, ...]:
    descriptors = [contents.descriptor(name, model) for model in manifest.layers]
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


def _docker_tags(contents: Contents) -> dict[Digest, tuple[str, ...]]:
    """Return the tags in docker's manifest.json, if present, by config."""
    tags: dict[Digest, tuple[str, ...]] = {}
    if "manifest.json" not in contents.members:
        return tags
    for entry in parse_docker_manifest(contents.document("manifest.json"), contents.name):
        algorithm, _slash, hex_ = entry.config.removeprefix("blobs/").partition("/")
        if entry.config.startswith("blobs/") and entry.repo_tags:
            digest = contents.digest("manifest.json", f"{algorithm}:{hex_}")
            tags[digest] = tuple(contents.tag("manifest.json", tag) for tag in entry.repo_tags)
    return tags


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
        raise _MissingBlob(
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
