"""The environment that the packages are in, as an engine build makes it.

Source: PEP 405; ``keynet.runtime.build.inside.made_environment``.
"""

import posixpath
from collections.abc import Sequence

from keynet.direct.base.target_python import TargetPython
from keynet.direct.installed.wheel_files import PREFIX, packages_folder
from keynet.direct.layers.tar_stream import (
    Entry,
    file_entry,
    folder_entry,
    folders_above,
    link_entry,
)
from keynet.plan import Recipe
from keynet.runtime.build.inside.made_environment import base_pth

__all__ = ["environment_entries", "program_entries"]

# For images without packages: last on the PATH, where the base has no program ``python``.
_PYTHON_SCRIPT = b'#!/bin/sh\nexec python3 "$@"\n'


def environment_entries(python: TargetPython, import_paths: Sequence[str]) -> list[Entry]:
    """Return the environment without packages, and the file that shows it to the base's Python.

    Args:
        import_paths: Absolute, at the end of the import path.
    """
    packages = packages_folder(python.minor)
    own = [
        file_entry(f"{PREFIX}/pyvenv.cfg", _configuration(python)),
        link_entry(f"{PREFIX}/lib64", "lib"),
        link_entry(f"{PREFIX}/bin/python", python.executable),
        link_entry(f"{PREFIX}/bin/python3", "python"),
        link_entry(f"{PREFIX}/bin/python{python.minor}", "python"),
        folder_entry(packages),
    ]
    if import_paths:
        text = "".join(f"{path}\n" for path in import_paths)
        own.append(file_entry(f"{packages}/_keynet_workspace.pth", text.encode()))
    shown = base_pth(f"/{packages}", f"/{PREFIX}").encode()
    return [
        *folders_above((entry.path for entry in own), PREFIX),
        *own,
        file_entry(f"{python.packages.strip('/')}/keynet.pth", shown),
    ]


def program_entries() -> list[Entry]:
    """Return what starts ``python`` on bases that only have ``python3``."""
    own = [
        link_entry(f"{PREFIX}/bin/python", "/usr/bin/python3"),
        file_entry(f"{PREFIX}/scripts/python", _PYTHON_SCRIPT, executable=True),
    ]
    return [*folders_above((entry.path for entry in own), PREFIX), *own]


def import_paths(recipe: Recipe) -> list[str]:
    """Return the folders of the context that are on the import path, as paths of the image."""
    return [
        posixpath.normpath(posixpath.join(recipe.workdir, path))
        for path in recipe.dependencies.import_paths
    ]


def _configuration(python: TargetPython) -> bytes:
    return (
        f"home = {posixpath.dirname(python.executable)}\n"
        "include-system-site-packages = true\n"
        f"version = {'.'.join(map(str, python.version))}\n"
    ).encode()
