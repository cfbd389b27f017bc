"""Remember what lists of base images have shown, by the digest of their config."""

import json
from typing import Final

from keynet.direct.base.base_packages import BasePackages
from keynet.direct.base.target_python import TargetPython
from keynet.errors import KeynetError
from keynet.files import places
from keynet.files.disk_cache import DAMAGED, DiskCache
from keynet.oci.descriptor import Digest

__all__ = [
    "keep_packages",
    "keep_python",
    "kept_packages",
    "kept_python",
    "kept_text",
    "packages_of",
    "python_of",
]

_MOST: Final = 64
_VERSION: Final = 1


def kept_text(config: Digest, kind: str) -> str:
    """Return what is kept of a base as text, for another machine; "" if nothing is.

    Args:
        kind: ``python`` or ``packages``, see ``python_of`` and ``packages_of``.
    """
    try:
        return (_cache(kind).get(config.hex) or b"").decode()
    except (ValueError, KeynetError):
        return ""


def kept_python(config: Digest) -> TargetPython | None:
    """Return what is known of a base; None if nothing is, or by another version of keynet."""
    return python_of(kept_text(config, "python"))


def python_of(text: str) -> TargetPython | None:
    """Return the Python that a kept text tells of; None if it is not one of this version."""
    try:
        record = json.loads(text or "{}")
        if record.get("format") != _VERSION:
            return None
        return TargetPython(
            tuple(map(int, record["version"])),
            _plain(record["executable"]),
            _plain(record["packages"]),
            None if record["glibc"] is None else int(record["glibc"]),
        )
    except DAMAGED:
        return None


def keep_python(config: Digest, python: TargetPython) -> None:
    """Remember a base's Python; a folder that cannot be written is not an error."""
    record = {
        "format": _VERSION,
        "version": list(python.version),
        "executable": python.executable,
        "packages": python.packages,
        "glibc": python.glibc,
    }
    try:
        _cache("python").put(config.hex, json.dumps(record))
    except (OSError, KeynetError):
        return


def kept_packages(config: Digest) -> BasePackages | None:
    """Return the packages of a base; None if they are not known."""
    return packages_of(kept_text(config, "packages"))


def packages_of(text: str) -> BasePackages | None:
    """Return the packages that a kept text tells of; None if it is not one of this version."""
    try:
        record = json.loads(text or "{}")
        if record.get("format") != _VERSION:
            return None
        files = {_plain(path): _plain(text, "strict") for path, text in record["files"].items()}
        return BasePackages(tuple(map(_plain, record["folders"])), files)
    except DAMAGED:
        return None


def keep_packages(config: Digest, packages: BasePackages) -> None:
    """Remember a base's packages; a folder that cannot be written is not an error."""
    record = {"format": _VERSION, "folders": packages.folders, "files": dict(packages.files)}
    try:
        _cache("packages").put(config.hex, json.dumps(record))
    except (OSError, KeynetError):
        return


def _plain(value: object, errors: str = "surrogateescape") -> str:
    """Return a text that can be a path or be written to a file; from this machine or another.

    Raises:
        ValueError: It cannot.
    """
    text = str(value)
    if "\0" in text:
        raise ValueError(text)
    text.encode(errors=errors)
    return text


def _cache(stem: str) -> DiskCache:
    return DiskCache(places.cache() / "bases", stem, _MOST)
