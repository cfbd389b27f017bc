"""The packages that a base image brings, by the metadata in it.

What the base's Python imports without further ado counts: its own folders of packages. Folders
that a .pth file or a variable adds are left out, so what is in them is installed again.

Source: the documentation of the module ``site``; PEP 376; Debian Python Policy, 2.2.
"""

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keynet.direct.base.target_python import TargetPython
from keynet.frozen import frozen

if TYPE_CHECKING:
    from keynet.direct.base.base_listing import Listing

__all__ = ["BasePackages", "find_packages"]

_DEBIAN: Final = "usr/lib/python3/dist-packages"


@frozen
class BasePackages:
    """Folders in the order of the import path, and in them the metadata files by path.

    Paths have no leading ``/``. Empty where nothing is known, too.
    """

    folders: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> str:
        """Return a hash of what decides which packages are installed again; "" for none."""
        if not self.files:
            return ""
        text = json.dumps([self.folders, sorted(self.files.items())])
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()

    def write(self, top: Path) -> list[str]:
        """Write the files below a new folder; return the folders of packages in it."""
        written = [top / str(number) for number in range(len(self.folders))]
        for folder in written:
            folder.mkdir(parents=True)
        for path, text in self.files.items():
            for inside, folder in zip(self.folders, written, strict=True):
                name = path.removeprefix(f"{inside}/")
                # What a cache in a registry tells may be anything: "//etc/file" is below no folder.
                if name != path and not {"", ".", ".."} & set(name.split("/")):
                    file = folder / name
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text, encoding="utf-8")
        return [str(folder) for folder in written]


def find_packages(listing: "Listing", python: TargetPython) -> BasePackages:
    """Return the packages in the folders of a base's Python.

    Args:
        listing: Of the base, or of its upper layers only.
    """
    folders = []
    for folder in _folders(listing, python):
        # Where the lower layers are not listed, a folder need not be in the list.
        found = listing.resolve(folder) or folder
        if found not in folders:
            folders.append(found)
    files = dict(_files(listing, folders))
    return BasePackages(tuple(folders), files) if files else BasePackages()


def _files(listing: "Listing", folders: list[str]) -> Iterator[tuple[str, str]]:
    for path, content in sorted(listing.metadata.items()):
        inside, _slash, entry = path.rpartition("/")
        if not entry.endswith(".egg-info"):
            inside = posixpath.dirname(inside)
            if posixpath.dirname(path) in listing.metadata:
                # A file that has taken the folder's place.
                continue
        if inside in folders:
            yield path, content.decode("utf-8", "replace")


def _folders(listing: "Listing", python: TargetPython) -> list[str]:
    """Return the folders that this Python imports from, the first one first."""
    prefix = posixpath.dirname(posixpath.dirname(python.executable)).strip("/")
    minor = f"python{python.minor}"
    if prefix == "usr" and _DEBIAN in listing.paths:
        return [python.packages.strip("/"), _DEBIAN, f"usr/lib/{minor}/dist-packages"]
    inside = [posixpath.join(prefix, lib, minor, "site-packages") for lib in ("lib", "lib64")]
    return [python.packages.strip("/"), *inside]
