"""Which files of a layer differ from those of another one."""

from collections.abc import Iterable
from typing import Literal

from keynet.archive.listing.layer_tar import TarMember
from keynet.frozen import frozen

__all__ = ["FileDifference", "differing_files"]


@frozen
class FileDifference:
    """A path that differs, and how.

    ``kind`` is ``added`` (only in the first layer), ``missing`` (only in the second), ``content``
    or ``attributes``: type, mode, owner, time or where a link leads.
    """

    path: str
    kind: Literal["added", "missing", "content", "attributes"]


def differing_files(
    first: Iterable[TarMember], second: Iterable[TarMember]
) -> list[FileDifference]:
    """Return what differs, by path; of several members with one path the last counts.

    Args:
        first: With the SHA-256 of files, as are those of ``second``.
    """
    mine = {member.path: member for member in first}
    theirs = {member.path: member for member in second}
    found = []
    for path in sorted(mine.keys() | theirs.keys()):
        one, other = mine.get(path), theirs.get(path)
        if other is None:
            found.append(FileDifference(path, "added"))
        elif one is None:
            found.append(FileDifference(path, "missing"))
        elif (one.size, one.sha256) != (other.size, other.sha256):
            found.append(FileDifference(path, "content"))
        elif one.attributes != other.attributes:
            found.append(FileDifference(path, "attributes"))
    return found
