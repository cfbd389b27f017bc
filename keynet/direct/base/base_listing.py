"""List what is in a base image, from the headers of its layers, streamed once.

Nothing is unpacked: names and links are kept, and the content of the few small files that tell
something. A base image is not trusted: its layers are bounded, and its links are followed here,
within the list.

Source: OCI image-spec, "Image Layer Filesystem Changeset" (whiteouts).
"""

import io
import posixpath
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from keynet.archive.compression import MAGIC, decompressed, sniff
from keynet.errors import InvalidArchive
from keynet.text import _, fill

__all__ = ["Listing", "read_layer"]

_MOST_ENTRIES: Final = 2_000_000
_MOST_LINKS: Final = 40
_PIECE: Final = 1 << 20
_LARGEST_FILE: Final = 8 << 20
_WHITEOUT: Final = ".wh."
_OPAQUE: Final = ".wh..wh..opq"
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

    def _remove(self, path: str, *, below_only: bool = False) -> None:
        gone = {each for each in self.paths if each.startswith(f"{path}/")}
        if not below_only:
            gone.add(path)
        for each in gone:
            self._forget(each)

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
    stream = _Stream(_opened(blocks, name))
    fresh: set[str] = set()
    try:
        with tarfile.open(fileobj=stream, mode="r|", errorlevel=2) as tar:
            for member in tar:
                _add(listing, tar, member, fresh)
                # The list of the standard library is not needed.
                tar.members = []  # type: ignore[attr-defined]
                if len(listing.paths) > _MOST_ENTRIES:
                    raise InvalidArchive(fill(_("{name} has too many entries."), name=name))
        # The digest is checked with the last byte.
        while stream.read(_PIECE):
            pass
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise InvalidArchive(
            fill(_("{name} of the base image cannot be read: {why}."), name=name, why=error),
            _("The base image is damaged; pull or push it again, or choose another one."),
        ) from error


def _add(listing: Listing, tar: tarfile.TarFile, member: tarfile.TarInfo, fresh: set[str]) -> None:
    path = posixpath.normpath("/" + member.name).strip("/")
    folder, _slash, name = path.rpartition("/")
    if name == _OPAQUE:
        hidden = {each for each in listing.paths if each.startswith(f"{folder}/")} - fresh
        for each in hidden:
            listing._forget(each)
        return
    if name.startswith(_WHITEOUT):
        listing._remove(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
        return
    fresh.add(path)
    listing._forget(path)
    listing.paths.add(path)
    if member.issym():
        listing.links[path] = member.linkname
    elif member.islnk():
        first = posixpath.normpath("/" + member.linkname).strip("/")
        if first in listing.metadata and (found := listing._read(path, 0)) is not None:
            found[path] = listing.metadata[first]
    elif member.isreg() and (found := listing._read(path, member.size)) is not None:
        file = tar.extractfile(member)
        content = file.read() if file is not None else b""
        found[path] = content if found is listing.contents else _fields(path, content)


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


def _opened(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """Decompress a layer by what it is, not by its media type."""
    source = iter(blocks)
    head = b""
    for block in source:
        head += block
        if len(head) >= MAGIC:
            break

    def whole() -> Iterator[bytes]:
        yield head
        yield from source

    yield from decompressed(whole(), sniff(head), name)


class _Stream(io.RawIOBase):
    """A stream of blocks as a file, for ``tarfile``."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Report that it can be read."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a part of the buffer."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def read(self, size: int = -1) -> bytes:
        """Return exactly ``size`` bytes, less at the end."""
        pieces = []
        while size:
            piece = super().read(size)
            if not piece:
                break
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)
