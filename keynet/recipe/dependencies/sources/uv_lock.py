"""Read uv.lock, with its versions and its sources.

Source: uv documentation, "Resolution: lockfile" (version 1).
"""

import posixpath
from collections.abc import Iterable, Mapping
from typing import Any, Final

from keynet.errors import ContextInvalid
from keynet.recipe.dependencies.declared import Declared, Selection, canonical, flat
from keynet.recipe.dependencies.folder import Folder, invalid, table
from keynet.recipe.dependencies.sources import locked, pins, pyproject, uv_sources
from keynet.recipe.dependencies.sources.locked import Edge, Package
from keynet.text import _, fill, printable

__all__ = ["NAME", "read"]

NAME: Final = "uv.lock"
_UPDATE: Final = "uv lock"
_PUBLIC: Final = "https://pypi.org/simple"


def read(folder: Folder, selection: Selection) -> Declared | None:
    """Return what the uv.lock of a project, or of its workspace, pins; None without one.

    Raises:
        ContextInvalid: It is not valid, of another version, or does not fit the project.
    """
    home = folder if folder.has(NAME) else uv_sources.workspace_of(folder)
    if home is None or not home.has(NAME) or not folder.is_file(pyproject.NAME):
        return None
    lock = home.where(NAME)
    document = home.toml(NAME)
    if document.get("version") != 1:
        raise invalid(
            lock,
            fill(
                _("its version {version} is not known"), version=printable(document.get("version"))
            ),
            fill(_("Run: {command}"), command="uv export -o requirements.txt"),
        )
    project = pyproject.document(folder)
    found = pyproject.metadata(folder, pyproject.unsourced(project))
    if found is None:
        return None
    offset = posixpath.relpath(home.path or ".", folder.path or ".")
    listed = document.get("package", [])
    raw = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    own = next((each for each in raw if _is_own(each, found.name)), None)
    reader = _Reader(home, offset)
    packages = locked.by_name(reader.package(each, is_own=each is own) for each in raw)
    wanted = pyproject.expanded(found, selection)
    roots = _roots(folder, project, own, wanted, selection)
    lines = locked.flatten(
        roots,
        packages,
        requires_python=str(document.get("requires-python") or found.requires_python),
        extras=_conflicts(found.name, selection),
        lock=lock,
        update=_UPDATE,
    )
    lines = tuple(line for line in lines if line)
    options, pinned = _indexes(home, reader.registries(lines), lines)
    return Declared(
        posixpath.join(offset, NAME) if offset != "." else NAME,
        (*options, *lines),
        extras=frozenset(found.extras),
        groups=frozenset(found.groups),
        project=".",
        is_package=found.is_package and "virtual" not in table(own, "source"),
        is_locked=True,
        pins=pinned,
    )


class _Reader:
    """Turn tables of the lock into packages, and remember the registry of each."""

    def __init__(self, home: Folder, offset: str) -> None:
        self._home = home
        self._offset = offset
        self._registries: dict[str, dict[str, None]] = {}

    def registries(self, lines: Iterable[str]) -> dict[str, set[str]]:
        """Return the registries of the packages that lines require, with the packages' names."""
        found: dict[str, set[str]] = {}
        for line in lines:
            requirement = line.partition(" ")[0]
            for url in self._registries.get(requirement, ()):
                found.setdefault(url, set()).add(canonical(requirement.partition("==")[0]))
        return found

    def package(self, entry: Mapping[str, Any], *, is_own: bool) -> Package:
        name, version = flat(str(entry.get("name") or "")), str(entry.get("version") or "")
        markers = entry.get("resolution-markers")
        optional = table(entry, "optional-dependencies")
        return Package(
            name,
            version,
            "" if is_own else self._line(name, version, table(entry, "source")),
            tuple(_edges(entry.get("dependencies"))),
            {canonical(extra): tuple(_edges(listed)) for extra, listed in optional.items()},
            tuple(map(str, markers)) if isinstance(markers, list) else (),
            _hashes(entry),
        )

    def _line(self, name: str, version: str, source: Mapping[str, Any]) -> str:
        if isinstance(source.get("git"), str):
            url, _hash, commit = source["git"].partition("#")
            url, _query, query = url.partition("?")
            inside = next(
                (part[13:] for part in query.split("&") if part.startswith("subdirectory=")), ""
            )
            at = f"@{commit}" if commit else ""
            return flat(f"{name} @ git+{url}{at}" + (f"#subdirectory={inside}" if inside else ""))
        if isinstance(source.get("url"), str):
            return flat(f"{name} @ {source['url']}")
        for key in ("path", "editable", "directory", "virtual"):
            if isinstance(source.get(key), str):
                path = posixpath.normpath(posixpath.join(self._offset, source[key]))
                path = path if path.startswith(("/", ".")) else f"./{path}"
                return flat(path if key == "path" else f"-e {path}")
        registry = source.get("registry")
        if not isinstance(registry, str) or not version:
            raise invalid(
                self._home.where(NAME),
                fill(_("{name} has a source that is not known"), name=printable(name, 100)),
                fill(_("Run: {command}"), command="uv export -o requirements.txt"),
            )
        line = flat(f"{name}=={version}")
        self._registries.setdefault(line, {}).setdefault(registry)
        return line


def _is_own(entry: Mapping[str, Any], name: str) -> bool:
    source = table(entry, "source")
    local = any(key in source for key in ("editable", "virtual", "directory"))
    return local and canonical(str(entry.get("name") or "")) == canonical(name)


def _edges(listed: object) -> Iterable[Edge]:
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, dict) and each.get("name"):
            extras = each.get("extra")
            yield Edge(
                str(each["name"]),
                str(each.get("marker") or ""),
                tuple(map(str, extras)) if isinstance(extras, list) else (),
                str(each.get("version") or ""),
            )


def _hashes(entry: Mapping[str, Any]) -> tuple[str, ...]:
    wheels = entry.get("wheels")
    files = [*(wheels if isinstance(wheels, list) else ()), entry.get("sdist")]
    return tuple(
        flat(str(file["hash"]))
        for file in files
        if isinstance(file, dict) and isinstance(file.get("hash"), str) and " " not in file["hash"]
    )


def _roots(
    folder: Folder,
    project: Mapping[str, Any],
    own: Mapping[str, Any] | None,
    wanted: list[str],
    selection: Selection,
) -> list[Edge]:
    """Return what the project needs, as its pyproject.toml says now."""
    path = folder.where(pyproject.NAME)
    roots = [locked.edge(line, path) for line in wanted if line[:1] not in "-./"]
    if own is None:
        return roots
    # The lock knows which of several versions is meant, and what a source has replaced.
    named = {canonical(edge.name) for edge in roots}
    listed = [*_edges(own.get("dependencies"))]
    for extra, edges in table(own, "optional-dependencies").items():
        listed += _edges(edges) if selection.has_extra(extra) else ()
    for group, edges in table(own, "dev-dependencies").items():
        listed += _edges(edges) if selection.has_group(group) else ()
    known = {canonical(edge.name) for edge in listed}
    fresh = [edge for edge in roots if canonical(edge.name) not in known or edge.specifier]
    overridden = table(project, "tool", "uv").get("override-dependencies")
    if overridden:
        fresh = [edge for edge in fresh if canonical(edge.name) not in known]
    return [*fresh, *(edge for edge in listed if canonical(edge.name) in named)]


def _conflicts(name: str, selection: Selection) -> list[str]:
    """Return the values of ``extra`` by which uv tells conflicting extras apart."""
    own = canonical(name)
    return [
        *(f"extra-{len(own)}-{own}-{canonical(extra)}" for extra in selection.extras),
        *(f"group-{len(own)}-{own}-{canonical(group)}" for group in selection.groups),
    ]


def _indexes(
    home: Folder, registries: Mapping[str, set[str]], lines: tuple[str, ...]
) -> tuple[list[str], dict[str, str]]:
    """Return the options for the indexes that the project itself names, and pins.

    Without hashes, a package of the same name on another index could be taken: then it is pinned.

    Raises:
        ContextInvalid: An index cannot be pinned, or a package comes from two.
    """
    own = uv_sources.of(home, pyproject.document(home)).indexes
    named = {str(index.get("url")).rstrip("/"): index for index in own}
    found: list[str] = []
    pinned: dict[str, str] = {}
    hashed = all("--hash=" in line or line.startswith("-e ") for line in lines)
    for url, names in registries.items():
        index = named.get(url.rstrip("/"))
        if "://" not in url:
            path = url if url.startswith(("/", ".")) else f"./{url}"
            found.append(f"--find-links {flat(path)}")
        elif index is None or url.rstrip("/") == _PUBLIC:
            # An index of the machine that made the lock: here its own counts.
            continue
        elif index.get("default") is True:
            found.insert(0, f"--index-url {flat(url)}")
        elif hashed:
            found.append(f"--extra-index-url {flat(url)}")
        elif pins.usable(index) and not names & pinned.keys():
            pinned |= dict.fromkeys(names, pins.usable(index))
        else:
            raise ContextInvalid(
                fill(
                    _("{lock}: packages come from the index {url} alone, but have no hashes."),
                    lock=home.where(NAME),
                    url=printable(url, 200),
                ),
                _(
                    "Without hashes, a package of the same name on another index could be taken. "
                    "Run: uv lock --refresh"
                ),
            )
    return found, pinned
