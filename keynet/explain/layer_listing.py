"""What is in one layer: its files with sizes, what it removes, and the packages it records."""

import gzip
import json
import posixpath
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from keynet.archive.listing.layer_tar import read_members
from keynet.errors import InvalidArchive
from keynet.explain.package_records import Package, is_record, read_record, written_name
from keynet.files.disk_cache import DAMAGED
from keynet.frozen import frozen
from keynet.oci.whiteouts import OPAQUE, WHITEOUT
from keynet.text import _, fill

__all__ = ["LayerListing", "from_bytes", "list_layer", "to_bytes"]

_MOST_FILES: Final = 500_000
_MOST_RECORDED: Final = 1_000_000
_FORMAT: Final = 2


@frozen
class LayerListing:
    """One layer, unpacked in thought.

    Attributes:
        files: Size by path; links have 0, folders are left out.
        removed: Paths of lower layers that are gone, with all below them.
        emptied: Folders of which lower layers' content is gone.
        versions: Of Debian's packages, as the layer's status file says.
    """

    files: Mapping[str, int]
    removed: frozenset[str] = frozenset()
    emptied: frozenset[str] = frozenset()
    packages: tuple[Package, ...] = ()
    versions: Mapping[str, str] | None = None


def list_layer(blocks: Iterable[bytes], name: str) -> LayerListing:
    """Read a layer once; memory grows with the number of its files, not with their sizes.

    Args:
        blocks: As the layer is stored.
        name: For errors.

    Raises:
        InvalidArchive: It is not a tar, is damaged, or has too many files.
    """
    files: dict[str, int] = {}
    removed, emptied = set[str](), set[str]()
    packages: list[Package] = []
    versions: dict[str, str] | None = None
    names: dict[str, str] = {}
    recorded = 0
    for member in read_members(blocks, name, is_record):
        folder, _slash, last = member.path.rpartition("/")
        if last == OPAQUE:
            emptied.add(folder)
        elif last.startswith(WHITEOUT):
            removed.add(f"{folder}/{last.removeprefix(WHITEOUT)}".strip("/"))
        elif member.kind != "folder":
            files[member.path] = member.size
        if len(files) + len(removed) + len(emptied) > _MOST_FILES:
            raise InvalidArchive(
                fill(_("{name} has more than {count} files."), name=name, count=_MOST_FILES),
                _("keynet does not explain such an image."),
            )
        if member.content is not None and recorded < _MOST_RECORDED:
            found, stated = read_record(member.path, member.content)
            packages += found
            recorded += sum(len(each.files) for each in found)
            versions = {**(versions or {}), **stated} if stated else versions
            if written := written_name(member.path, member.content):
                names[folder] = written
    named = tuple(
        replace(each, name=names.get(posixpath.dirname(each.record), each.name))
        for each in packages
    )
    return LayerListing(files, frozenset(removed), frozenset(emptied), named, versions)


def to_bytes(listing: LayerListing) -> bytes:
    """Return a form for keynet's cache."""
    document = {
        "format": _FORMAT,
        "files": dict(listing.files),
        "removed": sorted(listing.removed),
        "emptied": sorted(listing.emptied),
        "packages": [
            [each.kind, each.name, each.version, each.place, each.record, list(each.files)]
            for each in listing.packages
        ],
        "versions": None if listing.versions is None else dict(listing.versions),
    }
    return gzip.compress(json.dumps(document, separators=(",", ":")).encode(), 1, mtime=0)


def from_bytes(content: bytes) -> LayerListing | None:
    """Return the value of ``to_bytes``; None if another version or nobody of keynet's wrote it."""
    try:
        document: dict[str, Any] = json.loads(gzip.decompress(content))
        if document["format"] != _FORMAT:
            return None
        return LayerListing(
            document["files"],
            frozenset(document["removed"]),
            frozenset(document["emptied"]),
            tuple(_package(*each) for each in document["packages"]),
            document["versions"],
        )
    except (*DAMAGED, zlib.error):
        return None


def _package(
    kind: str, name: str, version: str, place: str, record: str, files: list[str]
) -> Package:
    return Package(kind, name, version, place, record, tuple(files))
