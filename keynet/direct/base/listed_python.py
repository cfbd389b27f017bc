"""Find the Python of a base image in the list of its files.

Source: the documentation of the module ``site``; PEP 394; Debian Python Policy, 2.3.
"""

import posixpath
import re
from collections.abc import Mapping
from typing import Any, Final

from keynet.direct.base.base_listing import Listing
from keynet.direct.base.target_python import TargetPython
from keynet.errors import ValidationError
from keynet.text import _, fill

__all__ = ["find_python"]

_DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PROGRAM: Final = re.compile(r"(?:.*/)?python(3)\.(\d{1,2})")
_GLIBC: Final = re.compile(rb"GNU C Library [^\n]{0,80}version 2\.(\d{1,3})")
_GLIBC_NAME: Final = re.compile(r"libc-2\.(\d{1,3})\.so")
_MUSL: Final = re.compile(r"(?:usr/)?lib/ld-musl-[a-z0-9_]+\.so\.1")
_DEBIAN: Final = "usr/lib/python3/dist-packages"


def find_python(listing: Listing, config: Mapping[str, Any], base: str) -> TargetPython:
    """Return the Python that ``python3`` starts in the image.

    Args:
        base: The image's name, for errors.

    Raises:
        ValidationError: It has none, or one that is not understood.
    """
    for folder in _path(config):
        found = listing.resolve(posixpath.join(folder, "python3"))
        if found is None:
            continue
        version = _PROGRAM.fullmatch(found)
        if version is None:
            raise _not_known(base, fill(_("its {path} has no version in its name"), path=found))
        own = posixpath.dirname(posixpath.normpath(folder)).strip("/")
        if f"{own}/pyvenv.cfg" in listing.paths:
            raise _not_known(base, fill(_("its Python is a virtual environment, {path}"), path=own))
        numbers = (int(version[1]), int(version[2]))
        return TargetPython(
            numbers, f"/{found}", _packages(listing, found, numbers), _glibc(listing, base)
        )
    raise ValidationError(
        fill(_("The base image {base} has no python3 on its PATH."), base=base),
        _("Choose a base with Python, such as python:3.11-slim, with --base-image."),
    )


def _path(config: Mapping[str, Any]) -> list[str]:
    run = config.get("config")
    lines = run.get("Env") if isinstance(run, dict) else None
    for line in lines if isinstance(lines, list) else []:
        if isinstance(line, str) and line.startswith("PATH=") and len(line) > len("PATH="):
            return [each for each in line.removeprefix("PATH=").split(":") if each]
    return _DEFAULT_PATH.split(":")


def _packages(listing: Listing, program: str, version: tuple[int, int]) -> str:
    prefix = posixpath.dirname(posixpath.dirname(program))
    minor = f"python{version[0]}.{version[1]}"
    if prefix == "usr" and _DEBIAN in listing.paths:
        # Debian's Python installs there what its package manager does not.
        return f"/usr/local/lib/{minor}/dist-packages"
    return posixpath.join("/", prefix, "lib", minor, "site-packages")


def _glibc(listing: Listing, base: str) -> int | None:
    """Return the minor version of glibc; None for musl."""
    for path, content in sorted(listing.contents.items()):
        named = _GLIBC_NAME.fullmatch(posixpath.basename(path))
        found = named[1].encode() if named else None
        if found is None and (stated := _GLIBC.search(content)):
            found = stated[1]
        if found is not None:
            return int(found)
    if any(_MUSL.fullmatch(path) for path in listing.paths):
        return None
    raise _not_known(base, _("it has no C library that keynet knows"))


def _not_known(base: str, why: str) -> ValidationError:
    return ValidationError(
        fill(
            _("Packages for the base image {base} cannot be chosen without an engine: {why}."),
            base=base,
            why=why,
        ),
        _("Build with an engine (--builder), or choose another base with --base-image."),
    )
