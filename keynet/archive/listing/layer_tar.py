"""Read a layer's tar as a stream: each member's header, and the contents of those asked for.

The standard library's ``tarfile`` reads an extension header of any size into memory and spends
30 microseconds on a member. Layers are not trusted: names, extensions and counts are bounded.

Source: POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format".
"""

import hashlib
import tarfile
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from keynet.archive.compression import MAGIC, decompressed, sniff
from keynet.errors import InvalidArchive
from keynet.frozen import frozen
from keynet.text import _, fill

__all__ = ["TarMember", "read_members"]

_BLOCK: Final = 512
_LONGEST_NAME: Final = 4096
_LARGEST_EXTENSION: Final = 1 << 20
_FILES: Final = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE)
_SPARSE_MORE: Final = 504
_SPARSE_FIRST: Final = 482


@frozen
class TarMember:
    """A member: its path without a leading ``/``, and ``size`` in bytes.

    ``kind`` is ``"file"``, ``"folder"`` or ``"other"`` (links, devices), whose size is 0.
    ``content`` is None where it was not asked for, and so is ``sha256``, in hex digits.
    ``attributes`` has the rest of the header: type, mode, owner, group, time and a link's target.
    """

    path: str
    kind: str
    size: int
    content: bytes | None = None
    sha256: str = ""
    attributes: tuple[str | int, ...] = ()


def read_members(
    blocks: Iterable[bytes],
    name: str,
    wanted: Callable[[str, int], bool],
    *,
    hashed: bool = False,
) -> Iterator[TarMember]:
    """Yield the members of a layer, which may be compressed; read to its last byte.

    Args:
        blocks: As the layer is stored.
        name: Of the layer, for errors.
        wanted: Called with the path and size of each file: read its content?
        hashed: Tell the SHA-256 of the other files, without keeping their contents.

    Raises:
        InvalidArchive: It is not a tar, or is damaged.
    """
    stream = _Blocks(_opened(iter(blocks), name), name)
    long, fields = dict[bytes, str](), dict[str, str]()
    while (header := stream.take_header()) is not None:
        try:
            member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as error:
            raise stream.bad(str(error)) from error
        if member.type in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE):
            extension = stream.take_extension(_size(member.size, stream))
            if member.type != tarfile.XGLTYPE:
                fields = _pax_fields(extension, stream)
            continue
        if member.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            extension = stream.take_extension(_size(member.size, stream))
            long[member.type] = extension.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
            continue
        if member.type == tarfile.GNUTYPE_SPARSE:
            stream.skip_sparse_headers(header)
        name_in_tar = fields.get("path") or long.get(tarfile.GNUTYPE_LONGNAME) or member.name
        path = _normal(name_in_tar, stream)
        size = _size(fields.get("size", member.size), stream)
        target = fields.get("linkpath") or long.get(tarfile.GNUTYPE_LONGLINK) or member.linkname
        stated = (member.type.decode("latin-1"), member.mode, member.uid, member.gid)
        attributes = (*stated, fields.get("mtime") or int(member.mtime), target)
        long, fields = {}, {}
        if member.type not in _FILES:
            kind = "folder" if member.isdir() else "other"
            yield TarMember(path, kind, 0, attributes=attributes)
            continue
        content = stream.take(size) if wanted(path, size) else None
        sha256 = ""
        if content is None and hashed:
            sha256 = stream.hash(size)
        elif content is None:
            stream.skip(size)
        stream.skip(-size % _BLOCK)
        yield TarMember(path, "file", size, content, sha256, attributes)
    stream.finish()


class _Blocks:
    """A stream of blocks, read in pieces of any size."""

    def __init__(self, blocks: Iterator[bytes], name: str) -> None:
        self._blocks = blocks
        self._name = name
        self._rest = memoryview(b"")

    def bad(self, why: str) -> InvalidArchive:
        return InvalidArchive(
            fill(_("{name} cannot be read: {why}."), name=self._name, why=why.rstrip(".")),
            _("The image is damaged; push or save it again."),
        )

    def take_header(self) -> bytes | None:
        """Return the next header; None at the end of the tar."""
        if not self._more():
            return None
        header = self.take(_BLOCK)
        return None if header.count(0) == _BLOCK else header

    def take(self, size: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < size:
            if not self._more():
                raise self.bad(_("it is truncated"))
            piece = self._rest[: size - len(pieces)]
            pieces += piece
            self._rest = self._rest[len(piece) :]
        return bytes(pieces)

    def take_extension(self, size: int) -> bytes:
        if size > _LARGEST_EXTENSION:
            raise self.bad(_("an extension header is too large"))
        return self.take(size + -size % _BLOCK)[:size]

    def hash(self, size: int) -> str:
        whole = hashlib.sha256()
        while size:
            if not self._more():
                raise self.bad(_("it is truncated"))
            piece = self._rest[:size]
            whole.update(piece)
            self._rest = self._rest[len(piece) :]
            size -= len(piece)
        return whole.hexdigest()

    def skip(self, size: int) -> None:
        while size:
            if not self._more():
                raise self.bad(_("it is truncated"))
            count = min(size, len(self._rest))
            self._rest = self._rest[count:]
            size -= count

    def skip_sparse_headers(self, header: bytes) -> None:
        more = header[_SPARSE_FIRST]
        while more:
            more = self.take(_BLOCK)[_SPARSE_MORE]

    def finish(self) -> None:
        """Read what follows the end: the stream's digest is checked with its last byte."""
        for _block in self._blocks:
            pass

    def _more(self) -> bool:
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return False
            self._rest = memoryview(block)
        return True


def _normal(name: str, stream: _Blocks) -> str:
    """Return a path as the image has it; what leads out of the root stays at the root."""
    if len(name) > _LONGEST_NAME:
        raise stream.bad(_("a name is too long"))
    done: list[str] = []
    for part in name.split("/"):
        if part == "..":
            done = done[:-1]
        elif part not in ("", "."):
            done.append(part)
    return "/".join(done)


def _size(stated: str | int, stream: _Blocks) -> int:
    try:
        size = int(stated)
    except ValueError as error:
        raise stream.bad(_("a size is not a number")) from error
    if size < 0:
        raise stream.bad(_("a member has a negative size"))
    return size


def _pax_fields(extension: bytes, stream: _Blocks) -> dict[str, str]:
    """Return the records that matter here: ``LENGTH KEY=VALUE\\n`` each."""
    found: dict[str, str] = {}
    position = 0
    while position < len(extension):
        digits, space, _rest = extension[position : position + 12].partition(b" ")
        if not space or not digits.isdigit() or int(digits) <= len(digits) + 1:
            raise stream.bad(_("an extension header is damaged"))
        record = extension[position + len(digits) + 1 : position + int(digits) - 1]
        key, _equals, value = record.partition(b"=")
        if key in (b"path", b"size", b"linkpath"):
            found[key.decode()] = value.decode("utf-8", "surrogateescape")
        position += int(digits)
    return found


def _opened(source: Iterator[bytes], name: str) -> Iterator[bytes]:
    """Decompress a layer by what it is, not by its media type."""
    head = b""
    for block in source:
        head += block
        if len(head) >= MAGIC:
            break

    def whole() -> Iterator[bytes]:
        if head:
            yield head
        yield from source

    yield from decompressed(whole(), sniff(head), name)
