"""In which files of a folder dependencies are looked for, and in which order."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.recipe.dependencies.declared import Declared, Selection
from keynet.recipe.dependencies.folder import Folder, table
from keynet.recipe.dependencies.sources import (
    conda,
    inline_metadata,
    lock_files,
    pipfile,
    pylock,
    pyproject,
    setup_files,
    uv_lock,
)
from keynet.recipe.dependencies.sources.inline_metadata import Inline
from keynet.text import _, fill

__all__ = ["SOURCES", "declared_in", "inline", "others", "repository", "requires_python", "unread"]

_Read = Callable[[Folder, Selection], Declared | None]
_REQUIREMENTS: Final = "requirements.txt"
_LARGEST: Final = 1_000_000


def _setup(folder: Folder, selection: Selection) -> Declared | None:
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
    return lambda folder, _selection: conda.read(folder, name)


def _lock(name: str) -> _Read:
    return lambda folder, selection: lock_files.read(folder, name, selection)


# After requirements.txt: the files of a source, one of which is enough, and its reader.
SOURCES: Final[tuple[tuple[tuple[str, ...], _Read], ...]] = (
    ((pylock.NAME,), pylock.read),
    ((uv_lock.NAME, pyproject.NAME), uv_lock.read),
    ((lock_files.POETRY,), _lock(lock_files.POETRY)),
    ((lock_files.PDM,), _lock(lock_files.PDM)),
    ((pyproject.NAME,), pyproject.read),
    ((pipfile.LOCK, pipfile.NAME), pipfile.read),
    ((setup_files.CFG, setup_files.PY), _setup),
    *(((name,), _conda(name)) for name in conda.NAMES),
)


def declared_in(folder: Folder, selection: Selection) -> Iterator[Declared]:
    """Yield what the files of a folder declare, in their order."""
    for names, read in SOURCES:
        if any(folder.has(name) for name in names):
            found = read(folder, selection)
            if found is not None:
                yield found


def others(folder: Folder, used: str, selection: Selection) -> list[Declared]:
    """Return what the files of a folder declare besides the one used; unusable ones are left out.

    Those that belong together, such as a lock and its project, count as one.
    """
    project = {pyproject.NAME, uv_lock.NAME, lock_files.POETRY, lock_files.PDM}
    found: list[Declared] = []
    for names, read in SOURCES:
        if used in names or (used in project and project & set(names)):
            continue
        if used in (setup_files.CFG, setup_files.PY) and pyproject.NAME in names:
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


def inline(folder: Folder, script: Path | None, source: bytes) -> Inline | None:
    """Return the inline metadata of the script; None without any."""
    if script is None or b"# /// script" not in source:
        return None
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
    if not folder.is_file(pyproject.NAME):
        return ""
    document = folder.toml(pyproject.NAME, _LARGEST)
    found = table(document, "project").get("requires-python")
    if isinstance(found, str):
        return " ".join(found.split())
    if table(document, "tool", "poetry"):
        of_project = pyproject.metadata(folder, document)
        return of_project.requires_python if of_project else ""
    return ""


def _of_setup(folder: Folder) -> str:
    if not folder.is_file(setup_files.CFG) and not folder.is_file(setup_files.PY):
        return ""
    found = setup_files.metadata(folder)
    return found.requires_python if found else ""


def _of_others(folder: Folder) -> str:
    if folder.is_file(_REQUIREMENTS):
        return ""
    if folder.is_file(pipfile.NAME):
        return pipfile.python(folder)
    return next((conda.python(folder, name) for name in conda.NAMES if folder.is_file(name)), "")


def repository(context: Path, home: Path) -> Path | None:
    """Return the root of the repository that holds the context; None without one.

    A home folder or the file system's root is none, even if it is under version control.
    """
    for folder in (context, *context.parents):
        if folder in (home, Path(folder.anchor)):
            return None
        if (folder / ".git").exists():
            return folder
    return None


def unread(folders: list[Folder]) -> list[Notice]:
    """Return a warning on files that look as if they listed packages, but are not read."""
    for folder in folders:
        try:
            names = folder.beneath.names(folder.path)
        except OSError:
            continue
        found = [name for name in names if _looks_like_a_list(name)]
        found += [f"pyproject.toml ([{name}])" for name in _tables(folder)]
        if found:
            return [
                Notice(
                    fill(
                        _(
                            "No package is installed: {folder} has {names}, which is not read. "
                            "Pass a requirements file with --requirements FILE."
                        ),
                        folder=folder.where(),
                        names=", ".join(found[:5]),
                    )
                )
            ]
    return []


def _tables(folder: Folder) -> list[str]:
    """Return the tables of a pyproject.toml in which other tools list packages."""
    try:
        document = folder.toml(pyproject.NAME, _LARGEST) if folder.is_file(pyproject.NAME) else {}
    except ContextInvalid:
        return []
    tool = table(document, "tool")
    environments = table(tool, "hatch", "envs").values()
    listed = {
        "tool.flit.metadata": table(tool, "flit", "metadata").get("requires"),
        "tool.pixi": table(tool, "pixi", "dependencies")
        or table(tool, "pixi", "pypi-dependencies"),
        "tool.hatch.envs": any(table(each).get("dependencies") for each in environments),
        "tool.rye": table(tool, "rye").get("dev-dependencies"),
        "tool.pdm.dev-dependencies": table(tool, "pdm", "dev-dependencies"),
    }
    return [name for name, found in listed.items() if found]


def _looks_like_a_list(name: str) -> bool:
    lowered = name.lower()
    if lowered in ("requirements", "pixi.toml", "pixi.lock", "conda-lock.yml", "dependencies.txt"):
        return True
    if lowered in conda.NAMES:
        return False
    is_list = lowered.endswith((".txt", ".in", ".yml", ".yaml", ".pip"))
    starts = ("reqs", "environment", "conda-env")
    return (
        is_list
        and lowered != _REQUIREMENTS
        and ("requirement" in lowered or lowered.startswith(starts))
    )
