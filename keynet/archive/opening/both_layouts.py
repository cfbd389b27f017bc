"""Archives that have docker's ``manifest.json`` and an OCI ``index.json``: one answer to both.

docker save writes both since version 25. docker reads the one, OCI tools the other: an archive in
which they name different images would be checked as one image and run as another.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from keynet.archive.compression import MAGIC, decompressed, sniff
from keynet.archive.contents import ArchivedImage, Contents
from keynet.archive.docker_archive import MANIFEST, docker_config, docker_entries
from keynet.archive.layers import FileLayer
from keynet.archive.oci_archive import Layout, ListedImage
from keynet.errors import InvalidArchive
from keynet.frozen import frozen
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.text import _, fill

__all__ = ["combine"]


@frozen
class _Entry:
    """An image of ``manifest.json``: its config's digest, its tags, its layers' members."""

    config: Digest
    tags: tuple[str, ...]
    layers: tuple[str, ...]


def combine(contents: Contents, layout: Layout) -> list[ArchivedImage] | None:
    """Return the images of ``index.json`` with the tags of ``manifest.json``.

    Images that ``manifest.json`` lists come first, in its order: docker loads those alone.

    Returns:
        None where ``manifest.json`` alone is whole.

    Raises:
        InvalidArchive: The two contradict each other; what differs is named.
    """
    entries = [
        _Entry(
            Digest.of(docker_config(contents, entry)),
            tuple(contents.tag(MANIFEST, tag) for tag in entry.repo_tags or ()),
            tuple(entry.layers or ()),
        )
        for entry in docker_entries(contents)
    ]
    if not layout.images and layout.artifact is None:
        return None
    for entry in entries:
        _compare_tags(contents, entry, layout)
        _compare_layers(contents, entry, layout)
    if layout.hollow:
        return None
    return _in_dockers_order(entries, layout.images)


def _compare_tags(contents: Contents, entry: _Entry, layout: Layout) -> None:
    for tag in entry.tags:
        name = Reference.parse(tag)
        others = [
            listed.config
            for listed in layout.images
            if name in [Reference.parse(other) for other in listed.image.tags]
        ]
        if others and entry.config not in (*others, *layout.hollow):
            raise _contradiction(contents, tag, entry.config, others)


def _compare_layers(contents: Contents, entry: _Entry, layout: Layout) -> None:
    same = [listed for listed in layout.images if listed.config == entry.config]
    if not same and entry.config not in layout.hollow:
        name = entry.tags[0] if entry.tags else _("the image")
        raise _contradiction(contents, name, entry.config, [each.config for each in layout.images])
    for listed in same:
        layers = listed.image.image.layers
        if len(layers) != len(entry.layers):
            raise contents.bad(
                MANIFEST,
                fill(
                    _("it lists {docker} layers where index.json leads to {oci}"),
                    docker=len(entry.layers),
                    oci=len(layers),
                ),
            )
        for path, layer in zip(entry.layers, layers, strict=True):
            assert isinstance(layer, FileLayer)
            member = contents.members.find(path)
            if member.offset != layer.offset:
                # The same layer twice, plain and compressed, or two different ones.
                _check_opened(contents, path, layer.diff_id)


def _check_opened(contents: Contents, path: str, diff_id: Digest) -> None:
    member = contents.members.find(path)
    hasher = hashlib.new(diff_id.algorithm)
    head = contents.source.read(member.offset, min(MAGIC, member.size))
    blocks = contents.source.blocks(member.offset, member.size)
    for piece in decompressed(blocks, sniff(head), f"{contents.name}: {path}"):
        hasher.update(piece)
    if hasher.hexdigest() != diff_id.hex:
        raise contents.bad(
            MANIFEST, fill(_("its layer {path} is not the one of index.json"), path=path)
        )


def _in_dockers_order(
    entries: Sequence[_Entry], images: Sequence[ListedImage]
) -> list[ArchivedImage]:
    """Assign docker's tags to each image: its own, or those of the image for another platform."""
    numbers: dict[Digest, int] = {}
    tags: dict[Digest, tuple[str, ...]] = {}
    for number, entry in enumerate(entries):
        numbers.setdefault(entry.config, number)
        tags[entry.config] = tuple(dict.fromkeys((*tags.get(entry.config, ()), *entry.tags)))

    def relatives(one: ListedImage) -> list[ListedImage]:
        if one.config in numbers:
            return [one]
        return [other for other in images if not set(one.tops).isdisjoint(other.tops)]

    def place(one: ListedImage) -> int:
        return min(numbers.get(other.config, len(entries)) for other in relatives(one))

    def tagged(one: ListedImage) -> ArchivedImage:
        own = [tag for other in relatives(one) for tag in tags.get(other.config, ())]
        return replace(one.image, tags=tuple(dict.fromkeys(own)) or one.image.tags)

    return [tagged(one) for one in sorted(images, key=place)]


def _contradiction(
    contents: Contents, name: str, config: Digest, others: Sequence[Digest]
) -> InvalidArchive:
    return InvalidArchive(
        fill(
            _(
                "{archive}: manifest.json and index.json contradict each other: {name} has the "
                "config {config} in the one and {others} in the other."
            ),
            archive=contents.name,
            name=name,
            config=config,
            others=", ".join(map(str, others[:3])) or _("none"),
        ),
        _("docker would load one image and other tools another. Create the archive again."),
    )
