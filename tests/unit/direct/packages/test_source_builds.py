"""Where packages can be built from source for an image: on a machine that is like it."""

import sys
from dataclasses import replace

from keynet.direct.base.target_python import TargetPython
from keynet.direct.installed.byte_code import Compiler
from keynet.direct.packages import source_builds as module
from keynet.direct.packages.source_builds import SourceBuilds, source_builds
from keynet.oci import platform as platforms
from keynet.oci.platform import Platform
from tests.tables import table

PYTHON = TargetPython((3, 11), "/usr/bin/python3.11", "/x", 36)
COMPILER = Compiler("/usr/bin/python3.11", "cpython-311", "3.11.2")


@table(
    ("there", "here", "compiler", "why"),
    [
        (36, 36, COMPILER, ""),
        (41, 36, COMPILER, ""),
        (None, None, COMPILER, ""),
        (31, 36, COMPILER, "glibc 2.36, which is newer than 2.31"),
        (None, 36, COMPILER, "another C library"),
        (36, None, COMPILER, "another C library"),
        (36, 36, None, "no Python 3.11"),
    ],
)
def test_c_library_and_python_have_to_agree(
    there: int | None, here: int | None, compiler: Compiler | None, why: str
) -> None:
    found = module._with(replace(PYTHON, glibc=there), compiler, here)
    assert why in found.why
    assert found.program == ("" if why else "/usr/bin/python3.11")


def test_another_platform_is_not_built_for() -> None:
    other = "arm64" if platforms.host().architecture == "amd64" else "amd64"
    found = source_builds(PYTHON, Platform("linux", other))
    assert found.program == ""
    assert f"linux/{other}" in found.why


def test_keynets_own_python_builds_for_its_version() -> None:
    python = replace(PYTHON, version=tuple(sys.version_info[:3]), glibc=module._own_glibc())
    assert source_builds(python, platforms.host()) == SourceBuilds(sys.executable)
