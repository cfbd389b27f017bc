"""Read which files a package has, from what pip, conda and dpkg write into an image.

What is read here was written by whoever made the image: it only names files, whose sizes are
taken from the layers themselves.

Source: packaging.python.org, "Recording installed projects"; conda's ``conda-meta``; dpkg(1).
"""

import csv
import json
import posixpath
import re
from collections.abc import Mapping
from typing import Final

from keynet.frozen import frozen

__all__ = ["Package", "compared", "is_record", "read_record", "written_name"]

_LARGEST: Final = 16 << 20
_MOST_FILES: Final = 300_000
_LONGEST_LINE: Final = 5000
_LONGEST_NAME: Final = 100

_WHEEL: Final = re.compile(
    r"(?P<place>(?:.*/)?)(?P<name>[^/-]+)-(?P<version>[^/]+)\.dist-info/RECORD"
)
_METADATA: Final = re.compile(r"(?:.*/)?(?P<name>[^/-]+)-[^/]+\.dist-info/METADATA")
_NAME: Final = re.compile(rb"^Name: *([A-Za-z0-9._-]{1,100})[ \r]*$", re.MULTILINE)
_CONDA: Final = re.compile(r"(?P<place>(?:.*/)?)conda-meta/(?P<name>[^/]+)\.json")
_DEBIAN_LIST: Final = re.compile(r"var/lib/dpkg/info/(?P<name>[^/:]+)(?::[^/]+)?\.list")
_DEBIAN_STATUS: Final = "var/lib/dpkg/status"


@frozen
class Package:
    """A package as one layer records it.

    Attributes:
        kind: ``"python"``, ``"conda"`` or ``"debian"``.
        version: "" where it is not known.
        place: The folder that it is installed in, without a leading ``/``.
        record: The path of the file that says so.
        files: Their paths from the image's root.
    """

    kind: str
    name: str
    version: str
    place: str
    record: str
    files: tuple[str, ...] = ()


def is_record(path: str, size: int) -> bool:
    """Report whether a file says what a package has, and is small enough to be read."""
    if size > _LARGEST or not path.endswith(("/RECORD", "/METADATA", ".list", ".json", "/status")):
        return False
    forms = (_WHEEL, _METADATA, _CONDA, _DEBIAN_LIST)
    return path == _DEBIAN_STATUS or any(form.fullmatch(path) for form in forms)


def read_record(path: str, content: bytes) -> tuple[list[Package], Mapping[str, str]]:
    """Return the packages that a file records, and the versions of Debian's by their names."""
    text = content.decode("utf-8", "replace")
    if path == _DEBIAN_STATUS:
        return [], _debian_versions(text)
    if found := _WHEEL.fullmatch(path):
        place = found["place"].rstrip("/")
        files = _wheel_files(text, place)
        return [Package("python", *_named(found["name"], found["version"]), place, path, files)], {}
    if found := _CONDA.fullmatch(path):
        return _conda(text, found["place"].rstrip("/"), path), {}
    if found := _DEBIAN_LIST.fullmatch(path):
        lines = text.split("\n", _MOST_FILES)[:_MOST_FILES]
        files = tuple(line.strip("/") for line in lines if 1 < len(line) < _LONGEST_LINE)
        return [Package("debian", *_named(found["name"], ""), "", path, files)], {}
    return [], {}


def compared(name: str) -> str:
    """Return the form of a distribution's name by which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def written_name(path: str, content: bytes) -> str:
    """Return a distribution's name as its metadata writes it: ``scikit-learn``.

    Its record has the form for file names, ``scikit_learn``. "" for any other file, and for
    metadata of another distribution.
    """
    folder = _METADATA.fullmatch(path)
    found = _NAME.search(content)
    if folder is None or found is None:
        return ""
    name = found[1].decode()
    return name if compared(name) == compared(folder["name"]) else ""


def _wheel_files(text: str, place: str) -> tuple[str, ...]:
    found: list[str] = []
    lines = (line for line in text.split("\n", _MOST_FILES) if 0 < len(line) < _LONGEST_LINE)
    try:
        for row in csv.reader(lines):
            if row and row[0] and len(found) < _MOST_FILES:
                found.append(posixpath.normpath(posixpath.join("/", place, row[0])).strip("/"))
    except csv.Error:
        # What was read until here is what is known.
        pass
    return tuple(found)


def _conda(text: str, place: str, path: str) -> list[Package]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return []
    if not isinstance(document, dict):
        return []
    name, version, files = (document.get(key) for key in ("name", "version", "files"))
    if not isinstance(name, str) or not isinstance(version, str) or not isinstance(files, list):
        return []
    paths = tuple(
        posixpath.normpath(posixpath.join("/", place, each)).strip("/")
        for each in files[:_MOST_FILES]
        if isinstance(each, str) and len(each) < _LONGEST_LINE
    )
    return [Package("conda", *_named(name, version), place, path, paths)]


def _debian_versions(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in text.split("\n"):
        key, _colon, value = line.partition(": ")
        if key == "Package":
            name = value.strip()[:_LONGEST_NAME]
        elif key == "Version" and name and len(found) < _MOST_FILES:
            found[name] = value.strip()[:_LONGEST_NAME]
        elif not line:
            name = ""
    return found


def _named(name: str, version: str) -> tuple[str, str]:
    return name[:_LONGEST_NAME], version[:_LONGEST_NAME]
