"""Archives of docker save and podman save: ``manifest.json`` lists the images.

Source: docker image spec v1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

import hashlib
import re
from typing import Final

from keynet.archive.compression import MAGIC, Compression, sniff
from keynet.archive.contents import ArchivedImage, Contents
from keynet.archive.json_documents import ConfigModel, DockerImage, parse, parse_docker_manifest
from keynet.archive.layers import FileLayer
from keynet.archive.tar import Member
from keynet.errors import InvalidArchive
from keynet.oci.descriptor import Descriptor, Digest, MediaType
from keynet.oci.image import Image
from keynet.oci.manifest import layer_type, render_manifest
from keynet.text import _, fill

__all__ = ["MANIFEST", "docker_config", "docker_entries", "read_docker"]

MANIFEST: Final = "manifest.json"

# kaniko and crane name a config by its whole digest.
_HEX: Final = re.compile(r"(?:^|/|^sha256:)([0-9a-f]{64})(?:\.json|\.tar)?$")


def read_docker(contents: Contents) -> list[ArchivedImage]:
    """Return every image that ``manifest.json`` lists, in its order.

    The archive holds no registry manifest: docker's is generated, or an OCI manifest if a layer
    is compressed with zstd.

    Raises:
        InvalidArchive: A member, which is named, is missing, damaged or has another digest.
    """
    entries = docker_entries(contents)
    known: dict[str, tuple[Compression, Digest | None]] = {}
    return [_image(contents, entry, known) for entry in entries]


def docker_entries(contents: Contents) -> list[DockerImage]:
    """Return the entries of ``manifest.json``.

    Raises:
        InvalidArchive: It is not docker's list of images.
    """
    document = contents.document(MANIFEST)
    if document.lstrip()[:1] == b"{":
        # skopeo's "dir:" has the manifest of a registry under this name.
        error = contents.bad(
            MANIFEST,
            _("it is the manifest of one image (skopeo's dir: format), not docker's list"),
        )
        hint = _("Write another format, for example: skopeo copy dir:FOLDER oci:OTHER:1")
        raise InvalidArchive(error.message, hint)
    return parse_docker_manifest(document, contents.name)


def docker_config(contents: Contents, entry: DockerImage) -> bytes:
    """Return an image's config, checked against the digest in its name.

    Raises:
        InvalidArchive: It is missing, too large, or has another digest.
    """
    config = contents.document(entry.config)
    named = _HEX.search(entry.config)
    if named is not None:
        contents.check(entry.config, config, Digest("sha256", named[1]))
    return config


def _image(
    contents: Contents,
    entry: DockerImage,
    known: dict[str, tuple[Compression, Digest | None]],
) -> ArchivedImage:
    config = docker_config(contents, entry)
    model = parse(ConfigModel, config, contents.name, entry.config)
    diff_ids = [contents.digest(MANIFEST, text) for text in model.rootfs.diff_ids or ()]
    paths = entry.layers or []
    if len(paths) != len(diff_ids):
        raise contents.bad(
            entry.config,
            fill(
                _("it has {diff_ids} diff ids for {layers} layers"),
                diff_ids=len(diff_ids),
                layers=len(paths),
            ),
        )
    found = [
        _layer(contents, path, known, foreign=str(diff_id) in (entry.layer_sources or {}))
        for path, diff_id in zip(paths, diff_ids, strict=True)
    ]
    zstd = any(compression is Compression.ZSTD for _member, compression, _digest in found)
    family = MediaType.OCI_MANIFEST if zstd else MediaType.DOCKER_MANIFEST
    layers = []
    for (member, compression, digest), diff_id in zip(found, diff_ids, strict=True):
        media_type = layer_type(family, compression.value)
        descriptor = Descriptor(media_type, digest or diff_id, member.size)
        layers.append(FileLayer(descriptor, diff_id, member.name, member.offset, contents.source))
    config_type = MediaType.OCI_CONFIG if zstd else MediaType.DOCKER_CONFIG
    manifest = render_manifest(
        family, Descriptor.of(config_type, config), [layer.descriptor for layer in layers]
    )
    return ArchivedImage(
        Image(manifest, config, tuple(layers)),
        model.platform(),
        tuple(contents.tag(MANIFEST, tag) for tag in entry.repo_tags or ()),
    )


def _layer(
    contents: Contents,
    path: str,
    known: dict[str, tuple[Compression, Digest | None]],
    *,
    foreign: bool,
) -> tuple[Member, Compression, Digest | None]:
    """Return a layer's member, compression, and digest if that differs from the diff id."""
    if foreign and path not in contents.members:
        raise contents.foreign(path)
    member = contents.members.find(path)
    compression, digest = _identify(contents, member, known)
    if compression in (Compression.XZ, Compression.BZIP2):
        reason = fill(
            _("the layer is compressed with {compression}, which registries do not know"),
            compression=compression.value,
        )
        hint = _("Load the image with docker or podman and save it again.")
        raise InvalidArchive(contents.bad(path, reason).message, hint)
    return member, compression, digest


def _identify(
    contents: Contents, member: Member, known: dict[str, tuple[Compression, Digest | None]]
) -> tuple[Compression, Digest | None]:
    """Return a layer's compression, and its digest if that differs from the diff id."""
    if member.name not in known:
        head = contents.source.read(member.offset, min(MAGIC, member.size))
        compression = sniff(head)
        digest = None
        if compression is not Compression.NONE:
            hasher = hashlib.sha256()
            for block in contents.source.blocks(member.offset, member.size):
                hasher.update(block)
            digest = Digest("sha256", hasher.hexdigest())
        known[member.name] = compression, digest
    return known[member.name]
