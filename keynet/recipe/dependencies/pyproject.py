"""Read the dependencies that a pyproject.toml declares.

Source: PyPA specification "Declaring project metadata", PEP 508.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from keynet.errors import ContextInvalid
from keynet.files import limited_read
from keynet.text import _, fill, printable

__all__ = ["Declared", "read"]

_LARGEST: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Declared:
    """The dependencies of a project.

    ``dependencies`` are PEP 508 lines; ``files`` are the requirements files that
    ``[tool.setuptools.dynamic]`` names, relative to the project; ``is_project`` is False if there
    is no ``[project]`` table.
    """

    dependencies: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    is_project: bool = False


def read(path: Path, extras: tuple[str, ...] = ()) -> Declared:
    """Read ``[project]`` of a pyproject.toml; without that table nothing is declared.

    Args:
        extras: The extras to install, in any spelling.

    Raises:
        ContextInvalid: The file is not valid TOML, a requirement is not valid, an extra is
            unknown, or only a build backend or Poetry can compute the dependencies.
    """
    table = _load(path)
    project = table.get("project")
    if project is None:
        _refuse_poetry(table, path)
        return Declared()
    if not isinstance(project, dict):
        raise _invalid(path, _("[project] is not a table"))
    name = canonicalize_name(str(project.get("name", "")))
    optional = _optional(project, path)
    lines = [*_lines(project.get("dependencies", []), path)]
    for extra in extras:
        lines += _extra(canonicalize_name(extra), optional, name, path, ())
    files: tuple[str, ...] = ()
    if "dependencies" in _strings(project.get("dynamic", []), path):
        files = _setuptools_files(table, path)
    return Declared(tuple(dict.fromkeys(lines)), files, is_project=True)


def _load(path: Path) -> dict[str, Any]:
    try:
        content = limited_read.read(path, _LARGEST, regular_only=True)
        if content is None:
            raise _invalid(path, _("it is too large"))
        return tomllib.loads(content.decode("utf-8"))
    except FileNotFoundError as error:
        raise ContextInvalid(
            fill(_("The project {path} has no pyproject.toml."), path=path.parent),
            _("List the dependencies of the project in a requirements file instead."),
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise _invalid(path, printable(error)) from error


def _refuse_poetry(table: Mapping[str, Any], path: Path) -> None:
    tool = table.get("tool")
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    if isinstance(poetry, dict) and poetry.get("dependencies"):
        raise ContextInvalid(
            fill(_("{path} declares its dependencies for Poetry only ([tool.poetry])."), path=path),
            _("Run: poetry export -o requirements.txt (or move them to [project] dependencies)."),
        )


def _setuptools_files(table: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    node: object = table
    for key in ("tool", "setuptools", "dynamic", "dependencies", "file"):
        node = node.get(key) if isinstance(node, dict) else None
    if isinstance(node, str):
        return (node,)
    if isinstance(node, list) and node:
        return tuple(_strings(node, path))
    raise ContextInvalid(
        fill(_("{path} leaves its dependencies to its build backend (dynamic)."), path=path),
        _("Write them to a requirements.txt, for example with: pip freeze > requirements.txt"),
    )


def _optional(project: Mapping[str, Any], path: Path) -> dict[str, list[str]]:
    table = project.get("optional-dependencies", {})
    if not isinstance(table, dict):
        raise _invalid(path, _("[project.optional-dependencies] is not a table"))
    return {canonicalize_name(key): _lines(value, path) for key, value in table.items()}


def _extra(
    extra: str,
    optional: Mapping[str, list[str]],
    project: str,
    path: Path,
    above: tuple[str, ...],
) -> list[str]:
    if extra not in optional:
        raise _invalid(path, fill(_("it has no extra {extra!r}"), extra=printable(extra, 100)))
    lines = []
    for line in optional[extra]:
        requirement = Requirement(line)
        if canonicalize_name(requirement.name) != project:
            lines.append(line)
            continue
        # A project may combine its own extras: all = ["name[a,b]"].
        for other in sorted(map(canonicalize_name, requirement.extras)):
            if other not in above:
                lines += _extra(other, optional, project, path, (*above, extra))
    return lines


def _lines(value: object, path: Path) -> list[str]:
    lines = _strings(value, path)
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            raise _invalid(path, printable(error, 300)) from error
        if requirement.url is not None and requirement.url.startswith("file:"):
            raise _invalid(
                path, fill(_("{line} exists on this machine only"), line=printable(line, 200))
            )
    # A newline inside a string would start another line of the requirements file.
    return [" ".join(line.split()) for line in lines]


def _strings(value: object, path: Path) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _invalid(path, _("dependencies are not a list of strings"))
    return value


def _invalid(path: Path, reason: str) -> ContextInvalid:
    return ContextInvalid(
        fill(_("{path} cannot be used: {reason}."), path=path, reason=reason),
        _("Correct the file, or pass a requirements file with --requirements FILE."),
    )
