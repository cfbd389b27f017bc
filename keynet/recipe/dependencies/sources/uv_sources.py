"""Take dependencies from where ``[tool.uv.sources]`` says, never from an index instead.

A package of the same name on a public index is somebody else's.

Source: uv documentation, "Managing dependencies", "Package indexes".
"""

import fnmatch
import posixpath
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from keynet.errors import ContextInvalid
from keynet.events import Notice
from keynet.frozen import frozen
from keynet.recipe.dependencies.declared import canonical, flat
from keynet.recipe.dependencies.folder import Folder, table
from keynet.recipe.dependencies.local_archives import SUFFIXES
from keynet.recipe.dependencies.pep508 import PLACES, holds, parsed
from keynet.recipe.dependencies.sources import pins
from keynet.text import _, fill, printable

__all__ = ["LOCKED", "Sources", "members", "of", "workspace_of"]

_TABLE: Final = "[tool.uv.sources]"
_NAME: Final = "pyproject.toml"
# What uv has followed already when there is a lock.
LOCKED: Final = ("index-url", "extra-index-url", "find-links", "override-dependencies")
_MOST_MEMBERS: Final = 1000
_CONFIG: Final = "uv.toml"
_INDEXES: Final = ("index", "index-url", "extra-index-url", "find-links")
_LARGEST: Final = 1_000_000


@frozen
class Sources:
    """The sources of a project, by canonical name."""

    folder: Folder
    entries: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    indexes: tuple[Mapping[str, Any], ...] = ()
    workspace: Folder | None = None
    constraints: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()

    def applied(self, lines: Iterable[str]) -> tuple[str, ...]:
        """Return requirements with their sources.

        Raises:
            ContextInvalid: A source cannot be honoured.
        """
        found: list[str] = []
        for line in lines:
            found += self._sourced(line)
        return tuple(found)

    def index_lines(self) -> list[str]:
        """Return the options for the default index and the folders that the project names."""
        default = [
            f"--index-url {flat(str(index['url']))}"
            for index in self.indexes
            if index.get("default") is True and index.get("url")
        ]
        return [*default[:1], *(f"--find-links {shlex.quote(link)}" for link in self.links)]

    def pins(self) -> dict[str, str]:
        """Return the URL of the only index for a package, by canonical name."""
        found = {}
        for name, entries in self.entries.items():
            urls = {
                self._url(entry.get("index"))
                for entry in entries
                if all(holds(str(entry.get("marker") or ""), place) for place in PLACES)
            }
            if len(urls) == 1 and (url := urls.pop()):
                found[name] = url
        return found

    def _url(self, name: object) -> str:
        """Return the URL of an index that is not the default one; "" if it cannot be asked."""
        for index in self.indexes:
            if isinstance(name, str) and index.get("name") == name:
                return "" if index.get("default") is True else pins.usable(index)
        return ""

    def notices(self, path: Path) -> tuple[Notice, ...]:
        """Return a warning on what only uv would ask or replace."""
        named = [
            str(index.get("url"))
            for index in self.indexes
            if index.get("default") is not True and index.get("explicit") is not True
        ]
        texts = []
        if named:
            texts.append(
                fill(
                    _(
                        "{path}: the package index {indexes} in [[tool.uv.index]] is used only "
                        "with a uv.lock. Run: uv lock"
                    ),
                    path=path,
                    indexes=_shown(named),
                )
            )
        if self.overrides:
            texts.append(
                fill(
                    _(
                        "{path}: override-dependencies of [tool.uv] count only with a uv.lock: "
                        "{lines}. Run: uv lock"
                    ),
                    path=path,
                    lines=_shown(self.overrides),
                )
            )
        return tuple(map(Notice, texts))

    def _sourced(self, line: str) -> list[str]:
        name = canonical(line.partition("[")[0].split(";")[0].strip()) if self.entries else ""
        if not self.entries:
            return [line]
        requirement = parsed(line, self.folder.where(_NAME))
        name = canonical(requirement.name)
        marker = str(requirement.marker or "")
        extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        entries = [entry for entry in self.entries.get(name, ()) if self._counts(entry, name)]
        if not entries:
            return [line]
        found = []
        for entry in entries:
            target = self._target(entry, requirement.name, extras, line)
            found.append(f"{target} ; {marker}" if marker and target != line else target)
        return found

    def _counts(self, entry: Mapping[str, Any], name: str) -> bool:
        """Report whether a source is for Linux; refuse one that is for some bases only."""
        marker = str(entry.get("marker") or "")
        answers = {holds(marker, place) for place in PLACES} if marker else {True}
        if len(answers) > 1:
            raise self._refused(name, fill(_("its source depends on {marker}"), marker=marker))
        return answers.pop()

    def _target(self, entry: Mapping[str, Any], name: str, extras: str, line: str) -> str:
        if entry.get("workspace") is True:
            return self._member(name, extras)
        if isinstance(entry.get("path"), str):
            path = posixpath.normpath(flat(entry["path"]))
            written = path if path.startswith(("/", ".")) else f"./{path}"
            return f"{written}{extras}" if path.endswith(SUFFIXES) else f"-e {written}{extras}"
        if isinstance(entry.get("git"), str):
            return self._git(entry, name, extras)
        if isinstance(entry.get("url"), str):
            url = flat(entry["url"])
            if url.startswith(("https://", "http://")):
                inside = entry.get("subdirectory")
                fragment = f"#subdirectory={flat(inside)}" if isinstance(inside, str) else ""
                return f"{name}{extras} @ {url}{fragment}"
        if isinstance(entry.get("index"), str):
            defaults = [index for index in self.indexes if index.get("default") is True]
            if any(index.get("name") == entry["index"] for index in defaults):
                return line
            if canonical(name) in self.pins():
                return line
            raise self._refused(
                name,
                fill(
                    _(
                        "it comes from the index {index} alone, whose URL is not known, or from "
                        "several"
                    ),
                    index=printable(entry["index"], 100),
                ),
            )
        raise self._refused(name, _("its source is of a kind that is not known"))

    def _git(self, entry: Mapping[str, Any], name: str, extras: str) -> str:
        url = flat(entry["git"])
        if not url.startswith(("https://", "http://", "ssh://", "git://")) or " " in url:
            raise self._refused(name, _("its Git repository has no URL that a build can reach"))
        at = next((entry[key] for key in ("rev", "tag", "branch") if entry.get(key)), "")
        reference = f"@{flat(str(at))}" if at else ""
        inside = entry.get("subdirectory")
        fragment = f"#subdirectory={flat(inside)}" if isinstance(inside, str) else ""
        return f"{name}{extras} @ git+{url}{reference}{fragment}"

    def _member(self, name: str, extras: str) -> str:
        if self.workspace is None:
            raise self._refused(name, _("it is taken from a workspace that is not in the context"))
        for path, found in members(self.workspace):
            if canonical(found) == canonical(name):
                inside = self.workspace.inside(path)
                relative = posixpath.relpath(inside or ".", self.folder.path or ".")
                return f"-e ./{relative}{extras}"
        raise self._refused(name, _("no member of the workspace has this name"))

    def _refused(self, name: str, reason: str) -> ContextInvalid:
        return ContextInvalid(
            fill(
                _("{path}: {table} names {name}, but {reason}."),
                path=self.folder.where(_NAME),
                table=_TABLE,
                name=printable(name, 100),
                reason=reason,
            ),
            _(
                "A package of that name on an index may be another one, so it is not used. Run "
                "`uv lock`, or `uv export -o requirements.txt` and pass that file with "
                "--requirements FILE."
            ),
        )


def _configured(folder: Folder) -> dict[str, Any]:
    """Return the indexes of a uv.toml, which stand for those of ``[tool.uv]``."""
    if not folder.is_file(_CONFIG):
        return {}
    document = folder.toml(_CONFIG, _LARGEST)
    return {key: document[key] for key in _INDEXES if key in document}


def of(folder: Folder, document: Mapping[str, Any]) -> Sources:
    """Return the sources of a project, with those of its workspace.

    Raises:
        ContextInvalid: The pyproject.toml of the workspace cannot be read.
    """
    own = table(document, "tool", "uv")
    # A lock has followed the indexes if the document has an empty list of them.
    if own.get("index") != []:
        own = {**own, **_configured(folder)}
    workspace = folder if "workspace" in own else workspace_of(folder)
    above = {}
    if workspace is not None and workspace is not folder:
        above = table(workspace.toml(_NAME, _LARGEST), "tool", "uv")
    entries = {}
    if workspace is not None:
        offset = posixpath.relpath(workspace.path or ".", folder.path or ".")
        for name, entry in table(above, "sources").items():
            entries[canonical(name)] = tuple(_moved(each, offset) for each in _entries(entry))
    for name, entry in table(own, "sources").items():
        entries[canonical(name)] = _entries(entry)
    return Sources(
        folder,
        entries,
        tuple(
            index
            for listed in (own.get("index"), above.get("index"), _old_indexes(own))
            for index in (listed if isinstance(listed, list) else ())
            if isinstance(index, dict)
        ),
        workspace,
        _lines(own.get("constraint-dependencies")),
        _lines(own.get("find-links")),
        _lines(own.get("override-dependencies")),
    )


def _old_indexes(own: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what uv had before ``[[tool.uv.index]]``, in that form."""
    default = _lines([own.get("index-url")])
    return [
        *({"url": url, "default": True} for url in default),
        *({"url": url} for url in _lines(own.get("extra-index-url"))),
    ]


def _shown(texts: Sequence[str]) -> str:
    return ", ".join(printable(text, 200) for text in texts[:3])


def _lines(listed: object) -> tuple[str, ...]:
    lines = listed if isinstance(listed, list) else ()
    return tuple(flat(line) for line in lines if isinstance(line, str))


def workspace_of(folder: Folder) -> Folder | None:
    """Return the folder above whose pyproject.toml has this one in its workspace."""
    path = folder.path
    while path:
        path = posixpath.dirname(path)
        above = Folder(folder.beneath, folder.root, path)
        if not above.is_file(_NAME):
            continue
        try:
            document = above.toml(_NAME, _LARGEST)
        except ContextInvalid:
            return None
        if "workspace" in table(document, "tool", "uv"):
            inside = posixpath.relpath(folder.path, path or ".")
            return above if any(member == inside for member, _n in members(above)) else None
    return None


def members(root: Folder) -> list[tuple[str, str]]:
    """Return the members of a workspace: their folders below ``root``, and their names."""
    document = root.toml(_NAME, _LARGEST)
    workspace = table(document, "tool", "uv", "workspace")
    listed = workspace.get("members", [])
    left_out = [str(pattern) for pattern in workspace.get("exclude") or ()]
    found = [("", str(table(document, "project").get("name") or ""))]
    for pattern in listed if isinstance(listed, list) else ():
        for path in _matching(root, str(pattern)):
            if any(fnmatch.fnmatch(path, out) for out in left_out) or len(found) > _MOST_MEMBERS:
                continue
            member = root.at(path)
            if member.is_file(_NAME):
                project = table(member.toml(_NAME, _LARGEST), "project")
                found.append((path, str(project.get("name") or "")))
    return found


def _matching(root: Folder, pattern: str) -> list[str]:
    paths = [""]
    for part in posixpath.normpath(pattern).split("/"):
        if part in (".", "") or len(part) > 100:
            continue
        following: list[str] = []
        for path in paths[:_MOST_MEMBERS]:
            if not set(part) & set("*?["):
                following.append(posixpath.join(path, part))
                continue
            try:
                names = root.beneath.names(root.inside(path))
            except OSError:
                continue
            following += [posixpath.join(path, n) for n in names if fnmatch.fnmatch(n, part)]
        paths = following
    return [path for path in paths[:_MOST_MEMBERS] if path]


def _moved(entry: Mapping[str, Any], offset: str) -> Mapping[str, Any]:
    """Return a source whose path is relative to a folder below the workspace."""
    path = entry.get("path")
    if not isinstance(path, str) or path.startswith("/"):
        return entry
    return {**entry, "path": posixpath.join(offset, path)}


def _entries(entry: object) -> tuple[Mapping[str, Any], ...]:
    listed = entry if isinstance(entry, list) else [entry]
    return tuple(each for each in listed if isinstance(each, dict))
