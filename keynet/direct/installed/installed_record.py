"""RECORD of an installed wheel: each of its files with its hash and size.

What the wheel's own RECORD says of a file is taken over, as pip does: to hash all files once more
is a twentieth of a first push.

Source: Recording installed projects; Binary distribution format, "The .dist-info directory".
"""

import base64
import csv
import hashlib
import io
import os
import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final

from keynet.direct.layers.tar_stream import FilePart
from keynet.files import limited_read
from keynet.frozen import frozen

__all__ = ["Installed", "record"]

_LARGEST: Final = 16 << 20
_PIECE: Final = 1 << 20
# No wheel has more files.
_MOST_ROWS: Final = 200_000
_SIZE: Final = re.compile(r"[0-9]{1,15}")
_SHA256: Final = re.compile(r"sha256=[A-Za-z0-9_-]{43}")


@frozen
class Installed:
    """A file at its place in the image.

    ``content`` is a file that is as it was in the wheel, at ``source`` there and of ``size``
    bytes, or what was made for the image, which may be the end of a file with another head.
    """

    path: str
    content: bytes | Path | FilePart
    source: str
    size: int


def record(stated: Path, files: Iterable[Installed], packages: str, own: str) -> bytes:
    """Return RECORD, with paths relative to the packages.

    Args:
        stated: The wheel's own RECORD; it need not exist or be valid.
        packages: The folder of the packages in the image.
        own: The place of RECORD below it.
    """
    known = _stated(stated)
    lines = []
    for file in files:
        if isinstance(file.content, bytes):
            digest, size = _text(hashlib.sha256(file.content)), len(file.content)
        elif isinstance(file.content, Path) and (file.source, file.size) in known:
            digest, size = known[file.source, file.size], file.size
        else:
            digest, size = _read(file.content)
        lines.append(f"{_quoted(_relative(file.path, packages))},{digest},{size}\n")
    return ("".join(sorted(lines)) + f"{_quoted(own)},,\n").encode("utf-8", "surrogateescape")


def _read(content: Path | FilePart) -> tuple[str, int]:
    """Return the hash and the size of what a file on disk has."""
    part = content if isinstance(content, FilePart) else FilePart(content, 0, 0)
    with part.file.open("rb") as opened:
        opened.seek(part.start)
        whole = hashlib.sha256(part.head)
        while block := opened.read(_PIECE):
            whole.update(block)
        return _text(whole), len(part.head) + opened.tell() - part.start


def _stated(file: Path) -> dict[tuple[str, int], str]:
    """Return the hashes that a wheel states, by path and size; others than SHA-256 are left out."""
    known = {}
    try:
        content = limited_read.read(file, _LARGEST)
        lines = io.TextIOWrapper(io.BytesIO(content or b""), "utf-8", newline="")
        # Lines without a row count, too.
        for row in islice(csv.reader(lines), _MOST_ROWS):
            if len(row) == 3 and _SHA256.fullmatch(row[1]) and _SIZE.fullmatch(row[2]):
                known[row[0], int(row[2])] = row[1]
    except (OSError, UnicodeDecodeError, csv.Error):
        return {}
    return known


def _text(digest: "hashlib._Hash") -> str:
    return f"sha256={base64.urlsafe_b64encode(digest.digest()).rstrip(b'=').decode()}"


def _relative(path: str, packages: str) -> str:
    inside = path.removeprefix(f"{packages}/")
    return os.path.relpath(path, packages) if inside == path else inside


def _quoted(path: str) -> str:
    """Quote a field of a CSV file."""
    if set(path) & set(',"\r\n'):
        return '"' + path.replace('"', '""') + '"'
    return path
