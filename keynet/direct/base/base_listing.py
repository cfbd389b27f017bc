"""List what is in a base image, from the headers of its layers, streamed once.

Nothing is unpacked: names and links are kept, and the content of the few small files that tell
something. A base image is not trusted: its layers are bounded, and its links are followed here,
within the list.

Source: OCI image-spec, "Image Layer Filesystem Changeset" (whiteouts).
"""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from keynet.archive.listing.layer_tar import TarMember, read_members
from keynet.errors import InvalidArchive
from keynet.oci.whiteouts import OPAQUE, WHITEOUT
from keynet.text import _, fill

__all__ = ["Listing", "read_layer"]

# An image with several frameworks has a third of it.
_MOST_ENTRIES: Final = 1_000_000
_ALL_NAMES: Final = 64 << 20
_DEEPEST: Final = 256
_MOST_LINKS: Final = 40
_LARGEST_FILE: Final = 8 << 20
_SYMBOLIC: Final = "2"
_HARD: Final = "1"
_READ: Final = re.compile(r"(?:.*/)?(?:libc\.so\.6|libc-2\.\d+\.so)")
# What packages say of themselves. More than a large image of conda's has is not read.
_METADATA: Final = re.compile(
    r"(?:.*/)?(?:site|dist)-packages/[^/]+\."
    r"(?:dist-info/(?:METADATA|direct_url\.json)|egg-info(?:/(?:PKG-INFO|requires\.txt))?)"
)
_FIELDS: Final = (
    b"metadata-version:",
    b"name:",
    b"version:",
    b"requires-dist:",
    b"requires-python:",
    b"provides-extra:",
)
_LARGEST_METADATA: Final = 1 << 20
_ALL_METADATA: Final = 128 << 20


@dataclass(slots=True)
class Listing:
    """The paths of an image, without a leading ``/``.

    ``links`` has the targets of those that are symbolic links; ``contents`` the few files that
    were read, and ``metadata`` those of packages, as far as they are not too large.
    """

    paths: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    metadata: dict[str, bytes] = field(default_factory=dict)
    _left: int = _ALL_METADATA

    def resolve(self, path: str) -> str | None:
        """Follow links as the image's kernel would; None if nothing is there."""
        parts = path.strip("/").split("/")
        done: list[str] = []
        left = _MOST_LINKS
        while parts:
            part = parts.pop(0)
            if part in ("", "."):
                continue
            if part == "..":
                done = done[:-1]
                continue
            here = "/".join((*done, part))
            target = self.links.get(here)
            if target is None:
                done.append(part)
                continue
            left -= 1
            if left < 0:
                return None
            parts = [*target.split("/"), *parts]
            if target.startswith("/"):
                done = []
        found = "/".join(done)
        return found if found in self.paths else None

    def _forget(self, path: str) -> None:
        self.paths.discard(path)
        for found in (self.links, self.contents, self.metadata):
            found.pop(path, None)

    def _read(self, path: str, size: int) -> dict[str, bytes] | None:
        """Return where the content of a file is kept; None if it is of no use."""
        if _READ.fullmatch(path):
            return self.contents if size <= _LARGEST_FILE else None
        if not _METADATA.fullmatch(path) or size > min(_LARGEST_METADATA, self._left):
            return None
        self._left -= size
        return self.metadata


def read_layer(listing: Listing, blocks: Iterable[bytes], name: str) -> None:
    """Add a layer to the list; layers come base first.

    Args:
        blocks: As the registry stores them.
        name: Of the layer, for errors.

    Raises:
        InvalidArchive: It is not a tar, is damaged, or has too many entries.
    """
    layer = _Layer()
    names = 0
    for member in read_members(
        blocks, name, lambda path, size: listing._read(path, size) is not None
    ):
        if member.path.count("/") > _DEEPEST:
            raise InvalidArchive(
                fill(_("{name} cannot be read: {why}."), name=name, why=_("a name is too long"))
            )
        names += len(member.path)
        if len(listing.paths) + len(layer.added) > _MOST_ENTRIES or names > _ALL_NAMES:
            raise InvalidArchive(fill(_("{name} has too many entries."), name=name))
        _add(listing, layer, member)
    for path in layer.hidden_of(listing.paths):
        listing._forget(path)
    listing.paths |= layer.added


@dataclass(slots=True)
class _Layer:
    """What one layer adds, and what it hides of those below: files with all below, and folders."""

    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)

    def hidden_of(self, paths: Iterable[str]) -> list[str]:
        """Return those of the layers below that this layer hides."""
        if not self.removed and not self.emptied:
            return []
        return [path for path in paths if path not in self.added and self._hides(path)]

    def _hides(self, path: str) -> bool:
        if path in self.removed:
            return True
        while path:
            path = path.rpartition("/")[0]
            if path in self.removed or path in self.emptied:
                return True
        return False


def _add(listing: Listing, layer: _Layer, member: TarMember) -> None:
    path = member.path
    folder, _slash, name = path.rpartition("/")
    if name == OPAQUE:
        layer.emptied.add(folder)
        return
    if name.startswith(WHITEOUT):
        layer.removed.add(posixpath.join(folder, name.removeprefix(WHITEOUT)))
        return
    listing._forget(path)
    layer.added.add(path)
    kind, target = member.attributes[0], str(member.attributes[-1])
    if kind == _SYMBOLIC:
        listing.links[path] = target
    elif kind == _HARD:
        first = posixpath.normpath("/" + target).strip("/")
        if first in listing.metadata and (found := listing._read(path, 0)) is not None:
            found[path] = listing.metadata[first]
    elif member.content is not None:
        if _READ.fullmatch(path):
            listing.contents[path] = member.content
        else:
            listing.metadata[path] = _fields(path, member.content)


def _fields(path: str, content: bytes) -> bytes:
    """Return what decides about a package of its metadata, which is mostly its description."""
    if path.endswith((".json", "/requires.txt")):
        return content
    kept: list[bytes] = []
    wanted = False
    for line in content.splitlines():
        if not line:
            break
        # The lines of a value that follow its first one are indented.
        wanted = wanted if line[:1] in b" \t" else line.lower().startswith(_FIELDS)
        if wanted:
            kept.append(line + b"\n")
    return b"".join(kept)
