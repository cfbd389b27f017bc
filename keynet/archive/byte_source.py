"""Random access to an archive's bytes; what is compressed or piped goes to a scratch file first."""

import itertools
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from keynet.archive.compression import BLOCK, MAGIC, Compression, decompressed, sniff
from keynet.archive.opening.formats import HEADER, is_tar, not_a_tar
from keynet.archive.opening.piped import STANDARD_INPUT, is_pipe, open_standard_input, read_pipe
from keynet.errors import ArchiveNotFound, TarReadError
from keynet.text import _, fill, printable

__all__ = ["Source", "is_plain", "never", "scratch_file"]

_VAR_TMP: Final = Path("/var/tmp")  # noqa: S108 - the folder only; files in it have no name


def never() -> bool:
    """Report that nobody stopped waiting."""
    return False


class Source:
    """Read a plain or compressed file, or a pipe, at any offset; close it, or use it in ``with``.

    What is compressed or piped is written once, into an unnamed file that the kernel removes as
    soon as it is closed, also after a crash.

    Args:
        path: Opened at once; ``-`` is standard input.
        stopped: Asked again and again while a pipe is read; True ends that.

    Raises:
        ArchiveNotFound: The file does not exist.
        TarReadError: It cannot be opened, is not a file or a pipe, or is empty.
        InvalidArchive: It cannot be decompressed or is a decompression bomb.
        UsageError: Standard input is a terminal.
    """

    def __init__(self, path: Path, stopped: Callable[[], bool] = never) -> None:
        self.name = _("standard input") if path == STANDARD_INPUT else printable(path)
        self._descriptor, self.piped = _open(path, self.name)
        try:
            if self.piped:
                self._keep_pipe(read_pipe(self._descriptor, self.name, stopped))
            else:
                self.size = os.fstat(self._descriptor).st_size
                self.compression = sniff(self.read(0, min(MAGIC, self.size)))
                if self.compression is not Compression.NONE:
                    blocks = self.blocks(0, self.size)
                    self._keep(decompressed(blocks, self.compression, self.name))
            head = self.read(0, min(HEADER, self.size))
            if head[:1] in (b"", b"\0"):
                raise not_a_tar(self.name, head)  # noqa: TRY301 - closed in one place
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

    def _keep_pipe(self, blocks: Iterator[bytes]) -> None:
        head = _at_least(HEADER, blocks)
        if not head:
            raise TarReadError(
                fill(_("{archive} is empty."), archive=self.name),
                _("The program that writes into the pipe wrote nothing; see its own message."),
            )
        self.compression = sniff(head)
        whole = itertools.chain([head], blocks)
        self._keep(decompressed(whole, self.compression, self.name))

    def _keep(self, pieces: Iterator[bytes]) -> None:
        """Read from a scratch file with these bytes from now on; anything but a tar is dropped."""
        head = _at_least(HEADER, pieces)
        if not is_tar(head):
            raise not_a_tar(self.name, head)
        try:
            scratch = scratch_file()
        except OSError as error:
            raise _failed(self.name, error) from error
        try:
            size = sum(_write_all(scratch, piece) for piece in itertools.chain([head], pieces))
        except OSError as error:
            os.close(scratch)
            raise _failed(self.name, error) from error
        except BaseException:
            os.close(scratch)
            raise
        os.close(self._descriptor)
        self._descriptor, self.size = scratch, size


def is_plain(path: Path) -> bool:
    """Report whether a path is an uncompressed file, which is opened in no time; never raises."""
    try:
        if path == STANDARD_INPUT or not path.is_file():
            return False
        with path.open("rb") as file:
            return sniff(file.read(MAGIC)) is Compression.NONE
    except (OSError, ValueError):
        return False


def scratch_file() -> int:
    """Open an unnamed private file on disk and return its file descriptor.

    Created in TMPDIR if that is set, else in /var/tmp, because /tmp is in memory on many systems.
    """
    folder = None
    if "TMPDIR" not in os.environ and os.access(_VAR_TMP, os.W_OK | os.X_OK):
        folder = _VAR_TMP
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        return os.dup(file.fileno())


def _open(path: Path, name: str) -> tuple[int, bool]:
    """Return a descriptor, and whether it is a pipe's."""
    try:
        if path == STANDARD_INPUT:
            descriptor = open_standard_input()
        else:
            # O_NONBLOCK: a named pipe must not hang.
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise ArchiveNotFound(
            fill(_("There is no archive at {path}."), path=name),
            fill(_("The full path is {path}."), path=path.absolute()),
        ) from error
    except (OSError, ValueError) as error:
        raise _failed(name, error) from error
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor, False
    if is_pipe(descriptor, path):
        return descriptor, True
    os.close(descriptor)
    raise TarReadError(
        fill(_("{archive} is not a regular file."), archive=name),
        _("Pass a file, an OCI folder, or - for what another program writes into a pipe."),
    )


def _at_least(size: int, pieces: Iterator[bytes]) -> bytes:
    """Take pieces until they have this size, or none is left."""
    head = b""
    while len(head) < size and (piece := next(pieces, None)) is not None:
        head += piece
    return head


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
