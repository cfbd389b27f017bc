"""Read the project that a pyproject.toml declares.

Source: PyPA specifications "Declaring project metadata" and "Dependency Groups" (PEP 735).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies.declared import Declared, Selection, canonical, flat
from keynet.recipe.dependencies.folder import Folder, invalid, table
from keynet.recipe.dependencies.pep508 import parsed
from keynet.recipe.dependencies.project_metadata import Metadata, merged
from keynet.recipe.dependencies.sources import (
    build_backends,
    dependency_groups,
    pins,
    poetry,
    setup_files,
    uv_sources,
)
from keynet.text import _, fill, printable

__all__ = ["NAME", "document", "expanded", "metadata", "read", "unsourced"]

NAME: Final = "pyproject.toml"
_LARGEST: Final = 1_000_000
_MOST_LINES: Final = 10_000
# Tools of which only the indexes are their own: table, the name that replaces PyPI, and what to do.
_TOOLS: Final = (
    ("pdm", "source", "pypi", "pdm export -o requirements.txt"),
    ("rye", "sources", "default", "uv pip compile pyproject.toml -o requirements.txt"),
)
# Forms of hatch and PDM for the folder of the project.
_ROOTS: Final = (
    ("{root:uri}", "file:."),
    ("{root:parent:uri}", "file:.."),
    ("file:///${PROJECT_ROOT}", "file:."),
)


def document(folder: Folder) -> dict[str, Any]:
    """Return the TOML document.

    Raises:
        ContextInvalid: It cannot be read or is not valid.
    """
    return folder.toml(NAME, _LARGEST)


def read(folder: Folder, selection: Selection) -> Declared | None:
    """Return what ``[project]``, Poetry's table or groups declare; None if there are none.

    Raises:
        ContextInvalid: The file is not valid, a requirement is not valid, or only a build backend
            can compute the dependencies.
    """
    whole = document(folder)
    found = metadata(folder, whole)
    dependency_groups.check(folder.where(NAME), whole, selection)
    if found is None:
        return _of_groups(folder, whole, selection)
    if "dependencies" in found.computed and not _is_explained(folder, whole, found):
        raise ContextInvalid(
            fill(
                _("{path} leaves its dependencies to its build backend (dynamic)."),
                path=folder.where(NAME),
            ),
            _("Write them to a requirements.txt, for example with: pip freeze > requirements.txt"),
        )
    return Declared(
        NAME,
        (*found.options, *expanded(found, selection)),
        constraints=found.constraints,
        extras=frozenset(found.extras),
        groups=frozenset(found.groups),
        project=".",
        is_package=found.is_package,
        pins=found.pins,
        notices=found.notices,
    )


def _is_explained(folder: Folder, document: Mapping[str, Any], found: Metadata) -> bool:
    """Report whether a notice says already why a setup.py is not read for dependencies."""
    of_sources = uv_sources.of(folder, document).notices(folder.where(NAME))
    return bool(set(found.notices) - set(of_sources))


def _of_groups(
    folder: Folder, document: Mapping[str, Any], selection: Selection
) -> Declared | None:
    """Return the groups that are wanted of a file without a project (PEP 735)."""
    if not selection.groups:
        return None
    sources = uv_sources.of(folder, document)
    groups = _groups(folder, document, sources)
    if not groups:
        return None
    found = Metadata(files=(NAME,), groups=groups)
    lines = expanded(found, selection)
    return Declared(NAME, tuple(lines), groups=frozenset(groups), pins=sources.pins())


def unsourced(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document without what of ``[tool.uv]`` a lock has followed already."""
    tool = table(document, "tool")
    dropped = {"sources", *uv_sources.LOCKED}
    own = {name: value for name, value in table(tool, "uv").items() if name not in dropped}
    return {**document, "tool": {**tool, "uv": {**own, "workspace": {}, "index": []}}}


def expanded(found: Metadata, selection: Selection) -> list[str]:
    """Return the requirements of a project, with those of the extras and groups wanted."""
    lines = list(found.requires)
    own = canonical(found.name)
    extras = {canonical(name): wanted for name, wanted in found.extras.items()}
    pending = [canonical(name) for name in selection.extras]
    seen: set[str] = set()
    while pending:
        extra = pending.pop(0)
        if extra in seen:
            continue
        seen.add(extra)
        for line in extras.get(extra, ()):
            # A project may combine its own extras: all = ["name[a,b]"].
            name, _bracket, others = line.partition("[")
            if own and canonical(name.strip()) == own and others:
                others = others.partition("]")[0]
                pending += [canonical(other.strip()) for other in others.split(",")]
            else:
                lines.append(line)
    for group, wanted in found.groups.items():
        if selection.has_group(group):
            lines += wanted
    return list(dict.fromkeys(lines))


def metadata(folder: Folder, document: Mapping[str, Any]) -> Metadata | None:
    """Return the static metadata of the project; None if the file declares none.

    Raises:
        ContextInvalid: As ``read``.
    """
    project = document.get("project")
    if project is not None and not isinstance(project, dict):
        raise invalid(folder.where(NAME), _("[project] is not a table"))
    own = None if project is None else _project(folder, document, project)
    if table(document, "tool", "poetry"):
        of_poetry = poetry.metadata(folder, document)
        own = of_poetry if own is None else merged(_enriched(own, of_poetry, document), of_poetry)
    if own is None:
        return None
    if own.computed and (folder.has(setup_files.CFG) or folder.has(setup_files.PY)):
        more = setup_files.metadata(folder)
        own = own if more is None else merged(own, more)
    return own


def _enriched(own: Metadata, of_poetry: Metadata, document: Mapping[str, Any]) -> Metadata:
    """Take from Poetry's table where a dependency of [project] comes from."""
    return replace(
        own,
        requires=poetry.placed(document, own.requires),
        extras={name: poetry.placed(document, lines) for name, lines in own.extras.items()},
        groups={
            **of_poetry.groups,
            **{name: poetry.placed(document, lines, name) for name, lines in own.groups.items()},
        },
    )


def _project(folder: Folder, document: Mapping[str, Any], project: Mapping[str, Any]) -> Metadata:
    path = folder.where(NAME)
    dynamic = _strings(folder, project.get("dynamic", []))
    sources = uv_sources.of(folder, document)
    requires = _lines(folder, project.get("dependencies", []))
    extras = {
        name: sources.applied(_lines(folder, lines))
        for name, lines in _table(folder, project, "optional-dependencies").items()
    }
    computed = set(dynamic) & {"version", "dependencies"}
    files = table(document, "tool", "setuptools", "dynamic")
    if "dependencies" in computed and "dependencies" in files:
        requires = [f"-r {name}" for name in _files(folder, files["dependencies"])]
        computed.discard("dependencies")
    hatch = table(document, "tool", "hatch", "metadata", "hooks", "requirements_txt")
    if "dependencies" in computed and hatch.get("files"):
        requires = [f"-r {name}" for name in _strings(folder, hatch["files"])]
        computed.discard("dependencies")
    for name, listed in table(files, "optional-dependencies").items():
        extras[name] = tuple(f"-r {file}" for file in _files(folder, listed))
    for name, listed in table(hatch, "optional-dependencies").items():
        extras[name] = tuple(f"-r {file}" for file in _strings(folder, listed))
    backend = build_backends.read(folder, document)
    version = str(project.get("version") or "") or backend.version
    return Metadata(
        files=(NAME,),
        name=str(project.get("name") or ""),
        version=version,
        requires=sources.applied(requires),
        constraints=sources.constraints,
        options=(*sources.index_lines(), *_tool_indexes(folder, document)),
        extras=extras,
        groups=_groups(folder, document, sources),
        requires_python=flat(str(project.get("requires-python") or "")),
        entry_points=_entry_points(project),
        import_paths=backend.import_paths,
        renamed=backend.renamed,
        is_package=backend.is_package,
        compiles=backend.compiles,
        computed=frozenset(computed - ({"version"} if version else set())),
        pins=sources.pins(),
        notices=sources.notices(path),
    )


def _tool_indexes(folder: Folder, document: Mapping[str, Any]) -> list[str]:
    """Return the options for the indexes of PDM and Rye, which [project] knows nothing of.

    Raises:
        ContextInvalid: An index cannot be asked as these tools do.
    """
    found = []
    for tool, key, usual, command in _TOOLS:
        listed = table(document, "tool", tool).get(key)
        sources = (
            [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        )
        try:
            found += pins.options(sources, usual)
        except ValueError as error:
            raise ContextInvalid(
                fill(
                    _("{path}: the index {name} in [[tool.{tool}.{key}]] cannot be used."),
                    path=folder.where(NAME),
                    name=printable(error, 100),
                    tool=tool,
                    key=key,
                ),
                fill(_("Run: {command}"), command=command),
            ) from error
    return found


def _groups(
    folder: Folder, document: Mapping[str, Any], sources: uv_sources.Sources
) -> dict[str, tuple[str, ...]]:
    tables = document.get("dependency-groups", {})
    if not isinstance(tables, dict):
        raise invalid(folder.where(NAME), _("[dependency-groups] is not a table"))
    if len(tables) > dependency_groups.MOST:
        raise invalid(folder.where(NAME), _("it has too many dependency groups"))
    listed = {canonical(name): items for name, items in tables.items()}
    found = {}
    for name in tables:
        lines: list[str] = []
        pending, seen = [canonical(name)], set()
        while pending:
            group = pending.pop()
            if group in seen:
                continue
            seen.add(group)
            items = listed.get(group)
            for item in items if isinstance(items, list) else ():
                if isinstance(item, dict) and isinstance(item.get("include-group"), str):
                    pending.append(canonical(item["include-group"]))
                elif isinstance(item, str):
                    lines += _lines(folder, [item])
        found[name] = sources.applied(lines)
    for tool in ("uv", "rye"):
        old = table(document, "tool", tool).get("dev-dependencies")
        if old:
            found.setdefault("dev", sources.applied(_lines(folder, old)))
    return found


def _entry_points(project: Mapping[str, Any]) -> dict[str, tuple[tuple[str, str], ...]]:
    groups = dict(table(project, "entry-points"))
    groups["console_scripts"] = table(project, "scripts")
    groups["gui_scripts"] = table(project, "gui-scripts")
    return {
        group: tuple((name, value) for name, value in points.items() if isinstance(value, str))
        for group, points in groups.items()
        if isinstance(points, dict)
    }


def _files(folder: Folder, found: object) -> list[str]:
    named = found.get("file") if isinstance(found, dict) else None
    if isinstance(named, str):
        return [named]
    return _strings(folder, named)


def _table(folder: Folder, project: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = project.get(key, {})
    if not isinstance(found, dict):
        raise invalid(
            folder.where(NAME),
            fill(_("[project.{key}] is not a table"), key=printable(key, 100)),
        )
    return found


def _lines(folder: Folder, value: object) -> list[str]:
    lines = []
    for listed in _strings(folder, value):
        line = flat(listed)
        for own, path in _ROOTS:
            line = line.replace(own, path)
        lines.append(line)
        parsed(line, folder.where(NAME))
    return lines


def _strings(folder: Folder, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid(folder.where(NAME), _("dependencies are not a list of strings"))
    if len(value) > _MOST_LINES:
        raise invalid(folder.where(NAME), _("it lists too many dependencies"))
    return value
