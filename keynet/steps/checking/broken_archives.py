"""Wheels and sdists of the project that no installer can open.

Only what is sure is refused: an archive that is too large to be read here is left to the build.
"""

import io
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final

from keynet.errors import ContextInvalid, InvalidArchive, TarReadError
from keynet.plan import BuildPlan, Recipe
from keynet.text import _, fill, printable, size

__all__ = ["check"]

# A line that names an archive of the set of files, and no marker or folder in it.
_LINE: Final = (
    r"(?:[\w.-]+(?:\[[\w,. -]*\])? @ )?\./(archives/[^\s#;\[]+)(?:\[[\w,. -]*\])?(?: --\S+)*"
)
_FOLDER: Final = b"archives/"
_WHEEL: Final = ".whl"
_METADATA: Final = r"[^/]+\.dist-info/METADATA"
_PROJECT: Final = r"(?:.*/)?(?:pyproject\.toml|setup\.py)"
# The end of a zip archive, which a comment may follow, and where it has the directory's size.
_ZIP: Final = b"PK"
_END: Final = b"PK\5\6"
_LONGEST_END: Final = 22 + 65_535
_DIRECTORY_SIZE: Final = slice(12, 16)
# A wheel of ten thousand files has one of a megabyte.
_LARGEST_DIRECTORY: Final = 4_000_000
_LARGEST_METADATA: Final = 4_000_000
_LARGEST_SDIST: Final = 16_000_000
_LARGEST_TAR: Final = 32_000_000
# Of all archives together; a directory of a zip archive costs more than a tar of its size.
_MOST_IN_ALL: Final = 100_000_000
_COST_OF_DIRECTORY: Final = 30
# What unpacks to so much, and so many times what it has, was made to fill disks: code and data
# of wheels have a tenth of that.
_MUCH: Final = 2_000_000_000
_NO_CONTENT: Final = 200
_TAR_BLOCK: Final = 512
_TAR_END: Final = bytes(2 * _TAR_BLOCK)
_UNREADABLE: Final = (
    *(EOFError, NotImplementedError, OSError, RuntimeError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)


def check(plan: BuildPlan) -> None:
    """Refuse a wheel or an sdist of the project that cannot be opened.

    Raises:
        ContextInvalid: There is one.
    """
    if not isinstance(plan.recipe, Recipe):
        return
    left = _Budget()
    for path, content in _listed(plan.recipe.dependencies.files):
        if not left.covers(0):
            return
        name = PurePosixPath(path).name
        is_wheel = name.endswith(_WHEEL)
        try:
            with _opened(content) as file:
                why = _why_no_wheel(file, left) if is_wheel else _why_no_sdist(file, name, left)
        except OSError:
            # A copy that another keynet has removed: the build makes it again, or names it.
            continue
        if why:
            raise ContextInvalid(
                fill(
                    _("{file} of the project cannot be installed: {why}."),
                    file=printable(name, 200),
                    why=why,
                ),
                _("Build or download the file again, or list the package by its name."),
            )


class _Budget:
    """How much is read of all archives together."""

    def __init__(self) -> None:
        self._left = _MOST_IN_ALL

    def covers(self, size: int) -> bool:
        """Report whether that much may be read, and count it."""
        self._left -= size
        return self._left >= 0


def _listed(files: Mapping[str, bytes | Path]) -> Iterator[tuple[str, bytes | Path]]:
    if not any(isinstance(it, bytes) and _FOLDER in it for it in files.values()):
        return
    from keynet.steps.checking.listed_lines import listed_lines

    for line in listed_lines(files):
        found = re.fullmatch(_LINE, line)
        content = files.get(found[1]) if found is not None else None
        if found is not None and content is not None:
            yield found[1], content


@contextmanager
def _opened(content: bytes | Path) -> Iterator[IO[bytes]]:
    if isinstance(content, bytes):
        yield io.BytesIO(content)
    else:
        with content.open("rb") as file:
            yield file


def _why_no_wheel(file: IO[bytes], left: _Budget) -> str:
    """Return why a file is not a wheel; "" if it is one, or if that is not sure."""
    directory = _directory_size(file)
    if directory is None:
        return _("it is not a zip archive, or it is truncated")
    if directory > _LARGEST_DIRECTORY or not left.covers(directory * _COST_OF_DIRECTORY):
        return ""
    try:
        with zipfile.ZipFile(file) as archive:
            names = [it for it in archive.namelist() if re.fullmatch(_METADATA, it)]
            if not names:
                return _("it is not a wheel, since it has no METADATA in a .dist-info folder")
            with archive.open(names[0]) as metadata:
                metadata.read(_LARGEST_METADATA)
            return _why_too_much(archive.infolist())
    except _UNREADABLE:
        return _("its METADATA cannot be read, so that the file is damaged")


def _why_too_much(members: list[zipfile.ZipInfo]) -> str:
    """Return why an archive must not be unpacked: it would fill the disk. "" if it may be."""
    unpacked = sum(one.file_size for one in members)
    packed = sum(one.compress_size for one in members)
    if unpacked < _MUCH or unpacked < _NO_CONTENT * packed:
        return ""
    return fill(
        _("its {packed} unpack to {unpacked}, which no package has"),
        packed=size(packed),
        unpacked=size(unpacked),
    )


def _why_no_sdist(file: IO[bytes], name: str, left: _Budget) -> str:
    """Return why a file is not an sdist; "" if it is one, or if that is not sure."""
    if file.read(len(_ZIP)) == _ZIP or name.endswith(".zip"):
        directory = _directory_size(file)
        if directory is None:
            return _("it is not a zip archive, or it is truncated")
        if directory > _LARGEST_DIRECTORY or not left.covers(directory * _COST_OF_DIRECTORY):
            return ""
        try:
            with zipfile.ZipFile(file) as archive:
                return _without_project(archive.namelist()) or _why_too_much(archive.infolist())
        except _UNREADABLE:
            return _("it is a damaged zip archive")
    file.seek(0)
    content = file.read(_LARGEST_SDIST + 1)
    return "" if len(content) > _LARGEST_SDIST else _why_no_tar(content, name, left)


def _directory_size(file: IO[bytes]) -> int | None:
    """Return how large the directory of a zip archive is; None where the file is not one."""
    length = file.seek(0, io.SEEK_END)
    file.seek(max(0, length - _LONGEST_END))
    end = file.read(_LONGEST_END)
    file.seek(0)
    at = end.rfind(_END)
    return None if at < 0 else int.from_bytes(end[at:][_DIRECTORY_SIZE], "little")


def _why_no_tar(content: bytes, name: str, left: _Budget) -> str:
    from keynet.archive.compression import MAGIC, Compression, decompressed, sniff

    compression = sniff(content[:MAGIC])
    if compression is Compression.NONE:
        return _("it is not a compressed archive")
    tar, why = b"", ""
    try:
        for piece in decompressed((content,), compression, name):
            tar += piece
            if len(tar) > _LARGEST_TAR or not left.covers(len(piece)):
                return ""
    except (InvalidArchive, TarReadError):
        why = _("it is damaged or truncated")
    if why and not tar.endswith(_TAR_END):
        return why
    try:
        tarfile.TarInfo.frombuf(tar[:_TAR_BLOCK], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return _("it has no tar archive in it")
    return _without_project(_members(tar, name))


def _members(tar: bytes, name: str) -> list[str]:
    """Return the names in a tar; none where they are not known for sure."""
    from keynet.archive import tar as tars

    try:
        return tars.index(_Bytes(tar, name)).names()
    except (InvalidArchive, TarReadError):
        return []


def _without_project(names: list[str]) -> str:
    if not names or any(re.fullmatch(_PROJECT, name, re.DOTALL) for name in names):
        return ""
    return _("it has neither pyproject.toml nor setup.py, so that nothing can be built of it")


class _Bytes:
    """Bytes as the source of ``archive.tar.index``."""

    def __init__(self, content: bytes, name: str) -> None:
        self.name = name
        self.size = len(content)
        self._content = content

    def read(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length]
