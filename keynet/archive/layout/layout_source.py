"""Read images and indexes of an OCI layout with their exact bytes, for a copy."""

import json
from collections.abc import Sequence
from typing import Final

from keynet.archive.contents import ArchivedImage
from keynet.archive.json_documents import IndexModel, parse
from keynet.archive.layers import FileLayer
from keynet.archive.layout.image_source import ImageSource, with_oci_types
from keynet.archive.layout.index_json import (
    FULL_NAME,
    REF_NAME,
    blob_path,
    fallback_name,
    is_fallback,
    referrer_of,
)
from keynet.archive.oci_archive import INDEX
from keynet.archive.reader import Archive, choose
from keynet.errors import InvalidArchive, ValidationError
from keynet.oci.content import ContentSource, Root
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.kinds import not_an_image
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.text import _, fill

__all__ = ["LayoutSource", "first_name", "source_in"]

_REFERENCE_TYPE: Final = "vnd.docker.reference.type"
_MANIFESTS: Final = (*MediaType.MANIFESTS, *MediaType.INDEXES)


def source_in(
    archive: Archive, tag: str | None, platform: Platform | None, *, oci_types: bool
) -> ContentSource:
    """Return an open archive as the source of a copy.

    Args:
        tag: The image's name there; None for the only one.
        platform: Of an archive whose manifests are made while it is read.
        oci_types: Give these manifests the OCI's media types, not docker's.

    Raises:
        InvalidArchive: It has no such image, or several and none is named.
    """
    if archive.layout == "oci":
        return LayoutSource(archive, tag)
    one = choose(_named(archive, tag), archive.name, platform=platform)
    return ImageSource(archive.name, with_oci_types(one.image) if oci_types else one.image)


def first_name(archive: Archive, tag: str | None) -> str | None:
    """Return a whole name of the image, else a tag; None: it has none."""
    if not archive.images:
        return tag
    named = _named(archive, tag)
    whole = [name for one in named for name in one.tags]
    return whole[0] if whole else named[0].bare_tag


class LayoutSource:
    """An OCI layout and the image in it that was asked for."""

    def __init__(self, archive: Archive, tag: str | None) -> None:
        self._archive = archive
        self._contents = archive.contents
        self._tag = tag
        self._index = self._contents.document(INDEX)
        model = parse(IndexModel, self._index, archive.name, INDEX)
        self._entries = [self._contents.descriptor(INDEX, each) for each in model.manifests]

    @property
    def name(self) -> str:
        """The path, safe to show."""
        return self._archive.name

    async def root(self, platform: Platform | None, *, everything: bool) -> Root:
        """Find the image or, for everything, the index.

        Raises:
            InvalidArchive: There is none of that name or platform, or several.
        """
        if everything or not self._archive.images:
            return Root(self._top())
        images = _named(self._archive, self._tag)
        one = choose(images, self.name, platform=platform)
        described = Descriptor.of(_type_of(one.image.manifest), one.image.manifest)
        available = tuple(dict.fromkeys(each.platform for each in images))
        return Root(described, one.platform if len(available) > 1 else None, available)

    async def image(self, root: Root) -> Image:
        """Return the image that was found; its layers are read later.

        Raises:
            InvalidArchive: It is an artifact.
        """
        wanted = root.descriptor.digest
        for one in self._archive.images:
            if wanted == wanted.of_same_kind(one.image.manifest):
                return one.image
        error = not_an_image(self.name, root.descriptor.artifact_type or "")
        raise InvalidArchive(error.message, error.hint)

    async def document(self, descriptor: Descriptor) -> bytes:
        """Return the exact bytes of a manifest, or of the layout's own index.

        Raises:
            InvalidArchive: It is missing, or has another digest.
        """
        if descriptor.digest == descriptor.digest.of_same_kind(self._index):
            return self._index
        name = blob_path(descriptor.digest)
        content = self._contents.document(name)
        self._contents.check(name, content, descriptor.digest)
        return content

    def blob(self, descriptor: Descriptor) -> FileLayer:
        """Return a blob, verified while it is read.

        Raises:
            InvalidArchive: It is missing or has another size.
        """
        member = self._contents.members.find(blob_path(descriptor.digest))
        if member.size != descriptor.size:
            raise self._contents.bad(
                member.name,
                fill(
                    _("it has {actual} bytes, its descriptor says {size}"),
                    actual=member.size,
                    size=descriptor.size,
                ),
            )
        return FileLayer(
            descriptor, descriptor.digest, member.name, member.offset, self._contents.source
        )

    async def referrers(self, subject: Digest) -> Sequence[Descriptor]:
        """List what refers to a manifest: under its fallback tag, or in the index itself."""
        found: dict[Digest, Descriptor] = {}
        for entry in self._entries:
            if entry.annotations.get(REF_NAME) == fallback_name(subject):
                content = await self.document(entry)
                model = parse(IndexModel, content, self.name, blob_path(entry.digest))
                listed = [self._contents.descriptor(INDEX, each) for each in model.manifests]
                found |= {each.digest: each for each in listed}
            elif self._subject(entry) == subject:
                found[entry.digest] = entry
        return list(found.values())

    def _top(self) -> Descriptor:
        entries = [
            entry
            for entry in self._entries
            if entry.media_type in _MANIFESTS and not any(map(is_fallback, _names(entry)))
        ]
        if self._tag is not None:
            wanted = {self._tag, _whole(self._tag)}
            entries = [entry for entry in entries if wanted & _names(entry)]
        # What refers to an image is listed beside it, or alone.
        entries = [entry for entry in entries if self._is_image(entry)] or entries
        distinct = {entry.digest: entry for entry in entries}
        if len(distinct) == 1:
            return next(iter(distinct.values()))
        if distinct and self._tag is None and not any(_names(each) for each in entries):
            # Some tools list the platforms of one image right here.
            return Descriptor.of(MediaType.OCI_INDEX, self._index)
        listed = [
            each.annotations.get(REF_NAME) or each.annotations.get(FULL_NAME, "")
            for each in self._entries
        ]
        names = [name for name in listed if name and not is_fallback(name)]
        raise _unnamed(self.name, self._tag, names)

    def _is_image(self, entry: Descriptor) -> bool:
        return (
            not entry.artifact_type
            and not entry.annotations.get(_REFERENCE_TYPE)
            and self._subject(entry) is None
        )

    def _subject(self, entry: Descriptor) -> Digest | None:
        name = blob_path(entry.digest)
        if entry.media_type not in _MANIFESTS or name not in self._contents.members:
            return None
        try:
            found = referrer_of(self._contents.document(name), entry.media_type)
        except ValidationError as error:
            raise self._contents.bad(name, error.message.rstrip(".")) from error
        return found[0] if found is not None else None


def _named(archive: Archive, tag: str | None) -> list[ArchivedImage]:
    images = [one for one in archive.images if not is_fallback(one.bare_tag or "")]
    if tag is not None:
        wanted = _whole(tag)
        images = [
            one
            for one in images
            if tag == one.bare_tag or any(_whole(name) == wanted for name in one.tags)
        ]
    if not images or len({(one.tags, one.bare_tag) for one in images}) > 1:
        names = [name for one in archive.images for name in (*one.tags, one.bare_tag) if name]
        raise _unnamed(archive.name, tag, names)
    return images


def _names(entry: Descriptor) -> set[str]:
    full, name = entry.annotations.get(FULL_NAME), entry.annotations.get(REF_NAME)
    whole = [_whole(each) for each in (full, name) if each and ":" in each]
    return {each for each in (full, name, *whole) if each}


def _whole(name: str) -> str:
    """Return one spelling of a name, as far as it has one."""
    try:
        return str(Reference.parse(name))
    except ValidationError:
        return name


def _type_of(manifest: bytes) -> str:
    media_type = json.loads(manifest).get("mediaType")
    return media_type if isinstance(media_type, str) else MediaType.OCI_MANIFEST


def _unnamed(archive: str, tag: str | None, names: Sequence[str]) -> InvalidArchive:
    message = (
        fill(_("{archive} has several images."), archive=archive)
        if tag is None
        else fill(_("{archive} has no image {tag}."), archive=archive, tag=tag)
    )
    return InvalidArchive(
        message,
        fill(
            _("Add a name after the path: {names}."),
            names=", ".join(dict.fromkeys(names)) or _("it has none"),
        ),
    )
