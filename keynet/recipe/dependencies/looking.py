"""In which files of a folder dependencies are looked for, and in which order."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies.declared import Declared, Selection
from keynet.recipe.dependencies.folder import Folder, invalid, table
from keynet.text import _

if TYPE_CHECKING:
    from keynet.recipe.dependencies.sources.inline_metadata import Inline

__all__ = ["SOURCES", "declared_in", "inline", "named", "others", "repository", "requires_python"]

_Read = Callable[[Folder, Selection], Declared | None]
_REQUIREMENTS: Final = "requirements.txt"
_PYPROJECT: Final = "pyproject.toml"
_SETUP: Final = ("setup.cfg", "setup.py")
_CONDA: Final = ("environment.yml", "environment.yaml", "conda.yml", "conda.yaml")
_RYE: Final = "requirements.lock"
# Each belongs to a pyproject.toml.
_LOCKS: Final = ("uv.lock", "poetry.lock", "pdm.lock", _RYE)
_LARGEST: Final = 1_000_000


def _pylock(folder: Folder, selection: Selection) -> Declared | None:
    from keynet.recipe.dependencies.sources import pylock

    return pylock.read(folder, selection)


def _uv(folder: Folder, selection: Selection) -> Declared | None:
    from keynet.recipe.dependencies.sources import uv_lock

    return uv_lock.read(folder, selection)


def _lock(name: str) -> _Read:
    def read(folder: Folder, selection: Selection) -> Declared | None:
        from keynet.recipe.dependencies.sources.locks import lock_files

        return lock_files.read(folder, name, selection)

    return read


def _rye(folder: Folder, selection: Selection) -> Declared | None:
    from keynet.recipe.dependencies.sources.locks import rye_lock

    return rye_lock.read(folder, selection)


def _pyproject(folder: Folder, selection: Selection) -> Declared | None:
    from keynet.recipe.dependencies.sources import pyproject

    return pyproject.read(folder, selection)


def _pipfile(folder: Folder, selection: Selection) -> Declared | None:
    from keynet.recipe.dependencies.sources import pipfile

    return pipfile.read(folder, selection)


def _setup(folder: Folder, selection: Selection) -> Declared | None:
    from keynet.recipe.dependencies.sources import pyproject, setup_files

    found = setup_files.metadata(folder)
    if found is None:
        return None
    return Declared(
        found.files[-1] if not found.requires or len(found.files) == 1 else found.files[0],
        tuple(pyproject.expanded(found, selection)),
        extras=frozenset(found.extras),
        project=".",
        is_package=found.is_package,
        notices=found.notices,
    )


def _conda(name: str) -> _Read:
    def read(folder: Folder, _selection: Selection) -> Declared | None:
        from keynet.recipe.dependencies.sources import conda

        return conda.read(folder, name)

    return read


# After requirements.txt: the files of a source, one of which is enough, and its reader. Readers are
# imported when they are needed: most projects have one kind of file.
SOURCES: Final[tuple[tuple[tuple[str, ...], _Read], ...]] = (
    (("pylock.toml",), _pylock),
    (("uv.lock", _PYPROJECT), _uv),
    (("poetry.lock",), _lock("poetry.lock")),
    (("pdm.lock",), _lock("pdm.lock")),
    ((_RYE,), _rye),
    ((_PYPROJECT,), _pyproject),
    (("Pipfile.lock", "Pipfile"), _pipfile),
    (_SETUP, _setup),
    *(((name,), _conda(name)) for name in _CONDA),
)


def declared_in(folder: Folder, selection: Selection) -> Iterator[Declared]:
    """Yield what the files of a folder declare, in their order."""
    for names, read in SOURCES:
        if any(folder.has(name) for name in names):
            found = read(folder, selection)
            if found is not None:
                yield found


def named(folder: Folder, name: str, selection: Selection) -> Declared | None:
    """Return what a file of any kind declares; None if it is a requirements file.

    Raises:
        ContextInvalid: It is of another kind, and lists no package.
    """
    read = _reader(name)
    if read is None:
        return None
    found = read(folder, selection)
    if found is None or not found.lines:
        raise invalid(
            folder.where(name),
            _("it lists no package"),
            _("Pass a requirements file with --requirements FILE."),
        )
    return found


def _reader(name: str) -> _Read | None:
    if name.endswith((".yml", ".yaml")):
        return _conda(name)
    if name.startswith("pylock.") and name.endswith(".toml"):
        from keynet.recipe.dependencies.sources import pylock

        return lambda folder, selection: pylock.read(folder, selection, name)
    known = [read for names, read in SOURCES if name in names and name != _RYE]
    # A project's file, without its lock, if it is the file that is named.
    return known[-1] if known else None


def others(folder: Folder, used: str, selection: Selection) -> list[Declared]:
    """Return what the files of a folder declare besides the one used; unusable ones are left out.

    Those that belong together, such as a lock and its project, count as one.
    """
    project = {_PYPROJECT, *_LOCKS}
    found: list[Declared] = []
    for names, read in SOURCES:
        if used in names or (used in project and project & set(names)):
            continue
        if used in _SETUP and _PYPROJECT in names:
            continue
        if not any(folder.has(name) for name in names):
            continue
        try:
            declared = read(folder, Selection())
        except ContextInvalid:
            continue
        if declared is not None and declared.lines:
            found.append(declared)
    return found


def inline(folder: Folder, script: Path | None, source: bytes) -> "Inline | None":
    """Return the inline metadata of the script; None without any."""
    if script is None or b"# /// script" not in source:
        return None
    from keynet.recipe.dependencies.sources import inline_metadata

    return inline_metadata.read(folder, script.name, source)


def requires_python(folders: list[Folder]) -> str:
    """Return what the nearest file says of the Python that the project needs; "" if none does."""
    for folder in folders:
        for read in (_of_pyproject, _of_setup, _of_others):
            try:
                found = read(folder)
            except ContextInvalid:
                # Where the file counts, it is read again and reported.
                continue
            if found:
                return found
    return ""


def _of_pyproject(folder: Folder) -> str:
    if not folder.is_file(_PYPROJECT):
        return ""
    document = folder.toml(_PYPROJECT, _LARGEST)
    found = table(document, "project").get("requires-python")
    if isinstance(found, str):
        return " ".join(found.split())
    if table(document, "tool", "poetry"):
        from keynet.recipe.dependencies.sources import pyproject

        of_project = pyproject.metadata(folder, document)
        return of_project.requires_python if of_project else ""
    return ""


def _of_setup(folder: Folder) -> str:
    if not any(folder.is_file(name) for name in _SETUP):
        return ""
    from keynet.recipe.dependencies.sources import setup_files

    found = setup_files.metadata(folder)
    return found.requires_python if found else ""


def _of_others(folder: Folder) -> str:
    if folder.is_file(_REQUIREMENTS):
        return ""
    if folder.is_file("Pipfile"):
        from keynet.recipe.dependencies.sources import pipfile

        return pipfile.python(folder)
    for name in _CONDA:
        if folder.is_file(name):
            from keynet.recipe.dependencies.sources import conda

            return conda.python(folder, name)
    return ""


def repository(context: Path, home: Path) -> Path | None:
    """Return the root of the repository that holds the context; None without one.

    A home folder or the file system's root is none, even if it is under version control.
    """
    for folder in (context, *context.parents):
        if folder in (home, Path(folder.anchor)):
            return None
        # False, and no error, where this user may not look.
        if os.path.exists(folder / ".git"):  # noqa: PTH110
            return folder
    return None
