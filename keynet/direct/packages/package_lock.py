"""The lock of an image's packages: exactly the wheels that are in it, and nothing of this machine.

uv's own lock also names wheels that were not installed, and may have logins in its addresses and
paths of this machine. Pure.

Source: PEP 751 (pylock.toml).
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from itertools import product
from operator import itemgetter
from pathlib import PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

from keynet.errors import ValidationError
from keynet.frozen import frozen
from keynet.text import _, fill, printable

__all__ = ["Recorded", "narrowed", "parsed", "rendered", "wheel_hashes"]

_TOOL: Final = "keynet"
_SHA256: Final = re.compile("[0-9a-f]{64}")
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[\w.-]{0,200}[A-Za-z0-9])?", re.ASCII)


@frozen
class Recorded:
    """What else decided the layers.

    ``python`` is the minor version (``3.11``), ``compiler`` the full version of the Python that
    made the byte code, "" if there is none, and ``layout`` the version of the layers' layout.
    """

    python: str
    platform: str
    compiler: str
    layout: str


def narrowed(
    packages: Sequence[Mapping[str, Any]], tags: Mapping[str, frozenset[str]]
) -> list[dict[str, Any]]:
    """Return the packages with the one wheel that was installed, without logins and local paths.

    Args:
        packages: Of uv's lock.
        tags: Those that each installed wheel says it has, by the package's name.
    """
    named = sorted(((str(each.get("name")), each) for each in packages), key=itemgetter(0))
    return [_narrowed(package, tags.get(name, frozenset())) for name, package in named]


def wheel_hashes(packages: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the SHA-256 of each package's wheel, where the lock names exactly one."""
    found = {}
    for package in packages:
        wheels = _wheels(package)
        if not all(_file_name(each).endswith(".whl") for each in wheels):
            # Built on this machine: the hash of its source does not say what it is.
            continue
        hashes = [str(_object(each.get("hashes")).get("sha256", "")) for each in wheels]
        if len(hashes) == 1 and _SHA256.fullmatch(hashes[0]):
            found[str(package.get("name"))] = hashes[0]
    return found


def rendered(packages: Sequence[Mapping[str, Any]], recorded: Recorded) -> str:
    """Return the lock as text; equal packages give equal bytes."""
    import tomli_w  # only where packages were chosen anew

    document = {
        "lock-version": "1.0",
        "created-by": "keynet",
        "packages": list(packages),
        "tool": {
            _TOOL: {
                "python": recorded.python,
                "platform": recorded.platform,
                "compiler": recorded.compiler,
                "layout": recorded.layout,
            }
        },
    }
    return tomli_w.dumps(document)


def parsed(content: bytes) -> tuple[list[dict[str, Any]], Recorded]:
    """Return the packages of a lock that somebody has attached, and what else decided the layers.

    Only wheels with a hash and an address on the web get through: nothing else of it would be
    given to uv, which would also take folders, archives of sources and repositories.

    Raises:
        ValidationError: It is not a lock of this kind.
    """
    try:
        document = tomllib.loads(content.decode())
        packages = [_checked(each) for each in document["packages"]]
        stated = document["tool"][_TOOL]
        names = ("python", "platform", "compiler", "layout")
        recorded = Recorded(*(_text(stated, name) for name in names))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValidationError(
            fill(
                _("The image cannot be built again from the attached lock: {why}."),
                why=printable(error, 200),
            ),
            _(
                "keynet verifies images whose packages come from a package index, by the lock "
                "that keynet attached."
            ),
        ) from error
    return packages, recorded


def _checked(package: Mapping[str, Any]) -> dict[str, Any]:
    """Return a package whose wheels can be fetched anywhere.

    Raises:
        ValueError: It is not one.
        KeyError, TypeError: It has not the form of a package.
    """
    name = _text(package, "name")
    if not _NAME.fullmatch(name):
        raise ValueError(fill(_("{name!r} is not the name of a package"), name=name))
    wheels = _wheels(package)
    for wheel in wheels:
        if "path" in wheel:
            why = _("{file} of {name} came from a folder of the machine that built the image")
            raise ValueError(fill(why, file=_file_name(wheel), name=name))
        if urlsplit(_text(wheel, "url")).scheme not in ("http", "https"):
            raise ValueError(fill(_("{name} is not fetched from the web"), name=name))
        if not _SHA256.fullmatch(_text(wheel["hashes"], "sha256")):
            raise ValueError(fill(_("{name} has no hash"), name=name))
        if not _file_name(wheel).endswith(".whl"):
            raise ValueError(fill(_("{name} is not a wheel"), name=name))
    if not wheels:
        why = _("{name} has no wheel: the machine that built the image built it, too")
        raise ValueError(fill(why, name=name))
    return _narrowed(package, frozenset())


def _narrowed(package: Mapping[str, Any], tags: frozenset[str]) -> dict[str, Any]:
    names = ("name", "version", "requires-python")
    kept = {name: package[name] for name in names if name in package}
    if "archive" in package:
        return {**kept, "archive": _clean(package["archive"])}
    wheels = _wheels(package)
    if not wheels and "sdist" in package:
        return {**kept, "sdist": _clean(package["sdist"])}
    fitting = [each for each in wheels if tags and _tags(_file_name(each)) == tags]
    chosen = fitting if len(fitting) == 1 else wheels
    return {**kept, "wheels": [_clean(each) for each in chosen]}


def _wheels(package: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = package.get("wheels") or ([package["archive"]] if "archive" in package else [])
    return [each for each in listed if isinstance(each, Mapping)]


def _clean(wheel: Mapping[str, Any]) -> dict[str, Any]:
    """Return a wheel with an address that has no login, and only the name of a local file."""
    kept = {name: wheel[name] for name in ("upload-time", "size", "hashes") if name in wheel}
    parts = urlsplit(str(wheel.get("url", "")))
    if parts.scheme in ("http", "https"):
        host = parts.netloc.rpartition("@")[2]
        return {"url": urlunsplit((parts.scheme, host, parts.path, "", "")), **kept}
    return {"path": _file_name(wheel), **kept}


def _file_name(wheel: Mapping[str, Any]) -> str:
    place = wheel.get("path")
    if not isinstance(place, str):
        place = unquote(urlsplit(str(wheel.get("url", ""))).path)
    return PurePosixPath(place.replace("\\", "/")).name


def _tags(file_name: str) -> frozenset[str]:
    """Return the tags in a wheel's name, each by itself.

    Source: packaging.python.org, "Binary distribution format", "File name convention".
    """
    parts = file_name.removesuffix(".whl").split("-")
    if len(parts) < 5:
        return frozenset()
    return frozenset("-".join(each) for each in product(*(part.split(".") for part in parts[-3:])))


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table[name]
    if not isinstance(value, str):
        raise TypeError(fill(_("{name} is not a text"), name=name))
    return value
