"""Whether packages can be built from source on this machine for an image, and with what.

Only on request: building runs a package's own code, here and as this user.
"""

import os
from collections.abc import Mapping
from typing import Final

from keynet.direct.base.target_python import TargetPython
from keynet.direct.installed.byte_code import Compiler, find_compiler
from keynet.frozen import frozen
from keynet.oci import platform as platforms
from keynet.oci.platform import Platform
from keynet.text import _, fill

__all__ = ["BUILD_VARIABLES", "SourceBuilds", "source_builds"]

# No paths of this machine in libraries, and no times: 1980 is the first year of a zip.
BUILD_VARIABLES: Final[Mapping[str, str]] = {
    "CFLAGS": "-g0",
    "CXXFLAGS": "-g0",
    "SOURCE_DATE_EPOCH": "315532800",
}


@frozen
class SourceBuilds:
    """The Python that builds; "" if there is none, and ``why`` then says why."""

    program: str
    why: str = ""


def source_builds(python: TargetPython, platform: Platform) -> SourceBuilds:
    """Return what builds packages that then run in the image, if something here can."""
    here = platforms.host()
    if not here.matches(platform):
        return SourceBuilds(
            "",
            fill(
                _("the image is for {platform}, and this machine is {here}"),
                platform=platform,
                here=here,
            ),
        )
    return _with(python, find_compiler(python.minor), _own_glibc())


def _with(python: TargetPython, found: Compiler | None, glibc: int | None) -> SourceBuilds:
    """Compare this machine's C library and Python with the image's."""
    if (glibc is None) != (python.glibc is None):
        return SourceBuilds("", _("the image has another C library than this machine"))
    if glibc is not None and python.glibc is not None and glibc > python.glibc:
        return SourceBuilds(
            "",
            fill(
                _("this machine has glibc 2.{here}, which is newer than 2.{there} of the image"),
                here=glibc,
                there=python.glibc,
            ),
        )
    if found is None:
        return SourceBuilds(
            "", fill(_("this machine has no Python {version} on the PATH"), version=python.minor)
        )
    return SourceBuilds(found.program)


def _own_glibc() -> int | None:
    """Return the minor version of this machine's glibc 2; None for another C library."""
    try:
        text = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError, AttributeError):
        return None
    number = text.removeprefix("glibc 2.").partition(".")[0]
    return int(number) if number.isdecimal() else None
