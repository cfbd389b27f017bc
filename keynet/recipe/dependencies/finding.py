"""Find the file that declares the dependencies, and read it."""

import stat
from collections.abc import Mapping
from pathlib import Path

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.files import places
from keynet.plan import Dependencies
from keynet.recipe.dependencies.requirements import RequirementsReader
from keynet.text import _, fill

__all__ = ["find"]

Found = tuple[Dependencies, tuple[Notice, ...]]


def find(context: Path, requirements: Path | None, environment: Mapping[str, str]) -> Found:
    """Read the dependencies from the first of these that exists.

    ``requirements``, the context's requirements.txt, the context's pyproject.toml.

    Args:
        requirements: The path as the user gave it, relative to the working directory.
        environment: Values for ``${NAME}`` in requirements files, which pip expands.

    Returns:
        The dependencies, and notices to show.

    Raises:
        ContextInvalid: A file is missing or unreadable, or requires something that only exists
            outside the build.
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
        return Dependencies(), ()
    # Imports packaging (15 ms), which requirements files do not need.
    from keynet.recipe.dependencies import pyproject

    if not pyproject.read(project).is_project:
        return Dependencies(), ()
    reader.add_project(context)
    return _found(project, reader)


def _found(source: Path, reader: RequirementsReader) -> Found:
    notices = tuple(reader.notices)
    if not reader.installs and not reader.import_paths:
        return Dependencies(source), notices
    return Dependencies(source, reader.files, tuple(reader.import_paths)), notices


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
