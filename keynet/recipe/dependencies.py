"""Which dependencies the image gets, and the build files that install them."""

import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.files import places
from keynet.plan import HostNetwork
from keynet.recipe.requirements import RequirementsReader
from keynet.text import _, fill

__all__ = ["NETWORK_FILES", "PIP", "Dependencies", "build_files", "find"]

# Build files that say how to reach the index, not what is installed.
NETWORK_FILES: Final = ("ca.pem", "proxies.json")
PIP: Final = "pip.zip"


@dataclass(frozen=True, slots=True)
class Dependencies:
    """``source`` is the file that names them, None when there are none.

    ``files`` are for the first stage, ``requirements.txt`` first of all; ``paths`` are
    directories of the image for the end of the import path.
    """

    source: Path | None = None
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    paths: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


def find(context: Path, requirements: Path | None, environment: Mapping[str, str]) -> Dependencies:
    """Take ``requirements``, else the context's requirements.txt, else its pyproject.toml.

    Args:
        requirements: As the user gave it, relative to the working directory.
        environment: For ``${NAME}`` in requirements files, which pip replaces.

    Raises:
        ContextInvalid: A file is missing, unreadable or asks for what a build cannot have.
    """
    reader = RequirementsReader(context, environment)
    if requirements is not None:
        _check_named(requirements)
        reader.add_file(requirements, trusted=True)
        return _found(requirements, reader)
    listed = context / "requirements.txt"
    if listed.exists() or listed.is_symlink():
        reader.add_file(listed)
        return _found(listed, reader)
    project = context / "pyproject.toml"
    if not project.is_file():
        return Dependencies()
    # It loads packaging, 15 ms, which requirements files do not need.
    from keynet.recipe import pyproject

    if not pyproject.read(project).is_project:
        return Dependencies()
    reader.add_project(context)
    return _found(project, reader)


def build_files(dependencies: Dependencies, network: HostNetwork) -> dict[str, bytes]:
    """Give what the first stage sees at /keynet, besides pip; the same input, the same bytes."""
    proxies = {name: value.reveal() for name, value in network.proxies.items()}
    contents = {
        **dependencies.files,
        "install.py": (files("keynet.recipe") / "install.py").read_bytes(),
        "proxies.json": _json(proxies),
        "paths.json": _json(dependencies.paths),
    }
    if network.ca_bundle is not None:
        contents["ca.pem"] = network.ca_bundle
    if network.pip_conf is not None:
        contents["pip.conf"] = network.pip_conf.reveal().encode()
    return dict(sorted(contents.items()))


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, indent=1).encode()


def _found(source: Path, reader: RequirementsReader) -> Dependencies:
    notices = tuple(reader.notices)
    if not reader.installs and not reader.paths:
        return Dependencies(source, notices=notices)
    return Dependencies(source, reader.files, tuple(reader.paths), notices)


def _check_named(path: Path) -> None:
    where = fill(
        _("The requirements file {given} ({resolved})"), given=path, resolved=places.real(path)
    )
    hint = _("Check the path given with --requirements.")
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise ContextInvalid(fill(_("{where} does not exist."), where=where), hint) from error
    except OSError as error:
        raise ContextInvalid(
            fill(_("{where} cannot be read: {why}."), where=where, why=error.strerror), hint
        ) from error
    if stat.S_ISDIR(status.st_mode):
        raise ContextInvalid(fill(_("{where} is a directory."), where=where), hint)
