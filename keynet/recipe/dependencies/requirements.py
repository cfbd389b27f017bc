"""Read requirements files, and rewrite them so that they install anywhere.

Included files, local archives and find-links folders of the context become part of one set of
files, which refers to nothing outside the set. A local project is replaced by a stub wheel with
its metadata; its modules are in the context already.

Source: pip's "Requirements File Format".
"""

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from keynet.events import Notice
from keynet.files.beneath import LeavesFolder
from keynet.recipe.dependencies.declared import Declared
from keynet.recipe.dependencies.folder import Folder
from keynet.recipe.dependencies.lines import line_check, line_errors, references, requirement_lines
from keynet.recipe.dependencies.lines.hash_check import HashCheck
from keynet.recipe.dependencies.lines.references import Local
from keynet.recipe.dependencies.lines.requirement_lines import Undecodable
from keynet.recipe.dependencies.lines.variables import Variables
from keynet.recipe.dependencies.local_archives import SUFFIXES, Archives
from keynet.recipe.dependencies.locating import At, Locator
from keynet.recipe.dependencies.sources import pins
from keynet.text import _, fill

__all__ = ["RequirementsReader"]

_DEEPEST: Final = 50
_WORKDIR: Final = "/workspace"
# Where the hash of an archive goes if the set has hashes; NUL is in no requirement.
_HASH: Final = re.compile("\0(archives/[^\0]++)\0")
_SHORT: Final = {"-r": "--requirement", "-c": "--constraint", "-e": "--editable",
                 "-f": "--find-links", "-i": "--index-url",
                 "--pypi-url": "--index-url"}  # fmt: skip


class RequirementsReader:
    """Collect what ``Dependencies`` holds; every method raises ContextInvalid, with the line."""

    def __init__(self, top: Folder, context: str, variables: Variables) -> None:
        self.import_paths: list[str] = []
        self.notices: list[Notice] = []
        self._unset = set[str]()
        self.count = 0
        self.lines: list[str] = []
        self.pip_only: dict[str, None] = {}
        self.installs = False
        self._pins: dict[str, str] = {}
        self._where = ""
        self._archives = Archives()
        self._locator = Locator(top, context)
        self._variables = variables
        self._texts: dict[str, list[str]] = {}
        self._names: dict[tuple[int, str, str], str] = {}
        self._projects: set[tuple[str, str]] = set()
        self._check = line_check.LineCheck()
        self._hashes = HashCheck()
        self._alone = False

    @property
    def files(self) -> dict[str, bytes | Path]:
        """Return the set of files; pip starts at ``requirements.txt``."""

        def hashed(match: re.Match[str]) -> str:
            return (
                f" --hash=sha256:{self._archives.digest(match[1])}" if self._hashes.required else ""
            )

        texts = {
            name: _HASH.sub(hashed, "".join(line + "\n" for line in lines)).encode()
            for name, lines in self._texts.items()
        }
        content, pinned = pins.render(self.lines, self._pins)
        if pinned and self._hashes.required:
            raise line_errors.hashes_and_pins(self._where, next(iter(pinned)))
        self._hashes.check()
        return {**texts, **self._archives.files, **({pins.PATH: content} if pinned else {})}

    @property
    def uv_only(self) -> tuple[str, ...]:
        """Return what only uv can install, in words."""
        return pins.described(pins.render(self.lines, self._pins)[1])

    @property
    def included(self) -> frozenset[str]:
        """Return the paths of the requirements files that have been read, without links."""
        return frozenset(path for _top, path, _kind in self._names)

    def _pin(self, more: Mapping[str, str], where: str) -> None:
        for name, url in more.items():
            self._where = where
            if self._pins.setdefault(name, url) != url:
                raise line_errors.two_indexes(where, name)

    def add_file(self, folder: Folder, name: str) -> str:
        """Add a requirements file of the project, with its includes; return its name."""
        content = folder.read(name)
        real = folder.beneath.resolve(folder.inside(name))
        # While it is read, an include of it is an include of itself.
        self._names[(id(folder.beneath), real, "-r")] = ""
        return self.add_content(folder, name, content)

    def add_content(
        self, folder: Folder, name: str, content: bytes, *, trusted: bool = False
    ) -> str:
        """Add a requirements file whose content has been read; return its name in ``files``.

        Args:
            folder: Paths in the file are relative to it.
            trusted: The user named the file by a flag.
        """
        return self._add(name, content, At(folder, "", trusted))

    def _add(self, name: str, content: bytes, at: At) -> str:
        path = at.folder.where(name)
        try:
            text = requirement_lines.decode(content).replace("\0", "")
        except Undecodable as error:
            raise line_errors.undecodable(path, error) from error
        own = self._new_name()
        written = self._texts.setdefault(own, [])
        tail: list[str] = []
        for line in requirement_lines.logical(text):
            lines = self._rewritten(line.text, replace(at, where=f"{path}:{line.number}"))
            written += [*lines[:1], *[""] * (line.height - len(lines[:1]))]
            tail += lines[1:]
        written += tail
        return own

    def add_lines(self, folder: Folder, declared: Declared) -> None:
        """Add what a file of another kind declares, as lines of a requirements file."""
        at = At(folder, str(folder.where(declared.name)))
        self._alone = declared.is_locked
        self._pin(declared.pins, at.where)
        written = self._texts.setdefault(self._new_name(), [])
        for text in declared.lines:
            written += self._rewritten(text, at)
        if declared.constraints:
            content = "\n".join(declared.constraints).encode()
            name = self._add(declared.name, content, replace(at, kind="-c"))
            written.append(f"-c {name}")
        if declared.project and declared.is_package:
            lines = self._project(Local("."), folder, folder.path, at, listed=True)
            written += [line for line in lines if line]
        elif declared.project:
            from keynet.recipe.dependencies import local_projects

            self._add_paths(folder, local_projects.import_paths_of(folder), at)

    def _new_name(self) -> str:
        return f"requirements-{len(self._texts)}.txt" if self._texts else "requirements.txt"

    def _rewritten(self, text: str, at: At) -> list[str]:
        """Return one line for this line, and more for the end of the file."""
        if not text:
            return [""]
        text = self._variables.replaced(text, at.where, trusted=at.trusted)
        self.notices += self._variables.missing(text, at.where, self._unset)
        if text.startswith("-"):
            return self._options(text, at)
        requirement, options = requirement_lines.parts(text)
        self._note_options(options)
        self._count(at)
        found = references.local(requirement)
        if found is not None:
            return self._local(found, requirement, options, at)
        self._check.check(requirement, at.where)
        if requirement.startswith(("hg+", "svn+", "bzr+")):
            self._pip_only(requirement.partition("+")[0] + "+…")
        if at.kind != "-c":
            self.lines.append(requirement)
        self._hashes.note(requirement, options, at.where, installs=at.kind == "-r")
        return [f"{requirement} {options}" if options else requirement]

    def _count(self, at: At) -> None:
        if at.kind == "-r":
            self.count += 1
        self.installs = self.installs or at.kind != "-c"

    def _options(self, text: str, at: At) -> list[str]:
        options = requirement_lines.options(text)
        if not options:
            raise line_errors.malformed(at.where, text, _("it has no option"))
        first = _SHORT.get(options[0][0], options[0][0])
        if first == "--editable":
            return self._editable(
                *requirement_lines.parts(requirement_lines.after_option(text)), at
            )
        lines = []
        for short, value in options:
            lines += self._option(_SHORT.get(short, short), value, at)
        return lines

    def _editable(self, target: str, options: str, at: At) -> list[str]:
        self._count(at)
        self._note_options(options)
        found = references.local(target)
        if found is None and references.named(target):
            # Only a path can be editable: "-e mine" is ./mine.
            found = references.local(f"./{target}")
        if found is None:
            self._pip_only("--editable")
            return [f"-e {target} {options}".strip()]
        return self._local(found, target, options, at)

    def _option(self, name: str, value: str, at: At) -> list[str]:
        is_remote = references.is_url(value) and not value.startswith("file:")
        if name in ("--requirement", "--constraint"):
            short = "-r" if name == "--requirement" else "-c"
            if is_remote:
                self._count(replace(at, kind=short))
                return [f"{short} {value}"]
            included = self._included(value, replace(at, kind=short))
            return [f"{short} {included}" if included else ""]
        if name == "--find-links" and not is_remote:
            return [f"--find-links {self._links(value, at)}"]
        if name in ("--index-url", "--extra-index-url") and not is_remote:
            raise line_errors.local_index(at.where, value)
        if name == "--require-hashes":
            self._hashes.required = True
        if name not in line_check.UNDERSTOOD:
            if name not in line_check.ONLY_PIP:
                raise line_errors.unknown_option(at.where, name)
            self._pip_only(name)
        return [f"{name} {value}".strip()]

    def _included(self, value: str, at: At) -> str:
        """Add an included file; return "" if it has been added before."""
        base, path = self._locator.file(value, at)
        if at.depth >= _DEEPEST:
            raise line_errors.too_deep(at.where, _DEEPEST)
        real = base.beneath.resolve(path)
        key = (id(base.beneath), real, at.kind)
        if key in self._names:
            if not self._names[key]:
                raise line_errors.includes_itself(at.where, base.root / real)
            return ""
        self._names[key] = ""
        folder = Folder(base.beneath, base.root, posixpath.dirname(path))
        name = posixpath.basename(path)
        inside = replace(at, folder=folder, depth=at.depth + 1)
        self._names[key] = self._add(name, folder.read(name), inside)
        return self._names[key]

    def _local(self, found: Local, written: str, options: str, at: At) -> list[str]:
        """Rewrite a line that names an archive or a project of the context."""
        base, path = self._locator.requirement(found, written, at)
        kind = self._kind(base, path, at.where)
        self.installs = True
        if kind == "folder":
            inside = posixpath.join(path, found.subdirectory) if found.subdirectory else path
            return self._project(found, base, inside, at)
        archive = self._archive(base, path, at.where)
        self.lines.append(references.distribution(archive, found))
        own = options or f"\0{archive}\0"
        marker = f" ; {found.marker}" if found.marker else ""
        return [f"./{archive}{found.extras}{marker}{' ' if options else ''}{own}"]

    def _project(
        self, found: Local, base: Folder, path: str, at: At, *, listed: bool = False
    ) -> list[str]:
        """Return the lines for a project, whose requirements may be ``listed`` already."""
        # Reads several kinds of files, which most requirements files do not need.
        from keynet.recipe.dependencies import local_projects

        try:
            real = base.beneath.resolve(path)
        except OSError as error:
            raise line_errors.unreadable(at.where, path, error) from error
        inside = self._locator.in_context(base, real, at.where)
        if (real, found.extras) in self._projects:
            return [""]
        self._projects.add((real, found.extras))
        extras = tuple(name.strip() for name in found.extras.strip("[]").split(",") if name.strip())
        folder = Folder(base.beneath, base.root, real)
        in_image = posixpath.normpath(posixpath.join(_WORKDIR, inside))
        project = local_projects.describe(folder, extras, at.where, in_image, alone=self._alone)
        if not self._alone:
            self._pin(project.pins, at.where)
        self.notices += [each for each in project.notices if each not in self.notices]
        self._add_paths(folder, project.import_paths, at)
        marker = f" ; {found.marker}" if found.marker else ""
        lines = [""]
        if project.wheel is not None:
            archive = self._archives.put(*project.wheel, at.where)
            lines = [f"./{archive}{found.extras}{marker}\0{archive}\0"]
            self.installs = True
            self.lines.append(f"{project.name}=={project.version}{marker}")
        elif not listed:
            lines += project.lines
        if not listed:
            self.lines += project.lines
        for each in project.further:
            lines += self._rewritten(each, At(folder, at.where, kind=""))
        return lines

    def _add_paths(self, folder: Folder, paths: Iterable[str], at: At) -> None:
        for path in paths:
            real = folder.beneath.resolve(folder.inside(path))
            inside = self._locator.in_context(folder, real, at.where)
            if inside not in self.import_paths:
                self.import_paths.append(inside)

    def _kind(self, base: Folder, path: str, where: str) -> str:
        kind = base.beneath.kind(path)
        if kind == "other":
            raise line_errors.neither(where, base.root / path)
        return str(kind)

    def _links(self, value: str, at: At) -> str:
        base, path = self._locator.file(value, at)
        where = at.where
        if self._kind(base, path, where) != "folder":
            raise line_errors.not_a_folder(where, base.root / path)
        try:
            names = base.beneath.names(path)
            paths = [posixpath.join(path, name) for name in names if name.endswith(SUFFIXES)]
            self._archives.check(base.beneath, paths, where)
        except OSError as error:
            raise line_errors.unreadable(where, error.filename or path, error) from error
        for each in paths:
            self._archive(base, each, where)
        return "archives"

    def _archive(self, base: Folder, path: str, where: str) -> str:
        if not path.endswith(SUFFIXES):
            raise line_errors.neither(where, base.root / path)
        try:
            return self._archives.add(base.beneath, path, where)
        except LeavesFolder as error:
            raise line_errors.outside(where, path) from error
        except OSError as error:
            raise line_errors.unreadable(where, path, error) from error

    def _note_options(self, options: str) -> None:
        for name, _value in requirement_lines.options(options) if options else ():
            if name == "--hash":
                self._hashes.required = True
            else:
                self._pip_only(name)

    def _pip_only(self, name: str) -> None:
        self.pip_only.setdefault(fill(_("{option} in the requirements"), option=name))
