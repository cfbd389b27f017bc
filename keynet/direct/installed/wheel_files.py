"""Place the files of a wheel in an image, as an installer would.

A wheel is not trusted: what it has outside its own places, and everything but regular files, is
refused. No mode bit but "executable" is taken over.

Source: Binary distribution format; Entry points specification.
"""

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Final

from keynet.direct.installed.installed_record import Installed, record
from keynet.direct.installed.wheel import Wheel
from keynet.direct.layers.tar_stream import Entry, FilePart, file_entry
from keynet.errors import BuildFailed
from keynet.frozen import frozen
from keynet.oci.whiteouts import WHITEOUT
from keynet.text import _, fill, printable

__all__ = [
    "PREFIX",
    "PlacedWheel",
    "packages_folder",
    "place_wheel",
    "shared_files",
    "wheel_entries",
]

# Where an engine build installs, too.
PREFIX: Final = "opt/keynet"
_INSTALLER: Final = b"uv"
# Of an installation, not of a wheel.
_LEFT_OUT: Final = frozenset(
    {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_build.json", "uv_cache.json"}
)
# Nothing is tried twice, however long a run of spaces is.
_ENTRY_POINT: Final = re.compile(
    r"(?P<module>[A-Za-z_][\w.]*+)\s*+(?::\s*+(?P<name>[A-Za-z_][\w.]*+)\s*+)?+(?:\[.*\])?"
)
# Letters of every script: uv and pip install those, too.
_SCRIPT_NAME: Final = re.compile(r"[\w.][\w.+ -]*")
_SCRIPT: Final = """\
#!/{prefix}/bin/python
# -*- coding: utf-8 -*-
import sys
from {module} import {first}
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit({name}())
"""
_SHEBANG: Final = re.compile(rb"#!python(w)?[^\n]*")
_SMALL: Final = 1 << 20
# The environment's own files.
_OWN: Final = re.compile(
    rf"{PREFIX}/(?:bin/python[\d.]*|pyvenv\.cfg|lib64(?:/.*)?|\.lock)"
    r"|.*/site-packages/_keynet_\w+\.pth"
)
# A file with the name of one of these folders would replace what all wheels have in it.
_FOLDERS: Final = re.compile(
    rf"{PREFIX}(?:/(?:bin|include|lib|scripts|share|lib/python[\d.]+(?:/site-packages)?))?"
)
# More than any package has; without a limit one wheel fills the memory.
_MOST_FILES: Final = 100_000
_MOST_SCRIPTS: Final = 10_000
# Of a file that is not there, but removes what other layers have.


def packages_folder(minor: str) -> str:
    """Return the folder of the packages, for a Python such as ``3.11``."""
    return f"{PREFIX}/lib/python{minor}/site-packages"


@frozen
class PlacedWheel:
    """A wheel and where its files go, without those that an installer makes.

    ``entries`` have their places as keys, ``sizes`` and ``sources`` too: bytes of each file, and
    its path in the wheel. ``size`` is that of all files of the wheel in bytes.
    """

    wheel: Wheel
    entries: Mapping[str, Entry] = field(repr=False)
    sizes: Mapping[str, int] = field(repr=False)
    sources: Mapping[str, str] = field(repr=False)
    size: int


def place_wheel(wheel: Wheel, minor: str) -> PlacedWheel:
    """Return a wheel with the places of its files in the image.

    Raises:
        BuildFailed: The wheel has what no wheel may have.
    """
    packages = f"{packages_folder(minor)}/"
    entries: dict[str, Entry] = {}
    sizes: dict[str, int] = {}
    sources: dict[str, str] = {}
    size = 0
    for path, found in _files(wheel):
        size += found.st_size
        entry = _placed(wheel, path, found, minor)
        if entry is not None:
            _refuse_strangers(wheel, entry.path)
            _refuse_another_project(wheel, path, entry.path.removeprefix(packages))
            entries[entry.path] = entry
            sizes[entry.path] = found.st_size
            sources[entry.path] = path
    return PlacedWheel(wheel, entries, sizes, sources, size)


def wheel_entries(placed: PlacedWheel, minor: str) -> list[Entry]:
    """Return the files that a wheel installs, without their folders.

    Raises:
        BuildFailed: An entry point is not valid.
    """
    packages, wheel = packages_folder(minor), placed.wheel
    entries = dict(placed.entries)
    for entry in _scripts(wheel):
        entries[entry.path] = entry
    installer = file_entry(f"{packages}/{wheel.metadata}/INSTALLER", _INSTALLER)
    entries[installer.path] = installer
    installed = [
        Installed(path, entry.content, placed.sources.get(path, ""), placed.sizes.get(path, 0))
        for path, entry in entries.items()
    ]
    own = f"{wheel.metadata}/RECORD"
    content = record(wheel.root / own, installed, packages, own)
    return [*entries.values(), file_entry(f"{packages}/{own}", content)]


def shared_files(wheels: Sequence[PlacedWheel]) -> dict[str, list[str]]:
    """Return the places that several wheels have a file for, with the wheels' names."""
    owners: dict[str, str] = {}
    shared: dict[str, list[str]] = {}
    for placed in wheels:
        for path in placed.entries:
            first = owners.setdefault(path, placed.wheel.name)
            if first != placed.wheel.name:
                shared.setdefault(path, [first]).append(placed.wheel.name)
    return shared


def _files(wheel: Wheel) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files of an unpacked wheel, in an order of its own."""
    pending = [""]
    count = 0
    while pending:
        folder = pending.pop()
        with os.scandir(wheel.root / folder) as found:
            for each in sorted(found, key=lambda one: one.name):
                path = f"{folder}/{each.name}" if folder else each.name
                count += 1
                if count > _MOST_FILES:
                    raise _hostile(wheel, path, _("it has too many files"))
                if not _plain(each.name):
                    raise _hostile(wheel, path, _("its name has control characters"))
                status = each.stat(follow_symlinks=False)
                if stat.S_ISDIR(status.st_mode):
                    pending.append(path)
                elif stat.S_ISREG(status.st_mode):
                    yield path, status
                else:
                    raise _hostile(wheel, path, _("it is neither a file nor a folder"))


def _placed(wheel: Wheel, path: str, found: os.stat_result, minor: str) -> Entry | None:
    """Return where a file of the wheel is in the image; None for one that is left out."""
    first, _slash, rest = path.partition("/")
    source = wheel.root / path
    packages = packages_folder(minor)
    executable = bool(found.st_mode & 0o111)
    if first != _data(wheel):
        left_out = first in _LEFT_OUT or (first == wheel.metadata and rest in _LEFT_OUT)
        return None if left_out else file_entry(f"{packages}/{path}", source, executable=executable)
    scheme, _slash, inner = rest.partition("/")
    if scheme == "scripts":
        return file_entry(f"{PREFIX}/bin/{inner}", _script(source), executable=True)
    places = {
        "purelib": packages,
        "platlib": packages,
        "data": PREFIX,
        "headers": f"{PREFIX}/include/site/python{minor}/{_project(wheel)}",
    }
    if scheme not in places:
        raise _hostile(wheel, path, _("wheels have no such place"))
    return file_entry(f"{places[scheme]}/{inner}", source, executable=executable)


def _plain(name: str) -> bool:
    """Report whether a file's name is UTF-8 without line ends, escape sequences and the like."""
    if name.isascii():
        return name.isprintable()
    return not any(unicodedata.category(character) in {"Cc", "Cs"} for character in name)


def _refuse_another_project(wheel: Wheel, path: str, inside: str) -> None:
    """Refuse a wheel with the metadata of two projects: pip would list one that nobody chose.

    Args:
        inside: Where it goes, below the folder of the packages, if it goes there.
    """
    first = inside.partition("/")[0]
    # As ``importlib.metadata`` reads names.
    stem, dot, kind = first.lower().rpartition(".")
    foreign = kind == "dist-info" and first != wheel.metadata
    if kind == "egg-info":
        foreign = re.sub(r"[-_.]+", "-", stem.partition("-")[0]) != wheel.name
    if dot and foreign:
        raise _hostile(wheel, path, _("it is of another package"))


def _data(wheel: Wheel) -> str:
    return wheel.metadata.removesuffix(".dist-info") + ".data"


def _refuse_strangers(wheel: Wheel, path: str) -> None:
    parts = path.split("/")
    own = _OWN.fullmatch(path) or _FOLDERS.fullmatch(path)
    odd = {"..", ".", ""}.intersection(parts) or any(each.startswith(WHITEOUT) for each in parts)
    if odd or own:
        raise _hostile(wheel, path, _("it would replace a file that is not the package's"))


def _script(source: Path) -> Path | FilePart:
    """Return a script that starts with the environment's Python; other programs stay files.

    It is not read as a whole: those of all wheels of a project would be in memory together.
    """
    with source.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > _SMALL or not _SHEBANG.match(file.read(64)):
            return source
        file.seek(0)
        line = _SHEBANG.match(file.readline())
    start = line.end() if line else 0
    return FilePart(source, start, size - start, f"#!/{PREFIX}/bin/python".encode())


def _scripts(wheel: Wheel) -> Iterator[Entry]:
    """Yield the programs of the entry points."""
    file = wheel.root / wheel.metadata / "entry_points.txt"
    if not file.is_file():
        return
    if file.stat().st_size > _SMALL:
        raise _hostile(wheel, f"{wheel.metadata}/entry_points.txt", _("it is too large"))
    try:
        sections = _sections(file.read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise _hostile(wheel, f"{wheel.metadata}/entry_points.txt", str(error)) from error
    for section in ("console_scripts", "gui_scripts"):
        found = sections.get(section, {})
        if len(found) > _MOST_SCRIPTS:
            raise _hostile(wheel, f"{wheel.metadata}/entry_points.txt", _("it is too large"))
        for name, value in sorted(found.items()):
            target = _ENTRY_POINT.fullmatch(value)
            path = f"{PREFIX}/bin/{name}"
            if target is None or target["name"] is None or not _SCRIPT_NAME.fullmatch(name):
                raise _hostile(wheel, name, _("it is not a valid entry point"))
            _refuse_strangers(wheel, path)
            text = _SCRIPT.format(
                prefix=PREFIX,
                module=target["module"],
                first=target["name"].partition(".")[0],
                name=target["name"],
            )
            yield file_entry(path, text.encode(), executable=True)


def _sections(text: str) -> dict[str, dict[str, str]]:
    """Return the entry points of each section, as ``importlib.metadata`` reads them.

    Not by ``configparser``, whose expressions take hours for a line of many spaces.
    """
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in map(str.strip, text.split("\n")):
        if line.startswith("[") and line.endswith("]"):
            section = sections.setdefault(line[1:-1].strip(), {})
        elif line and line[0] not in "#;":
            name, _equals, value = line.partition("=")
            section[name.strip()] = value.strip()
    return sections


def _project(wheel: Wheel) -> str:
    """Return the project's name as its metadata spells it."""
    with (wheel.root / wheel.metadata / "METADATA").open("rb") as file:
        head = file.read(_SMALL).decode("utf-8", "replace")
    found = re.search(r"^Name:[ \t]*([A-Za-z0-9._-]+)[ \t]*$", head.partition("\n\n")[0], re.M)
    return found[1] if found else wheel.name


def _hostile(wheel: Wheel, path: str, why: str) -> BuildFailed:
    return BuildFailed(
        fill(
            _("The wheel of {name} {version} is not installed: {path}: {why}."),
            name=wheel.name,
            version=printable(wheel.version, 60),
            path=printable(path, 200),
            why=why,
        ),
        _("Do not use this package; the wheel may have been made to do harm."),
    )
