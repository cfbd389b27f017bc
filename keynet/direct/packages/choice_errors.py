"""Errors of choosing and fetching packages, from what uv writes."""

import re
from collections.abc import Sequence
from typing import Final

from keynet.direct.base.target_python import TargetPython
from keynet.errors import BuildFailed
from keynet.oci.platform import Platform
from keynet.text import Block, _, fill, printable, stacked

__all__ = [
    "NoWheel",
    "from_source",
    "hashes_differ",
    "not_built",
    "not_fetched",
    "not_resolved",
    "with_flag",
]

_LAST_LINES: Final = 30
_MANY: Final = 5
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]*"
# Each names a package that has no wheel.
_NO_WHEEL: Final = (
    re.compile(rf"Wheels are required for `({_NAME})`"),
    re.compile(rf"({_NAME})(?:==[^\s,]+)? has no (?:usable )?wheels"),
    re.compile(rf"Building source distributions for `?({_NAME})`? is disabled"),
)
# What uv says where it finds no git, and of which requirement.
_NO_GIT: Final = "Git executable not found"
_REPOSITORY: Final = re.compile(rf"`({_NAME})(?:\[[^\]`\n]*\])? @ git\+")
_BUILDS: Final = re.compile(
    r"no (?:usable )?wheels|[Bb]uilding (?:source distributions|from source)"
)


# What uv says of a file that is not a wheel as it should be.
_BROKEN: Final = re.compile(
    r"Failed to extract archive|The wheel is invalid|Scripts must not use the reserved name"
    r"|Failed to (?:read metadata|unzip)|[Ii]nvalid (?:wheel|zip|[Zz]IP)"
)


_NO_ROOM: Final = re.compile(
    r"[Nn]o space left|[Dd]isk quota exceeded|[Ff]ile too large|os error (?:27|28|122)\b"
)
# EEXIST, ENOTDIR and EISDIR.
_CONFLICT: Final = r"os error (?:17|20|21)\b"


class NoWheel(BuildFailed):
    """A package would have to be built; ``names`` as far as they are known."""

    names: tuple[str, ...] = ()


def not_resolved(output: str, python: TargetPython, platform: Platform) -> BuildFailed:
    """Return the error for packages that cannot be chosen; it names those without a wheel."""
    if _NO_GIT in output:
        return from_source(list(dict.fromkeys(_REPOSITORY.findall(output))))
    text = Block(_tail(output))
    if not _BUILDS.search(output):
        shown = fill(
            _("The packages cannot be chosen for Python {version} on {platform}:"),
            version=python.minor,
            platform=platform,
        )
        hint = _("Correct the requirements, or choose another base image.")
        return BuildFailed(stacked(shown, text), _known_hint(output) or hint)
    names = _without_wheel(output)
    shown = fill(
        _("{names} has no wheel for Python {version} on {platform}, and nothing is built here:"),
        names=", ".join(names) or _("A package"),
        version=python.minor,
        platform=platform,
    )
    return _no_wheel(names, stacked(shown, text))


def from_source(names: Sequence[str]) -> NoWheel:
    """Return the error for requirements on version control, which is not asked."""
    shown = fill(
        _("{names} comes from version control: it has no wheel, and nothing is built here."),
        names=", ".join(names[:_MANY]) or _("A package"),
    )
    return _no_wheel(names[:_MANY], shown)


def _no_wheel(names: Sequence[str], message: str) -> NoWheel:
    error = NoWheel(message, _engine_hint())
    error.names = tuple(names)
    return error


def with_flag(error: NoWheel) -> BuildFailed:
    """Return the error of a machine that could build the package, with the flag for that."""
    flag = _("To build it on this machine, where its code then runs: --build-sdist.")
    return BuildFailed(error.message, stacked(error.hint, flag))


def not_built(error: NoWheel, why: str) -> BuildFailed:
    """Return the error of ``--build-sdist`` where this machine cannot build for the image."""
    return BuildFailed(
        fill(
            _("{names} has no wheel, and cannot be built on this machine: {why}."),
            names=", ".join(error.names) or _("A package"),
            why=why,
        ),
        error.hint,
    )


def not_fetched(output: str, *, built: bool) -> BuildFailed:
    """Return the error for wheels that do not come, or are not built."""
    if built:
        return BuildFailed(
            stacked(_("The packages cannot be fetched or built:"), Block(_tail(output))),
            _("Install what the build asks for, or build with an engine."),
        )
    return BuildFailed(
        stacked(_("The packages cannot be fetched:"), Block(_tail(output))),
        _known_hint(output) or _("Check the network and the package index, then try again."),
    )


def _known_hint(output: str) -> str:
    """Return what to do about a full disk, a conflict or a damaged wheel; "" for other reasons."""
    if _NO_ROOM.search(output):
        return _("Free some space on the disk named above, then try again.")
    if re.search(_CONFLICT, output):
        return _(
            "A file and a folder of these packages have the same name: they cannot be installed "
            "together. Choose other versions, or leave one package out."
        )
    if not _BROKEN.search(output):
        return ""
    return _(
        "The file of this package is damaged or not a valid wheel. Choose another version of the "
        "package, or tell its publisher."
    )


def hashes_differ(packages: Sequence[str]) -> BuildFailed:
    """Return the error for packages whose wheel has none of the hashes that are required."""
    return BuildFailed(
        fill(
            _("The requirements give no hash for the wheel of {packages} that the index has."),
            packages=", ".join(printable(each, 100) for each in packages[:_MANY]),
        ),
        _("Write the hashes again, or check who has changed the index."),
    )


def _without_wheel(output: str) -> list[str]:
    found = [name for pattern in _NO_WHEEL for name in pattern.findall(output)]
    return list(dict.fromkeys(found))[:_MANY]


def _engine_hint() -> str:
    """Return the engines that could build it: those that are installed, if there are any."""
    # Only for this error.
    from keynet.runtime.engines.engine_candidates import engines

    known = engines()
    names = [each.name for each in known if each.installed]
    if names:
        return fill(
            _(
                "Build with an engine that is installed here (--builder {names}), or require a "
                "version that has a wheel."
            ),
            names=_(" or ").join(names),
        )
    return fill(
        _(
            "It has to be built by an engine, and none is installed here ({names}). Install one, "
            "or require a version that has a wheel."
        ),
        names=", ".join(each.name for each in known),
    )


def _tail(output: str) -> str:
    lines = [printable(line, 500) for line in output.strip().splitlines() if line.strip()]
    return "\n".join(lines[-_LAST_LINES:])
