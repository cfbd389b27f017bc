"""Check whole archives, and derive docker's ``manifest.json`` for them."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from keynet.archive.compression import Decompressor, sniff
from keynet.archive.contents import ArchivedImage
from keynet.archive.docker_archive import MANIFEST
from keynet.archive.layers import FileLayer
from keynet.archive.reader import Archive
from keynet.errors import InvalidArchive
from keynet.oci.descriptor import Digest
from keynet.oci.kinds import LAYER_TYPES
from keynet.oci.validate import Decompress, LayerCheck, document_problems
from keynet.text import _, fill

__all__ = ["check_archive", "decompressors", "docker_entries"]

_MOST_BRACKETS: Final = 100_000


def check_archive(path: str | Path) -> list[str]:
    """Read every byte of an archive and list its problems, as texts for people.

    Returns:
        An empty list for a valid archive.

    Raises:
        ArchiveNotFound: There is no such file.
        InvalidArchive: It is not an image archive at all, or is malicious.
    """
    with Archive(path) as archive:
        found: list[str] = []
        checked: set[tuple[Digest, Digest]] = set()
        for one in archive.images:
            found += document_problems(one.image)
            found += _layer_problems(archive, one, checked)
        return found


def docker_entries(archive: Archive) -> list[dict[str, Any]]:
    """Return the entries of docker's ``manifest.json``: Config, RepoTags, Layers.

    For an OCI archive without that file, return the entries that docker would write.

    Raises:
        InvalidArchive: The document has more brackets than any real image archive.
    """
    document = archive.docker_manifest()
    if document is None:
        return [
            {
                "Config": _blob_name(Digest.of(one.image.config)),
                "RepoTags": list(one.tags),
                "Layers": [_blob_name(layer.descriptor.digest) for layer in one.image.layers],
            }
            for one in archive.images
        ]
    # In memory a Python list or dict takes thirty times the bytes of its brackets.
    if document.count(b"[") + document.count(b"{") > _MOST_BRACKETS:
        raise InvalidArchive(
            fill(
                _("{archive}: {member}: it has too many brackets."),
                archive=archive.name,
                member=MANIFEST,
            )
        )
    entries: list[dict[str, Any]] = json.loads(document)
    return entries


def decompressors(name: str) -> dict[str, Callable[[], Decompress]]:
    """Return decompressors by layer type, for ``oci.validate.problems``.

    Each goes by the layer's first bytes, as engines do, and not by the type.
    """

    def sniffing() -> Decompress:
        inner: Decompressor | None = None

        def feed(block: bytes) -> Iterable[bytes]:
            nonlocal inner
            inner = inner or Decompressor(sniff(block), name)
            return inner.feed(block)

        return feed

    return dict.fromkeys(LAYER_TYPES, sniffing)


def _blob_name(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _layer_problems(
    archive: Archive, one: ArchivedImage, checked: set[tuple[Digest, Digest]]
) -> list[str]:
    found: list[str] = []
    for layer in one.image.layers:
        assert isinstance(layer, FileLayer)
        key = (layer.descriptor.digest, layer.diff_id)
        if key in checked:
            continue
        checked.add(key)
        name = f"{archive.name}: {layer.member}"
        check = LayerCheck(layer.descriptor, layer.diff_id, decompressors(name))
        try:
            for block in layer.blocks():
                check.feed(block)
        except InvalidArchive as error:
            found.append(error.message)
        else:
            found += [f"{layer.member}: {problem}" for problem in check.problems()]
    return found
