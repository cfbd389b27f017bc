"""An image archive that lies in a folder: an OCI layout as skopeo, crane and buildah write it."""

import bisect
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from keynet.archive.compression import BLOCK, Compression
from keynet.archive.tar import Member
from keynet.errors import InvalidArchive, TarReadError
from keynet.files.beneath import Beneath, LeavesFolder, NotRegular
from keynet.text import _, fill, printable

__all__ = ["Folder"]

_LONGEST_NAME: Final = 4096


class Folder:
    """The files of a folder as members of an archive, and their bytes.

    The files that were asked for stand one behind the other, so that a member has an offset as in
    a tar. Each file is opened anew when it is read; links that stay inside the folder are
    followed. Close it, or use it in ``with``.

    Args:
        path: Opened at once.

    Raises:
        TarReadError: It cannot be opened.
    """

    compression: Final = Compression.NONE
    piped: Final = False
    # A folder has no end that could be missing.
    ended: Final = True

    def __init__(self, path: Path) -> None:
        self.name = printable(path)
        self.size = 0
        self._members: dict[str, Member] = {}
        self._starts: list[int] = []
        self._names: list[str] = []
        try:
            self._folder = Beneath(path)
        except (OSError, ValueError) as error:
            raise self._failed(".", error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the folder. May be called again."""
        self._folder.close()

    def __contains__(self, name: str) -> bool:
        try:
            return self._folder.kind(name) == "file"
        except (OSError, ValueError):
            # Found, and refused with its reason, when it is read.
            return True

    def find(self, name: str) -> Member:
        """Return a file by its path in the folder.

        Raises:
            InvalidArchive: There is none, or its path leads out of the folder.
            TarReadError: It cannot be opened.
        """
        if name not in self._members:
            descriptor = self._open(name)
            try:
                size = os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
            self._members[name] = Member(name, self.size, size)
            self._starts.append(self.size)
            self._names.append(name)
            # One byte between the files: an empty one has an offset of its own, too.
            self.size += size + 1
        return self._members[name]

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly these bytes of one member; safe to call from several threads.

        Raises:
            TarReadError: The file became shorter meanwhile, or the disk failed.
        """
        number = bisect.bisect_right(self._starts, offset) - 1
        name = self._names[number]
        position = offset - self._starts[number]
        descriptor = self._open(name)
        try:
            block = os.pread(descriptor, length, position)
            while len(block) < length:
                rest = os.pread(descriptor, length - len(block), position + len(block))
                if not rest:
                    raise TarReadError(
                        fill(
                            _("{archive}: {member} is truncated: it ends at byte {position}."),
                            archive=self.name,
                            member=printable(name, 300),
                            position=position + len(block),
                        )
                    )
                block += rest
        except OSError as error:
            raise self._failed(name, error) from error
        finally:
            os.close(descriptor)
        return block

    def blocks(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield a range of one member's bytes, ``BLOCK`` bytes at a time."""
        for position in range(offset, offset + length, BLOCK):
            yield self.read(position, min(BLOCK, offset + length - position))

    def _open(self, name: str) -> int:
        if len(name) > _LONGEST_NAME or name.startswith("/") or ".." in name.split("/"):
            raise self._bad(name, _("its name is a path outside of the archive"))
        try:
            return self._folder.open(name)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self._bad(name, _("the archive has no such member")) from error
        except LeavesFolder as error:
            raise self._bad(name, _("it links to a path outside of the archive")) from error
        except NotRegular as error:
            raise self._bad(name, _("it is not a regular file")) from error
        except (OSError, ValueError) as error:
            raise self._failed(name, error) from error

    def _bad(self, name: str, reason: str) -> InvalidArchive:
        return InvalidArchive(
            fill(
                _("{archive}: {member}: {reason}."),
                archive=self.name,
                member=printable(name, 300) or "''",
                reason=reason,
            ),
            _("Create the folder again, for example with skopeo copy docker://… oci:FOLDER:TAG."),
        )

    def _failed(self, name: str, error: OSError | ValueError) -> TarReadError:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        return TarReadError(
            fill(
                _("{archive}: {member} cannot be read: {reason}."),
                archive=self.name,
                member=printable(name, 300),
                reason=reason,
            ),
            _("Check the permissions of the folder and of what is in it."),
        )
