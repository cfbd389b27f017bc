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


@dataclass(slots=True)
class Listing:
    """The paths of an image, without a leading ``/``.

    ``links`` has the targets of those that are symbolic links; ``contents`` the few files that
    were read.
    """

    paths: set[str] = field(default_factory=set)
    links: dict[str, str] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)

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
        self.paths -= gone
        for each in gone:
            self.links.pop(each, None)
            self.contents.pop(each, None)


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
            listing.paths.discard(each)
            listing.links.pop(each, None)
            listing.contents.pop(each, None)
        return
    if name.startswith(_WHITEOUT):
        listing._remove(posixpath.join(folder, name.removeprefix(_WHITEOUT)))
        return
    fresh.add(path)
    listing.paths.add(path)
    listing.links.pop(path, None)
    if member.issym():
        listing.links[path] = member.linkname
    elif member.isreg() and member.size <= _LARGEST_FILE and _READ.fullmatch(path):
        file = tar.extractfile(member)
        listing.contents[path] = file.read() if file is not None else b""


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
