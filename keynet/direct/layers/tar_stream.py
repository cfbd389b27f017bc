"""Write the tar of a layer; equal entries give equal bytes on every machine.

Order, owner, mode and time are those given here, and nothing of the host gets in.

Source: OCI image-spec, "Image Layer Filesystem Changeset"; POSIX.1-2001, "pax Interchange Format".
"""

import os
import stat
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path
from typing import Final, Literal

from keynet.errors import ContextInvalid
from keynet.frozen import frozen
from keynet.text import _, fill

__all__ = ["Entry", "file_entry", "folder_entry", "folders_above", "link_entry", "tar_blocks"]

_PIECE: Final = 1 << 20
_RECORD: Final = 512


@frozen
class Entry:
    """One member of a layer.

    ``path`` is relative to the root, with ``/``. ``content`` is a file's: bytes, or a file that
    is read when the layer is written. ``target`` is where a link leads.
    """

    path: str
    kind: Literal["file", "folder", "link"]
    mode: int
    content: bytes | Path = field(default=b"", repr=False)
    target: str = ""


def file_entry(path: str, content: bytes | Path, *, executable: bool = False) -> Entry:
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
        if entry.kind == "file" and isinstance(entry.content, Path):
            yield from _from_disk(entry, entry.content, time_s)
            continue
        content = entry.content if isinstance(entry.content, bytes) else b""
        yield _header(entry, len(content), time_s) + content + _padding(len(content))
    yield bytes(2 * _RECORD)


def _from_disk(entry: Entry, path: Path, time_s: int) -> Iterator[bytes]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise _unreadable(entry, _("it is not a regular file"))
            yield _header(entry, found.st_size, time_s)
            left = found.st_size
            while left:
                piece = file.read(min(left, _PIECE))
                if not piece:
                    raise _unreadable(entry, _("it was truncated while it was read"))
                left -= len(piece)
                yield piece
    except OSError as error:
        raise _unreadable(entry, error.strerror or str(error)) from error
    yield _padding(found.st_size)


def _header(entry: Entry, size: int, time_s: int) -> bytes:
    member = tarfile.TarInfo(entry.path)
    member.mode = entry.mode
    member.mtime = time_s
    if entry.kind == "folder":
        member.type = tarfile.DIRTYPE
    elif entry.kind == "link":
        member.type = tarfile.SYMTYPE
        member.linkname = entry.target
    else:
        member.size = size
    return member.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _padding(size: int) -> bytes:
    return bytes(-size % _RECORD)


def _unreadable(entry: Entry, why: str) -> ContextInvalid:
    return ContextInvalid(
        fill(_("{path} cannot be put into the image: {why}."), path=entry.path, why=why),
        _("Start the build again when no other program changes the file."),
    )
