"""A folder of the project in which dependencies are looked for, and its files."""

import posixpath
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from keynet.errors import ContextInvalid
from keynet.files import limited_toml
from keynet.files.beneath import Beneath, LeavesFolder
from keynet.frozen import frozen
from keynet.text import _, fill, printable

__all__ = ["Folder", "invalid", "refused", "table"]

_LARGEST: Final = 5_000_000
_POINTER: Final = b"version https://git-lfs.github.com/spec/"
# A document is needed for several questions, and takes a second to parse for each 2 MB.
_DOCUMENTS: WeakKeyDictionary[Beneath, dict[str, dict[str, Any]]] = WeakKeyDictionary()


@frozen
class Folder:
    """One folder below ``beneath``; ``path`` is "" for that folder itself.

    ``root`` is the folder of ``beneath`` as messages show it.
    """

    beneath: Beneath
    root: Path
    path: str = ""

    def inside(self, relative: str) -> str:
        """Return a path of this folder as a path below ``beneath``."""
        return posixpath.join(self.path, relative)

    def at(self, relative: str) -> "Folder":
        """Return a folder named in a file of this one."""
        return Folder(self.beneath, self.root, self.inside(relative))

    def where(self, name: str = "") -> Path:
        """Return the path of a file of this folder, for messages."""
        return self.root / posixpath.normpath(posixpath.join(self.path, name or "."))

    def has(self, name: str) -> bool:
        """Report whether there is an entry of this name, of any kind and even if unusable."""
        try:
            return self.beneath.kind(self.inside(name)) is not None or self._is_listed(name)
        except OSError:
            return True

    def names(self) -> list[str]:
        """Return the names of its entries; none where it cannot be read."""
        try:
            return self.beneath.names(self.path)
        except OSError:
            return []

    def is_folder(self, name: str) -> bool:
        """Report whether this is a folder that lies in the project."""
        try:
            return self.beneath.kind(self.inside(name)) == "folder"
        except OSError:
            return False

    def is_file(self, name: str) -> bool:
        """Report whether this is a regular file that lies in the project."""
        try:
            return self.beneath.kind(self.inside(name)) == "file"
        except OSError:
            return False

    def read(self, name: str, limit: int = _LARGEST) -> bytes:
        """Return the content of a file.

        Raises:
            ContextInvalid: It is absent, unreadable, not a regular file, larger than ``limit``
                bytes, or not in the project.
        """
        try:
            content = self.beneath.read(self.inside(name), limit)
        except OSError as error:
            raise refused(self.where(name), error) from error
        if content is None:
            raise invalid(self.where(name), _("it is too large"))
        return content

    def toml(self, name: str, limit: int = _LARGEST) -> dict[str, Any]:
        """Return a TOML document, which is read and parsed once; do not change it.

        Raises:
            ContextInvalid: As ``read``, or it is not valid TOML.
        """
        known = _DOCUMENTS.setdefault(self.beneath, {})
        path = self.inside(name)
        try:
            if path not in known:
                known[path] = limited_toml.loads(self.read(name, limit))
            return known[path]
        except ValueError as error:
            if self.read(name, limit).startswith(_POINTER):
                raise invalid(
                    self.where(name),
                    _("it is a Git LFS pointer, not the file itself"),
                    _("Download it first: git lfs pull"),
                ) from error
            raise invalid(self.where(name), printable(error, 200)) from error

    def _is_listed(self, name: str) -> bool:
        # A dangling link is listed, but nothing is there.
        return "/" not in name and name in self.beneath.names(self.path)


def table(node: object, *keys: str) -> dict[str, Any]:
    """Return the table below some keys; empty if there is none, or something else."""
    for key in keys:
        node = node.get(key) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else {}


def invalid(path: Path, reason: str, hint: str = "") -> ContextInvalid:
    """Return the error on a file that cannot be used."""
    return ContextInvalid(
        fill(_("{path} cannot be used: {reason}."), path=path, reason=reason),
        hint or _("Correct the file, or pass a requirements file with --requirements FILE."),
    )


def refused(path: Path, error: OSError) -> ContextInvalid:
    """Return the error on a file that cannot be read."""
    if isinstance(error, LeavesFolder):
        return ContextInvalid(
            fill(_("{path} is outside the build context."), path=path),
            _("Copy it into the context, or pass it with --requirements FILE."),
        )
    return ContextInvalid(
        fill(_("{path} cannot be read: {reason}."), path=path, reason=error.strerror or str(error)),
        _("Check the path, and that it is a regular file that you may read."),
    )
