"""Find the file that declares the dependencies, and read it."""

import contextlib
import itertools
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import Final

from keynet.errors import UsageError
from keynet.events import Notice
from keynet.files import places
from keynet.files.beneath import Beneath
from keynet.frozen import frozen
from keynet.plan import Dependencies
from keynet.recipe.dependencies import looking
from keynet.recipe.dependencies.declared import Declared, Selection, canonical
from keynet.recipe.dependencies.folder import Folder, refused
from keynet.recipe.dependencies.lines.variables import Variables
from keynet.recipe.dependencies.requirements import RequirementsReader
from keynet.text import _, fill, printable

__all__ = ["Search", "find"]

Found = tuple[Dependencies, tuple[Notice, ...]]
_REQUIREMENTS: Final = "requirements.txt"
_NAME: Final = re.compile(r"[\w.-]*")
_MOST_LINES: Final = 2_000
# One of them is in each name of a file that lists packages.
_LISTING: Final = ("req", "deps", "dependencies", "env", "pixi", "pylock", "conda", "toml")
_NO_FILES: Mapping[str, str] = {}


@frozen
class Search:
    """What decides where dependencies are looked for, and what of them is wanted.

    ``script`` is the training script and ``source`` its content. ``requirements`` is the path as
    the user gave it, relative to the working directory; if it ``is_trusted``, the user gave it by
    a flag, else it is a setting of the context, and relative to that. ``hosts`` are those of the
    package indexes that the user's own settings name.
    """

    context: Path
    script: Path | None = None
    source: bytes = field(default=b"", repr=False)
    requirements: Path | None = None
    is_trusted: bool = True
    selection: Selection = field(default_factory=Selection)
    environment: Mapping[str, str] = field(default_factory=lambda: _NO_FILES, repr=False)
    hosts: frozenset[str] = frozenset()


def find(search: Search) -> Found:
    """Read the dependencies from the first place that has any.

    These are: the file that the user names, the inline metadata of the script, and in each folder
    from the script's up to the context, then up to the repository's root, the files of
    ``looking.SOURCES``.

    Returns:
        The dependencies, and notices to show.

    Raises:
        ContextInvalid: A file is missing or unreadable, or requires something that only exists
            outside the build.
        UsageError: An extra or group is wanted that the file does not have.
    """
    with contextlib.ExitStack() as stack:
        try:
            top = Folder(stack.enter_context(Beneath(search.context)), search.context)
        except OSError as error:
            raise refused(search.context, error) from error
        folders = list(_folders(search, top, stack))
        return _Finding(search, top, folders).find()


def _folders(
    search: Search, top: Folder, stack: contextlib.ExitStack
) -> Iterator[tuple[Folder, Folder, str]]:
    """Yield the folders to look in, each with the top that may be read and the context in it."""
    context = Path(places.real(search.context))
    script = Path(places.real(search.script)) if search.script is not None else context / "-"
    inside = ""
    if script.is_relative_to(context):
        inside = script.parent.relative_to(context).as_posix().removeprefix(".")
    while inside:
        yield Folder(top.beneath, top.root, inside), top, ""
        inside = posixpath.dirname(inside)
    yield top, top, ""
    root = looking.repository(context, places.home())
    if root is None or root == context:
        return
    try:
        above = Folder(stack.enter_context(Beneath(root)), Path(os.path.relpath(root)))
    except OSError:
        # It may be passed through, but not read.
        return
    below = context.relative_to(root).as_posix()
    path = below
    while path:
        path = posixpath.dirname(path)
        yield Folder(above.beneath, above.root, path), above, below


class _Finding:
    """One search; ``notices`` are collected on the way."""

    def __init__(
        self, search: Search, top: Folder, folders: list[tuple[Folder, Folder, str]]
    ) -> None:
        self._search = search
        self._top = top
        self._folders = folders
        self._notices: list[Notice] = []
        self._requires_python = ""
        self._variables = Variables(search.environment, search.hosts)

    def find(self) -> Found:
        """Return what the first place has."""
        search = self._search
        inline = looking.inline(self._folders[0][0], search.script, search.source)
        self._requires_python = (inline.requires_python if inline else "") or (
            looking.requires_python([folder for folder, _top, _context in self._folders])
        )
        if search.requirements is not None:
            return self._named(search.requirements)
        if inline is not None and inline.declared is not None:
            folder, top, context = self._folders[0]
            assert search.script is not None
            if any(not line.startswith("--") for line in inline.declared.lines):
                return self._declared(folder, top, context, inline.declared, search.script)
            self._pass_over(folder, search.script.name)
        return self._searched()

    def _named(self, path: Path) -> Found:
        reader = RequirementsReader(self._top, "", self._variables)
        if self._search.is_trusted:
            from keynet.recipe.dependencies import named_file

            with named_file.opened(path, self._top) as (folder, content):
                declared = looking.named(folder, path.name, self._search.selection)
                if declared is not None:
                    return self._declared(folder, self._top, "", declared, path)
                reader.add_content(folder, path.name, content, trusted=True)
                return self._done(self._search.requirements, reader)
        folder = self._top.at(path.parent.as_posix())
        declared = looking.named(folder, path.name, self._search.selection)
        if declared is not None:
            return self._declared(folder, self._top, "", declared, folder.where(path.name))
        reader.add_file(folder, path.name)
        return self._done(folder.where(path.name), reader)

    def _searched(self) -> Found:
        project: tuple[Folder, Folder, str, Declared] | None = None
        for folder, top, context in self._folders:
            if folder.has(_REQUIREMENTS):
                reader = RequirementsReader(top, context, self._variables)
                reader.add_file(folder, _REQUIREMENTS)
                if reader.installs or reader.import_paths:
                    self._compare(folder, _REQUIREMENTS, reader)
                    return self._done(folder.where(_REQUIREMENTS), reader)
                self._pass_over(folder, _REQUIREMENTS)
            for declared in looking.declared_in(folder, self._search.selection):
                self._notices += declared.notices
                if any(not line.startswith("--") for line in declared.lines):
                    return self._declared(folder, top, context, declared, None)
                if declared.project and project is None:
                    project = (folder, top, context, declared)
                elif not declared.notices:
                    self._pass_over(folder, declared.name)
        from keynet.recipe.dependencies.unused import unread_files

        self._notices += unread_files.instead([folder for folder, _top, _inside in self._folders])
        if project is not None and project[2] == "":
            return self._declared(*project, None, quiet=True)
        self._check_selection(None)
        return Dependencies(requires_python=self._requires_python), tuple(self._notices)

    def _declared(
        self, folder: Folder, top: Folder, context: str, declared: Declared,
        named: Path | None, *, quiet: bool = False,
    ) -> Found:  # fmt: skip
        """Return what a file declares, which is ``named`` by the user, or the script itself."""
        self._check_selection(declared, folder)
        if not quiet and named is not None:
            self._notices += declared.notices
        reader = RequirementsReader(top, context, self._variables)
        reader.add_lines(folder, declared)
        if named is None and not quiet:
            self._compare(folder, declared.name, reader)
        return self._done(named or folder.where(declared.name), reader)

    def _script_folder(self) -> str:
        """Return the folder that is on the import path of the script anyway."""
        folder, top, _context = self._folders[0]
        return (folder.path or ".") if top is self._top else "."

    def _check_selection(self, declared: Declared | None, folder: Folder | None = None) -> None:
        selection = self._search.selection
        unknown = (declared or Declared("")).unknown(selection)
        if not unknown:
            return
        where = folder.where(declared.name) if declared and folder else _("The project")
        known = sorted([*declared.extras, *declared.groups]) if declared else []
        raise UsageError(
            fill(
                _("{where} does not have what {flags} names."),
                where=where,
                flags=", ".join(unknown),
            ),
            fill(_("It has: {names}."), names=printable(", ".join(known), 300))
            if known
            else _("Leave the option out; see [tool.keynet] for extras and groups, too."),
        )

    def _pass_over(self, folder: Folder, name: str) -> None:
        self._notices.append(
            Notice(
                fill(_("Skipping {path}: it lists no package."), path=folder.where(name)), "note"
            )
        )

    def _compare(self, folder: Folder, name: str, reader: RequirementsReader) -> None:
        """Warn of what other files of the folder say, and name those that nobody reads."""
        others = looking.others(folder, name, self._search.selection)
        if others:
            from keynet.recipe.dependencies import contradictions

            notice = contradictions.find(folder, name, reader.lines, others)
            if notice is not None:
                self._notices.append(notice)
        names = (each.lower() for each in folder.names() if each != _REQUIREMENTS)
        if any(word in each for each in names for word in _LISTING):
            from keynet.recipe.dependencies.unused import unread_files

            self._notices += unread_files.beside(folder, name, reader.included)

    def _done(self, source: Path | None, reader: RequirementsReader) -> Found:
        if source is not None and source.name == _REQUIREMENTS:
            self._check_selection(Declared(source.name), Folder(self._top.beneath, source.parent))
        if source is not None and _several(reader.lines):
            # Imports packaging (15 ms), which a list of different names does not need.
            from keynet.recipe.dependencies import contradictions

            contradictions.check(source, reader.lines)
        notices = tuple(dict.fromkeys((*self._notices, *reader.notices)))
        found = Dependencies(
            source,
            requires_python=self._requires_python,
            count=reader.count,
            lines=tuple(reader.lines),
            pip_only=tuple(reader.pip_only),
        )
        if not reader.installs and not set(reader.import_paths) - {self._script_folder()}:
            return found, notices
        return (
            Dependencies(
                source,
                reader.files,
                tuple(reader.import_paths),
                count=found.count,
                requires_python=found.requires_python,
                pip_only=found.pip_only,
                uv_only=reader.uv_only,
                lines=found.lines,
            ),
            notices,
        )


def _several(lines: Iterable[str]) -> bool:
    """Report whether one of the first packages is listed more than once."""
    first = itertools.islice(lines, _MOST_LINES)
    names = [canonical(match[0]) for line in first if (match := _NAME.match(line))]
    return len(set(names)) < len(names)
