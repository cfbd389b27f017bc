"""An index of a tar's members: names, offsets and sizes, from the headers alone.

Python's ``tarfile`` parses each header block; finding the headers is done here, because the
index of the standard library costs 2 kB and 30 microseconds a member and follows links itself.
Members that an image archive never has (devices, names and links outside of the archive) are
refused, whether an image uses them or not.
"""

import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Final, Protocol

from keynet.archive.opening.formats import not_a_tar
from keynet.errors import InvalidArchive, TarReadError
from keynet.frozen import frozen
from keynet.text import _, fill, printable

__all__ = ["Index", "Member", "index"]

_BLOCK: Final = 512
_MOST_MEMBERS: Final = 10_000
_MOST_HEADERS: Final = 2 * _MOST_MEMBERS
_LONGEST_NAME: Final = 4096
_LARGEST_EXTENSION: Final = 1 << 20
_MOST_LINKS: Final = 16

_REGULAR: Final = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)


class Readable(Protocol):
    """Random access to bytes; ``name`` is the file's, for error messages."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    def read(self, offset: int, length: int) -> bytes: ...


@frozen
class Member:
    """A regular file in the archive: offset and size of its content."""

    name: str
    offset: int
    size: int


class Index:
    """Members by name; symbolic links are followed inside the archive only.

    ``ended`` is whether the tar has its end; one without it may have been cut.
    """

    def __init__(
        self, archive: str, members: Mapping[str, Member], links: Mapping[str, str], *, ended: bool
    ) -> None:
        self.ended = ended
        self._archive = archive
        self._members = members
        self._links = links

    def __contains__(self, name: str) -> bool:
        return name in self._members or name in self._links

    def names(self) -> list[str]:
        """Return the names of all regular files, in the archive's order."""
        return list(self._members)

    def find(self, name: str) -> Member:
        """Return a member by name, following links.

        Raises:
            InvalidArchive: There is no such member, or its links form a cycle.
        """
        target = _normal(self._archive, name)
        for _hop in range(_MOST_LINKS):
            if target in self._members:
                return self._members[target]
            if target not in self._links:
                raise _bad(self._archive, name, _("the archive has no such member"))
            target = self._links[target]
        raise _bad(self._archive, name, _("its links form a cycle"))


def index(source: Readable) -> Index:
    """Build the index from every header of a tar, skipping the contents.

    Raises:
        TarReadError: It is not a tar, or is truncated.
        InvalidArchive: A member is a device, has a name or links outside of the archive, or is
            one too many for an image.
    """
    members: dict[str, Member] = {}
    links: dict[str, str] = {}
    position, extended, headers = 0, _Extended(), 0
    while (info := _header(source, position)) is not None:
        headers += 1
        if headers > _MOST_HEADERS:
            raise _bad(source.name, info.name, _("too many extended headers"))
        body = position + _BLOCK
        size = extended.size if extended.size is not None else info.size
        position = _end(source, info, body, size)
        if info.type in (tarfile.XHDTYPE, tarfile.XGLTYPE):
            extended.read_pax(source, _small(source, info, body), info.type == tarfile.XHDTYPE)
            continue
        if info.type in (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK):
            extended.read_gnu(_small(source, info, body), info.type)
            continue
        raw_name = extended.path if extended.path is not None else info.name
        name = _normal(source.name, raw_name)
        if len(members) + len(links) >= _MOST_MEMBERS:
            raise _bad(
                source.name,
                name,
                fill(_("the archive has more than {most} members"), most=_MOST_MEMBERS),
                _("docker export writes a file system. Create an image archive with docker save."),
            )
        if info.type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            target = extended.link if extended.link is not None else info.linkname
            if info.type == tarfile.SYMTYPE:
                links[name] = _target(source.name, name, target)
            else:
                _add_hard_link(source.name, members, name, target)
        elif info.type in _REGULAR and not (info.type == tarfile.AREGTYPE and raw_name[-1] == "/"):
            links.pop(name, None)
            members[name] = Member(name, body, size)
        elif info.type not in (tarfile.DIRTYPE, tarfile.AREGTYPE):
            raise _bad(source.name, name, _refused(info.type))
        extended = _Extended()
    return Index(source.name, members, links, ended=position < source.size)


class _Extended:
    """Fields of the next member that come from pax and GNU headers."""

    __slots__ = ("link", "path", "size")

    def __init__(self) -> None:
        self.path: str | None = None
        self.link: str | None = None
        self.size: int | None = None

    def read_gnu(self, body: bytes, kind: bytes) -> None:
        text = body.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        if kind == tarfile.GNUTYPE_LONGNAME:
            self.path = text
        else:
            self.link = text

    def read_pax(self, source: Readable, body: bytes, one_member: bool) -> None:
        for key, value in _pax_records(source, body):
            if key.startswith("GNU.sparse.") or (not one_member and key in ("path", "size")):
                raise _bad(
                    source.name, key, _("this pax record is not allowed in an image archive")
                )
            if key == "path":
                self.path = value
            elif key == "linkpath":
                self.link = value
            elif key == "size":
                if not value.isascii() or not value.isdigit() or len(value) > 20:
                    raise _bad(source.name, key, _("this pax record is not a number"))
                self.size = int(value)


def _pax_records(source: Readable, body: bytes) -> list[tuple[str, str]]:
    records: list[tuple[str, str]] = []
    position = 0
    while position < len(body) and body[position] != 0:
        space = body.find(b" ", position, position + 8)
        digits = body[position:space] if space > 0 else b""
        end = position + int(digits) if digits.isdigit() else 0
        record = body[space + 1 : end]
        key, equals, value = record[:-1].partition(b"=")
        if end <= space or end > len(body) or not equals or record[-1:] != b"\n":
            raise TarReadError(fill(_("{archive}: a pax header is damaged."), archive=source.name))
        records.append((key.decode("utf-8", "replace"), value.decode("utf-8", "surrogateescape")))
        position = end
    return records


def _header(source: Readable, position: int) -> tarfile.TarInfo | None:
    block = source.read(position, max(min(_BLOCK, source.size - position), 0))
    if block.count(0) == len(block):
        return None
    try:
        return tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError) as error:
        if position == 0:
            raise not_a_tar(source.name, block) from error
        raise TarReadError(
            fill(
                _("{archive}: there is no valid tar header at byte {position}: {reason}."),
                archive=source.name,
                position=position,
                reason=error,
            ),
            _("The file is damaged or truncated; create it again."),
        ) from error


def _end(source: Readable, info: tarfile.TarInfo, body: int, size: int) -> int:
    if info.type in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE):
        # Some tools write a size for directories and links; no content follows.
        return body
    if size < 0 or body + size > source.size:
        raise TarReadError(
            fill(
                _("{archive}: {member}: truncated, {size} bytes were expected."),
                archive=source.name,
                member=_shown(info.name),
                size=size,
            ),
            _("The file is damaged or truncated; create it again."),
        )
    return body + -(-size // _BLOCK) * _BLOCK


def _refused(kind: bytes) -> str:
    match kind:
        case tarfile.CHRTYPE | tarfile.BLKTYPE:
            return _("it is a device")
        case tarfile.FIFOTYPE:
            return _("it is a pipe")
        case tarfile.GNUTYPE_SPARSE:
            return _("it is a sparse file")
        case _:
            return _("it has an unknown type")


def _small(source: Readable, info: tarfile.TarInfo, body: int) -> bytes:
    if info.size > _LARGEST_EXTENSION:
        raise _bad(source.name, info.name, _("its extended header is larger than 1 MiB"))
    return source.read(body, info.size)


def _add_hard_link(archive: str, members: dict[str, Member], name: str, target: str) -> None:
    """Add a second name for a file that came before, as tar writes it for linked files."""
    if target.startswith("/") or ".." in target.split("/"):
        raise _bad(archive, name, _("it is a hard link to a path outside of the archive"))
    first = members.get(_normal(archive, target))
    if first is None:
        raise _bad(archive, name, _("it is a hard link to a file that does not come before it"))
    members[name] = Member(name, first.offset, first.size)


def _target(archive: str, name: str, target: str) -> str:
    """Return the member that a symbolic link names."""
    if target.startswith("/"):
        raise _bad(archive, name, fill(_("it links to the absolute path {t}"), t=_shown(target)))
    parts: list[str] = list(PurePosixPath(name).parent.parts)
    for part in target.split("/"):
        if part == ".." and not parts:
            raise _bad(archive, name, _("it links to a path outside of the archive"))
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return _normal(archive, "/".join(parts))


def _normal(archive: str, name: str) -> str:
    if len(name) > _LONGEST_NAME:
        raise _bad(archive, name[:200], _("its name is too long"))
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise _bad(archive, name, _("its name is not UTF-8")) from error
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise _bad(archive, name, _("its name is a path outside of the archive"))
    return "/".join(parts)


def _shown(name: str) -> str:
    return printable(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def _bad(archive: str, member: str, reason: str, hint: str = "") -> InvalidArchive:
    return InvalidArchive(
        fill(
            _("{archive}: {member}: {reason}."),
            archive=archive,
            member=_shown(member) or "''",
            reason=reason,
        ),
        hint or _("Supported are archives of docker save and podman save, and OCI archives."),
    )
