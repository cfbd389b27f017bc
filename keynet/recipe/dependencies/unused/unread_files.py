"""Name the files of a folder that list packages and are not read, with what to do about them.

Source: the documentation of pip-tools, pixi, conda-lock, Poetry, PDM, uv, hatch, flit and PEP 751.
"""

import re
import shlex
from collections.abc import Collection, Iterator
from typing import Final

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.frozen import frozen
from keynet.recipe.dependencies.folder import Folder, table
from keynet.text import _, fill, printable

__all__ = ["beside", "instead"]

_PYPROJECT: Final = "pyproject.toml"
_SETUP: Final = ("setup.cfg", "setup.py")
_READ: Final = frozenset(
    [
        *("requirements.txt", "requirements.lock", "pylock.toml"),
        *("environment.yml", "environment.yaml", "conda.yml", "conda.yaml"),
    ]
)
_LARGEST: Final = 1_000_000
_MOST_SHOWN: Final = 5
# Each belongs to a pyproject.toml with a project; that of a workspace may have none.
_LOCKS: Final = {
    "uv.lock": "uv export --all-packages -o requirements.txt",
    "poetry.lock": "",
    "pdm.lock": "pdm export -o requirements.txt",
}
_PLAIN: Final = re.compile(
    r"(?:.*requirements?.*|reqs?[-_.].*|reqs?|deps|dependencies)\.(?:txt|in|pip|lock)|"
    r"requirements\.txt\..*|requirements-dev\.lock",
    re.IGNORECASE,
)
_NAMED: Final = re.compile(
    r"pylock\..+\.toml|(?:conda[-_])?env(?:ironment)?[-_.]?[\w.-]*\.ya?ml", re.IGNORECASE
)
_OTHER_YAML: Final = re.compile(r".*requirement.*\.ya?ml", re.IGNORECASE)
_PIXI: Final = frozenset(["pixi.toml", "pixi.lock"])
_CONDA_LOCK: Final = re.compile(r"(?:.+\.)?conda-lock\.ya?ml|conda-(?:linux|osx|win)-\w+\.lock")
_FOLDERS: Final = ("requirements", "reqs")
# Environments of conda in one of them are called as people like.
_OF_CONDA: Final = frozenset(["conda", "env", "environment", "environments", "envs"])
_ENVIRONMENTS: Final = frozenset(
    [
        *("conda", "config", "configs", "dependencies", "deps", "docker", "env", "environment"),
        *("environments", "envs", "install", "installation", "pip", "setup"),
    ]
)
# What these list is for work on the project, not for its training.
_FOR_WORK: Final = re.compile(
    r"(?:^|[-_./])(?:dev|devel|develop|development|tests?|testing|docs?|lint|linters?|typing|types|"
    r"mypy|ci|build|format|style|tools?|examples?|demo|optional|constraints?|"
    r"pre-commit|readthedocs|rtd|notebooks?)(?=[-_./]|$)"
)
_EXPORT_CONDA: Final = "pip list --format=freeze > requirements.txt"
_EXPORT_PIXI: Final = "pixi workspace export conda-environment environment.yml"


@frozen
class _Unread:
    """A file that lists packages; ``command`` installs from it or converts it, "" without one."""

    name: str
    command: str = ""


def instead(folders: list[Folder]) -> list[Notice]:
    """Return a warning on files that look as if they listed packages, where none is used."""
    for folder in folders:
        found = [*_files(folder), *_locks(folder), *_tables(folder)] or [*_below(folder)]
        if not found and (optional := _optional(folder)):
            return [optional]
        if found:
            return [
                Notice(
                    fill(
                        _("No package is installed: {folder} has {names}, which is not read. {do}"),
                        folder=folder.where(),
                        names=_names(found),
                        do=_advice(found),
                    )
                )
            ]
    return []


def beside(folder: Folder, used: str, included: Collection[str]) -> list[Notice]:
    """Return a note on files of a folder that list packages, besides the one that is used.

    Files for the work on the project, such as requirements-dev.txt, are left out.

    Args:
        included: The paths below the folder's top that are a part of the one used.
    """
    found = [
        each
        for each in _files(folder)
        if not _FOR_WORK.search(each.name.lower())
        and each.name != used
        and folder.inside(each.name) not in included
        and not (each.name.endswith(".in") and used.endswith((".txt", ".lock")))
    ]
    if used == _PYPROJECT or used.endswith(".lock"):
        found += [each for each in _tables(folder) if "tool.pixi" in each.name]
    if not found:
        return []
    return [
        Notice(
            fill(
                _("The packages come from {used}; not read: {names}. {do}"),
                used=folder.where(used),
                names=_names(found),
                do=_advice(found),
            ),
            "note",
        )
    ]


def _names(found: list[_Unread]) -> str:
    shown = ", ".join(each.name for each in found[:_MOST_SHOWN])
    return f"{shown}, …" if len(found) > _MOST_SHOWN else shown


def _advice(found: list[_Unread]) -> str:
    found = sorted(found, key=lambda each: bool(_FOR_WORK.search(each.name.lower())))
    command = next((each.command for each in found if each.command), "")
    if not command:
        return _("Pass a requirements file with --requirements FILE.")
    if command.startswith("--"):
        return fill(_("To install from it: {flag}"), flag=command)
    return fill(_("Convert it: {command}"), command=command)


def _files(folder: Folder) -> Iterator[_Unread]:
    for name in sorted(folder.names()):
        if name.lower() in _FOLDERS and folder.is_folder(name):
            yield from _in_folder(folder, name)
        else:
            yield from _file(folder, name)


def _in_folder(folder: Folder, name: str) -> Iterator[_Unread]:
    """Yield the requirements files of a folder that is called so."""
    names = sorted(folder.at(name).names())
    inside = [each for each in names if each.endswith((".txt", ".in", ".pip"))]
    for each in inside:
        if each.endswith(".in") and f"{each.removesuffix('.in')}.txt" in inside:
            continue
        yield _named(folder, f"{name}/{each}")


def _below(folder: Folder) -> Iterator[_Unread]:
    """Yield what lies in a folder for the environment, where projects keep such files, too."""
    for name in sorted(folder.names()):
        if name.lower() in _ENVIRONMENTS and folder.is_folder(name):
            inside = sorted(folder.at(name).names())
            yaml = (".yml", ".yaml") if name.lower() in _OF_CONDA else ()
            is_conda = {
                each for each in inside if each.endswith(yaml) and _lists(folder, name, each)
            }
            yield from (
                _named(folder, f"{name}/{each}")
                for each in inside
                if each in _READ
                or _PLAIN.fullmatch(each)
                or _NAMED.fullmatch(each)
                or each in is_conda
            )


def _lists(folder: Folder, *path: str) -> bool:
    """Report whether a YAML file has the key under which conda lists packages."""
    try:
        content = folder.read("/".join(path), _LARGEST)
    except ContextInvalid:
        return False
    return content.startswith(b"dependencies:") or b"\ndependencies:" in content


def _file(folder: Folder, name: str) -> Iterator[_Unread]:
    lowered = name.lower()
    if name in _READ:
        return
    if lowered in _PIXI:
        yield _Unread(name, _EXPORT_PIXI)
    elif _CONDA_LOCK.fullmatch(lowered):
        yield _Unread(name, _EXPORT_CONDA)
    elif _PLAIN.fullmatch(name) or _NAMED.fullmatch(name):
        yield _named(folder, name)
    elif _OTHER_YAML.fullmatch(name) or lowered == "requirements":
        yield _Unread(name)


def _named(folder: Folder, name: str) -> _Unread:
    return _Unread(name, fill("--requirements {file}", file=shlex.quote(str(folder.where(name)))))


def _locks(folder: Folder) -> list[_Unread]:
    """Return locks whose project is not there: nothing says what of them is needed."""
    document = _document(folder)
    if table(document, "project") or table(document, "tool", "poetry"):
        return []
    return [
        _Unread(name, command if document else "")
        for name, command in _LOCKS.items()
        if folder.is_file(name)
    ]


def _optional(folder: Folder) -> Notice | None:
    """Return a warning if a project lists packages only where they have to be chosen."""
    document = _document(folder)
    name = _PYPROJECT
    extras = list(table(document, "project", "optional-dependencies").items())
    groups = list(table(document, "dependency-groups").items())
    groups += [("dev", table(document, "tool", "rye").get("dev-dependencies"))]
    if not extras and len(groups) == 1 and any(folder.is_file(each) for each in _SETUP):
        from keynet.recipe.dependencies.sources import setup_files

        try:
            found = setup_files.metadata(folder)
        except ContextInvalid:
            return None
        if found is not None:
            name, extras = found.files[0], [(key, list(it)) for key, it in found.extras.items()]
    flags = [f"--extra {name}" for name, listed in extras if listed]
    flags += [f"--group {name}" for name, listed in groups if listed]
    if not flags:
        return None
    return Notice(
        fill(
            _(
                "No package is installed: {path} lists them in extras and groups only. Choose what "
                "the training needs: {flags}."
            ),
            path=folder.where(name),
            flags=", ".join(printable(flag, 60) for flag in flags[:_MOST_SHOWN]),
        )
    )


def _tables(folder: Folder) -> list[_Unread]:
    """Return the tables of a pyproject.toml in which other tools list packages."""
    tool = table(_document(folder), "tool")
    environments = table(tool, "hatch", "envs").values()
    pixi = table(tool, "pixi", "dependencies") or table(tool, "pixi", "pypi-dependencies")
    listed = {
        "tool.flit.metadata": table(tool, "flit", "metadata").get("requires"),
        "tool.pixi": pixi,
        "tool.hatch.envs": any(table(each).get("dependencies") for each in environments),
        "tool.pdm.dev-dependencies": table(tool, "pdm", "dev-dependencies"),
    }
    return [
        _Unread(f"{_PYPROJECT} ([{name}])", _EXPORT_PIXI if name == "tool.pixi" else "")
        for name, found in listed.items()
        if found
    ]


def _document(folder: Folder) -> dict[str, object]:
    try:
        return folder.toml(_PYPROJECT, _LARGEST) if folder.is_file(_PYPROJECT) else {}
    except ContextInvalid:
        return {}
