"""Read poetry.lock and pdm.lock.

Source: Poetry documentation, "The lock file"; PDM documentation, "Lock file".
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from packaging.version import InvalidVersion, Version

from keynet.recipe.dependencies.declared import Declared, Selection, canonical, flat
from keynet.recipe.dependencies.folder import Folder, table
from keynet.recipe.dependencies.pep508 import both
from keynet.recipe.dependencies.sources import constraints, locked, poetry, pyproject
from keynet.recipe.dependencies.sources.constraints import Untranslatable
from keynet.recipe.dependencies.sources.locked import Edge, Package

__all__ = ["PDM", "POETRY", "read"]

POETRY: Final = "poetry.lock"
PDM: Final = "pdm.lock"
_UPDATES: Final = {POETRY: "poetry lock", PDM: "pdm lock"}


def read(folder: Folder, name: str, selection: Selection) -> Declared | None:
    """Return what a lock pins; None if the project beside it has no dependencies that it locks.

    Args:
        name: ``POETRY`` or ``PDM``.

    Raises:
        ContextInvalid: It is not valid, or does not fit the project.
    """
    if not folder.is_file(pyproject.NAME):
        return None
    project = pyproject.document(folder)
    document = folder.toml(name)
    of_project = pyproject.metadata(folder, _unsourced(project))
    if of_project is None:
        return None
    listed = document.get("package", [])
    raw = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    files = table(document, "metadata", "files")
    packages = _packages(raw, files)
    path = folder.where(pyproject.NAME)
    lines = pyproject.expanded(of_project, selection)
    roots = [locked.edge(line, path) for line in lines if line[:1] not in "-./"]
    local = [line for line in lines if line[:1] in "-./"]
    extras = list(selection.extras)
    flattened = locked.flatten(
        roots,
        locked.by_name(packages),
        requires_python=of_project.requires_python,
        extras=extras,
        lock=folder.where(name),
        update=_UPDATES[name],
    )
    return Declared(
        name,
        (*of_project.options, *flattened, *local),
        extras=frozenset(of_project.extras),
        groups=frozenset(of_project.groups),
        project=".",
        is_package=of_project.is_package and (name == POETRY or "build-system" in project),
        is_locked=True,
    )


def _unsourced(project: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document without the sources of Poetry: the lock has them.

    It has the places of what [project] lists, too.
    """
    own = table(project, "tool", "poetry")
    if not own:
        return dict(project)

    dropped = {"source", *(poetry.PLACES if "project" in project else ())}

    def plain(entry: object) -> object:
        if isinstance(entry, dict):
            return {key: value for key, value in entry.items() if key not in dropped}
        return [plain(each) for each in entry] if isinstance(entry, list) else entry

    dependencies = {name: plain(entry) for name, entry in table(own, "dependencies").items()}
    tool = {**table(project, "tool"), "poetry": {**own, "dependencies": dependencies}}
    return {**project, "tool": tool}


def _packages(raw: list[dict[str, Any]], files: Mapping[str, Any]) -> list[Package]:
    """Return the packages, newest first.

    PDM has an entry of its own for a package with extras, which holds what these add.
    """
    added: dict[tuple[str, str], dict[str, tuple[Edge, ...]]] = {}
    plain = []
    for entry in raw:
        extras = entry.get("extras")
        if not isinstance(extras, list):
            plain.append(entry)
            continue
        key = (canonical(str(entry.get("name"))), str(entry.get("version")))
        edges = tuple(_edges(entry.get("dependencies")))
        for extra in extras:
            added.setdefault(key, {})[canonical(str(extra))] = edges
    packages = []
    for entry in plain:
        package = _package(entry, files)
        more = added.get((canonical(package.name), package.version), {})
        packages.append(replace(package, extras={**package.extras, **more}))
    return sorted(packages, key=lambda package: _order(package.version), reverse=True)


def _order(version: str) -> Version:
    try:
        return Version(version)
    except InvalidVersion:
        return Version("0")


def _markers(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the markers of which one must hold, and with it the package's own Python."""
    found = entry.get("markers") or entry.get("marker") or ""
    listed = list(found.values()) if isinstance(found, dict) else [found]
    python = entry.get("python-versions") or entry.get("requires_python") or ""
    try:
        needed = constraints.python_marker(str(python)) if python != "*" else ""
    except Untranslatable:
        needed = ""
    markers = tuple(both(str(marker), needed) for marker in listed)
    return () if "" in markers else markers


def _package(entry: Mapping[str, Any], files: Mapping[str, Any]) -> Package:
    name, version = flat(str(entry.get("name") or "")), flat(str(entry.get("version") or ""))
    optional = table(entry, "extras")
    listed = entry.get("files") or files.get(name)
    hashes = tuple(
        flat(str(file["hash"]))
        for file in (listed if isinstance(listed, list) else ())
        if isinstance(file, dict) and isinstance(file.get("hash"), str) and " " not in file["hash"]
    )
    return Package(
        name,
        version,
        _line(name, version, entry),
        tuple(_edges(entry.get("dependencies"))),
        {
            canonical(extra): tuple(_edges(lines))
            for extra, lines in optional.items()
            if isinstance(lines, list)
        },
        markers=_markers(entry),
        hashes=hashes,
    )


def _line(name: str, version: str, entry: Mapping[str, Any]) -> str:
    source = table(entry, "source")
    kind, url = source.get("type"), flat(str(source.get("url") or ""))
    if kind == "git" or isinstance(entry.get("git"), str):
        url = url or flat(str(entry.get("git")))
        at = source.get("resolved_reference") or entry.get("revision") or source.get("reference")
        return f"{name} @ git+{url}@{at}"
    if kind == "url" or isinstance(entry.get("url"), str):
        return f"{name} @ {url or flat(str(entry.get('url')))}"
    if kind in ("directory", "file") or isinstance(entry.get("path"), str):
        path = url or flat(str(entry.get("path")))
        path = path if path.startswith(("/", ".")) else f"./{path}"
        return path if kind == "file" else f"-e {path}"
    return f"{name}=={version}"


def _edges(found: object) -> list[Edge]:
    """Return edges from Poetry's tables or PDM's lists of requirements."""
    edges: list[Edge] = []
    if isinstance(found, list):
        for line in found:
            # Poetry's extras are "boto3 (>=1.0)"; what a lock says need not be checked.
            name, semicolon, marker = str(line).partition(";")
            name, _bracket, extras = name.partition("[")
            name = name.strip().split(" ")[0].split("(")[0]
            for operator in "<>=!~@":
                name = name.partition(operator)[0]
            wanted = tuple(each.strip() for each in extras.partition("]")[0].split(",") if extras)
            edges.append(Edge(name.strip(), marker.strip() if semicolon else "", wanted))
        return edges
    for name, entry in found.items() if isinstance(found, dict) else ():
        for each in entry if isinstance(entry, list) else [entry]:
            if isinstance(each, dict) and each.get("optional") is True:
                continue
            edges.append(_edge(name, each))
    return edges


def _edge(name: str, entry: object) -> Edge:
    if not isinstance(entry, dict):
        return Edge(name)
    extras = entry.get("extras")
    try:
        marker = constraints.line(name, {**entry, "version": "*", "path": None, "git": None})
    except Untranslatable:
        marker = ""
    specifier = ""
    try:
        specifier = constraints.version(str(entry.get("version") or "*"))
    except Untranslatable:
        specifier = ""
    return Edge(
        name,
        marker.partition(" ; ")[2],
        tuple(map(str, extras)) if isinstance(extras, list) else (),
        specifier=specifier,
    )
