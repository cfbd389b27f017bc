"""Write the tar of a layer; equal entries give equal bytes on every machine.

Order, owner, mode and time are those given here, and nothing of the host gets in.

Source: OCI image-spec, "Image Layer Filesystem Changeset"; POSIX.1-2001, "pax Interchange Format".
"""

import os
import stat
import struct
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path
from typing import Final, Literal

from keynet.errors import ContextInvalid
from keynet.frozen import frozen
from keynet.text import _, fill

__all__ = [
    "Entry",
    "FilePart",
    "file_entry",
    "folder_entry",
    "folders_above",
    "header",
    "link_entry",
    "tar_blocks",
]

_PIECE: Final = 1 << 18
_RECORD: Final = 512
# Name, mode, owner, group, size, time, checksum, type, link, magic; what follows is empty.
_USTAR: Final = struct.Struct("100s8s8s8s12s12s8sc100s8s247x")
_CHECKSUM: Final = 148
_NAME_SIZE: Final = 100
_LARGEST: Final = 8**11 - 1
_TYPES: Final = {"file": b"0", "folder": b"5", "link": b"2"}


@frozen
class FilePart:
    """A part of a file on disk, in bytes; ``head`` is put before it."""

    file: Path
    start: int
    size: int
    head: bytes = b""


@frozen
class Entry:
    """One member of a layer.

    ``path`` is relative to the root, with ``/``. ``content`` is a file's: bytes, or a file or a
    part of one that is read when the layer is written. ``target`` is where a link leads.
    """

    path: str
    kind: Literal["file", "folder", "link"]
    mode: int
    content: bytes | Path | FilePart = field(default=b"", repr=False)
    target: str = ""


def file_entry(path: str, content: bytes | Path | FilePart, *, executable: bool = False) -> Entry:
    """Return a file that everyone can read."""
    return Entry(path, "file", 0o755 if executable else 0o644, content)


def folder_entry(path: str) -> Entry:
    """Return a folder that everyone can enter."""
    return Entry(path, "folder", 0o755)


def link_entry(path: str, target: str) -> Entry:
    """Return a symbolic link."""
    return Entry(path, "link", 0o777, target=target)


def folders_above(paths: Iterable[str], root: str) -> list[Entry]:
    """Return ``root`` and the folders below it that lead to these paths.

    Folders above ``root`` are the base image's: an entry would change their mode.
    """
    found = {root}
    for path in paths:
        parent = path.rpartition("/")[0]
        while parent.startswith(f"{root}/") and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return [folder_entry(path) for path in found]


def tar_blocks(entries: Iterable[Entry], *, time_s: int = 0) -> Iterator[bytes]:
    """Yield the bytes of a tar, a folder before what is in it.

    Args:
        entries: Of two with the same path the last counts.
        time_s: The time of each entry, in seconds since 1970.

    Raises:
        ContextInvalid: A file became shorter or cannot be read.
    """
    chosen = {entry.path: entry for entry in entries}
    for entry in sorted(chosen.values(), key=lambda each: each.path.split("/")):
        if isinstance(entry.content, bytes):
            size = len(entry.content)
            yield header(entry, size, time_s) + entry.content + _padding(size)
        else:
            yield from _from_disk(entry, entry.content, time_s)
    yield bytes(2 * _RECORD)


def _from_disk(entry: Entry, content: Path | FilePart, time_s: int) -> Iterator[bytes]:
    part = content if isinstance(content, FilePart) else None
    path = content.file if isinstance(content, FilePart) else content
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise _unreadable(entry, _("it is not a regular file"))
            if part:
                os.lseek(file, part.start, os.SEEK_SET)
            left = part.size if part else found.st_size
            head = part.head if part else b""
            size = len(head) + left
            # Most files are small, and are one block with their header.
            block = header(entry, size, time_s) + head
            while left:
                piece = os.read(file, min(left, _PIECE))
                if not piece:
                    raise _unreadable(entry, _("it was truncated while it was read"))
                left -= len(piece)
                block += piece
                if left:
                    yield block
                    block = b""
            yield block + _padding(size)
        finally:
            os.close(file)
    except OSError as error:
        raise _unreadable(entry, error.strerror or str(error)) from error


def header(entry: Entry, size: int, time_s: int) -> bytes:
    """Return the header of an entry, as ``tarfile`` writes it, in a fifth of the time."""
    name = f"{entry.path.removesuffix('/')}/" if entry.kind == "folder" else entry.path
    size = size if entry.kind == "file" else 0
    if not (name + entry.target).isascii() or max(len(name), len(entry.target)) > _NAME_SIZE:
        return _extended(entry, size, time_s)
    if not (0 <= size <= _LARGEST and 0 <= time_s <= _LARGEST):
        return _extended(entry, size, time_s)
    fields = _USTAR.pack(
        name.encode(),
        b"%07o\0" % entry.mode,
        b"%07o\0" % 0,
        b"%07o\0" % 0,
        b"%011o\0" % size,
        b"%011o\0" % time_s,
        b" " * 8,
        _TYPES[entry.kind],
        entry.target.encode(),
        b"ustar\x0000",
    )
    checksum = b"%06o\0 " % sum(fields)
    return fields[:_CHECKSUM] + checksum + fields[_CHECKSUM + len(checksum) :]


def _extended(entry: Entry, size: int, time_s: int) -> bytes:
    """Return the headers of an entry that needs pax records."""
    # Names of usual projects fit.
    import tarfile

    member = tarfile.TarInfo(entry.path)
    member.mode = entry.mode
    member.mtime = time_s
    member.size = size
    member.type = _TYPES[entry.kind]
    member.linkname = entry.target
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % _RECORD)


def _unreadable(entry: Entry, why: str) -> ContextInvalid:
    return ContextInvalid(
        fill(_("{path} cannot be put into the image: {why}."), path=entry.path, why=why),
        _("Start the build again when no other program changes the file."),
    )
