"""Name what a file is that is not a tar, as far as its first bytes show it."""

import tarfile
from typing import Final

from keynet.errors import TarReadError
from keynet.text import _, fill

__all__ = ["HEADER", "is_tar", "not_a_tar"]

# The size of a tar's header, and so of its beginning.
HEADER: Final = 512

_OTHERS: Final = (
    (b"PK\3\4", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"LZIP", "lzip"),
    (b"\x1f\x9d", "compress (.Z)"),
    (b"\x5d\0\0", "lzma"),
    (b"hsqs", "squashfs"),
)


def is_tar(head: bytes) -> bool:
    """Report whether these are the first ``HEADER`` bytes of a tar that is not empty."""
    # A member's name never starts with a zero byte: a tar that starts with one is empty.
    if head[:1] in (b"", b"\0"):
        return False
    try:
        tarfile.TarInfo.frombuf(head[:HEADER], "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def not_a_tar(name: str, head: bytes) -> TarReadError:
    """Return the error for a file that is not a tar, with its format if that is known."""
    for magic, form in _OTHERS:
        if head.startswith(magic):
            return TarReadError(
                fill(
                    _("{archive} is not a tar archive: its format is {format}."),
                    archive=name,
                    format=form,
                ),
                _("Unpack it to a tar first; gzip, zstd, xz and bzip2 are read as they are."),
            )
    return TarReadError(
        fill(_("{archive} is not a tar archive."), archive=name),
        _("Create one with docker save, podman save or skopeo copy."),
    )
