"""Random access to an archive's bytes, decompressed to a scratch file first."""

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from keynet.archive.compression import BLOCK, MAGIC, Compression, decompressed, sniff
from keynet.errors import ArchiveNotFound, TarReadError
from keynet.text import _, fill, printable

__all__ = ["Source", "compression_of", "scratch_file"]

_VAR_TMP: Final = Path("/var/tmp")  # noqa: S108 - the folder only; files in it have no name


class Source:
    """Read a plain or compressed file at any offset; close it, or use it in ``with``.

    A compressed file is decompressed once, into an unnamed file that the kernel removes as soon
    as it is closed, also after a crash.

    Args:
        path: Opened at once.

    Raises:
        ArchiveNotFound: The file does not exist.
        TarReadError: It cannot be opened, is not a regular file, or is empty.
        InvalidArchive: It cannot be decompressed or is a decompression bomb.
    """

    def __init__(self, path: Path) -> None:
        self.name = printable(path)
        self._descriptor = _open(path, self.name)
        try:
            self.stored_size = self.size = os.fstat(self._descriptor).st_size
            self.compression = sniff(self.read(0, min(MAGIC, self.size)))
            if self.compression is not Compression.NONE:
                self._replace_by_decompressed()
            if not self.size or not _may_be_tar(self.read(0, 1)):
                raise TarReadError(  # noqa: TRY301 - the file is closed in one place
                    fill(_("{archive} is not a tar archive."), archive=self.name),
                    _("Create one with docker save, podman save or skopeo copy."),
                )
        except BaseException:
            self.close()
            raise

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
        """Close the file and drop the decompressed copy. May be called again."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly these bytes; safe to call from several threads.

        Raises:
            TarReadError: The file was truncated meanwhile, or the disk failed.
        """
        try:
            block = os.pread(self._descriptor, length, offset)
            while len(block) < length:
                rest = os.pread(self._descriptor, length - len(block), offset + len(block))
                if not rest:
                    raise TarReadError(
                        fill(
                            _("{archive} is truncated: it ends at byte {position}."),
                            archive=self.name,
                            position=offset + len(block),
                        )
                    )
                block += rest
        except OSError as error:
            raise _failed(self.name, error) from error
        return block

    def blocks(self, offset: int, length: int) -> Iterator[bytes]:
        """Yield a range of bytes, ``BLOCK`` bytes at a time."""
        for position in range(offset, offset + length, BLOCK):
            yield self.read(position, min(BLOCK, offset + length - position))

    def _replace_by_decompressed(self) -> None:
        pieces = decompressed(self.blocks(0, self.size), self.compression, self.name)
        first = next(pieces, b"")
        if not _may_be_tar(first):
            self.size = 0
            return
        scratch = scratch_file()
        try:
            size = _write_all(scratch, first)
            for piece in pieces:
                size += _write_all(scratch, piece)
        except OSError as error:
            os.close(scratch)
            raise _failed(self.name, error) from error
        except BaseException:
            os.close(scratch)
            raise
        os.close(self._descriptor)
        self._descriptor, self.size = scratch, size


def compression_of(path: Path) -> Compression:
    """Return the compression of a file, detected from its first bytes.

    Raises:
        ArchiveNotFound: The file does not exist.
        TarReadError: It cannot be opened or read, or is not a regular file.
    """
    name = printable(path)
    descriptor = _open(path, name)
    try:
        return sniff(os.pread(descriptor, MAGIC, 0))
    except OSError as error:
        raise _failed(name, error) from error
    finally:
        os.close(descriptor)


def scratch_file() -> int:
    """Open an unnamed private file on disk and return its file descriptor.

    Created in TMPDIR if that is set, else in /var/tmp, because /tmp is in memory on many systems.
    """
    folder = None
    if "TMPDIR" not in os.environ and os.access(_VAR_TMP, os.W_OK | os.X_OK):
        folder = _VAR_TMP
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        return os.dup(file.fileno())


def _open(path: Path, name: str) -> int:
    try:
        # O_NONBLOCK: a named pipe must not hang.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise ArchiveNotFound(
            fill(_("There is no archive at {path}."), path=name),
            fill(_("The full path is {path}."), path=path.absolute()),
        ) from error
    except (OSError, ValueError) as error:
        raise _failed(name, error) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise TarReadError(fill(_("{archive} is not a regular file."), archive=name))
    return descriptor


def _may_be_tar(head: bytes) -> bool:
    # A member's name never starts with a zero byte: a tar that starts with one is empty.
    return head[:1] not in (b"", b"\0")


def _write_all(descriptor: int, piece: bytes) -> int:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]
    return len(piece)


def _failed(name: str, error: OSError | ValueError) -> TarReadError:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return TarReadError(
        fill(_("{archive} cannot be read: {reason}."), archive=name, reason=reason),
        _("Check the file's permissions and the free disk space (set TMPDIR to use another disk)."),
    )
