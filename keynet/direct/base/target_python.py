"""The Python of a base image, as far as packages for it have to be chosen and placed.

The config of Python's own images names it, and their history what they are made on. Other bases
have to be read: see ``listed_python``.

Source: docker-library/python, "Dockerfile-linux.template"; PEP 600, PEP 656.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from keynet.frozen import frozen
from keynet.oci.platform import Platform

__all__ = ["TargetPython", "from_config", "own_layers", "uv_platform"]

_VERSION: Final = re.compile(r"(3)\.(\d{1,2})\.(\d{1,3})(?!\d)")
# Of a line of the history of Debian's image. The search takes a time that grows with the square.
_LONGEST: Final = 1_000
# The releases on which Python's own images are made, with their glibc.
_DEBIAN_GLIBC: Final = {"buster": 28, "bullseye": 31, "bookworm": 36, "trixie": 41}
_DEBIAN_LAYER: Final = re.compile(r"debian\.sh\b.*'(" + "|".join(_DEBIAN_GLIBC) + ")'")
_NEWEST: Final = 99
_PREFIX: Final = "/usr/local"
# The last line of the Dockerfile of Python's own images.
_LAST: Final = re.compile(r'(?:/bin/sh -c #\(nop\) +)?CMD \["python3"\](?: # buildkit)?')
# What uv has names for, by the minor version of glibc 2.
_MANYLINUX: Final = (17, 28, *range(31, 41))
_MACHINES: Final = {"amd64": "x86_64", "arm64": "aarch64"}


@frozen
class TargetPython:
    """A Python in an image.

    ``version`` has two parts at least. ``executable`` is the program itself and no link.
    ``packages`` is a folder in which it reads .pth files. ``glibc`` is the minor version of glibc
    2, None for musl.
    """

    version: tuple[int, ...]
    executable: str
    packages: str
    glibc: int | None

    @property
    def minor(self) -> str:
        """Its version as ``3.11``."""
        return ".".join(map(str, self.version[:2]))

    @property
    def full(self) -> str:
        """Its version as ``3.11.4``, as packages restrict it.

        Where the last part is not known, a high one: what packages leave out are first releases.
        """
        return ".".join(map(str, (*self.version, _NEWEST)[:3]))


def from_config(config: Mapping[str, Any]) -> TargetPython | None:
    """Return the Python of Python's own images; None for every other base.

    A prerelease counts as another base.
    """
    run = config.get("config")
    lines = run.get("Env") if isinstance(run, dict) else None
    environment = dict(
        line.partition("=")[::2]
        for line in (lines if isinstance(lines, list) else [])
        if isinstance(line, str) and "=" in line
    )
    version = _VERSION.fullmatch(environment.get("PYTHON_VERSION", ""))
    path = environment.get("PATH", "")
    glibc = _glibc(config.get("history"))
    if (
        version is None
        or glibc is None
        or "PYTHON_SHA256" not in environment
        or not path.startswith(f"{_PREFIX}/bin:")
    ):
        return None
    minor = f"3.{version[2]}"
    return TargetPython(
        tuple(map(int, version.groups())),
        f"{_PREFIX}/bin/python{minor}",
        f"{_PREFIX}/lib/python{minor}/site-packages",
        glibc,
    )


def own_layers(config: Mapping[str, Any], count: int) -> int:
    """Return how many layers of an image on Python's own one are that one's.

    Args:
        count: Of all its layers; returned also if the history does not tell.
    """
    entries = config.get("history")
    made = [each for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    layers = [not each.get("empty_layer") for each in made]
    if sum(layers) != count:
        return count
    for number, each in enumerate(made):
        text = each.get("created_by")
        if isinstance(text, str) and _LAST.fullmatch(text):
            return sum(layers[:number])
    return count


def uv_platform(python: TargetPython, platform: Platform) -> str | None:
    """Return uv's name for what runs on this platform; None if it has none."""
    machine = _MACHINES.get(platform.architecture)
    if machine is None or platform.os != "linux":
        return None
    if python.glibc is None:
        return f"{machine}-unknown-linux-musl"
    usable = [known for known in _MANYLINUX if known <= python.glibc]
    return f"{machine}-manylinux_2_{usable[-1]}" if usable else None


def _glibc(history: object) -> int | None:
    """Return the glibc of the Debian release at the bottom of an image."""
    entries = history if isinstance(history, list) else []
    made = [each.get("created_by") for each in entries[:3] if isinstance(each, dict)]
    for text in made:
        found = _DEBIAN_LAYER.search(text[:_LONGEST]) if isinstance(text, str) else None
        if found:
            return _DEBIAN_GLIBC[found[1]]
    return None
