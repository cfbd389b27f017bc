"""Read requirements files, and rewrite them so that they install anywhere.

Included files, local archives and find-links folders of the context become part of one set of
files, which refers to nothing outside the set. A local project is replaced by a stub wheel with
its metadata; its modules are in the context already.

Source: pip's "Requirements File Format".
"""

import errno
import posixpath
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from keynet.events import Notice
from keynet.files.beneath import LeavesFolder
from keynet.recipe.dependencies.declared import Declared
from keynet.recipe.dependencies.folder import Folder
from keynet.recipe.dependencies.lines import line_check, line_errors, references, requirement_lines
from keynet.recipe.dependencies.lines.references import Local
from keynet.recipe.dependencies.lines.requirement_lines import Line, Undecodable
from keynet.recipe.dependencies.lines.variables import Variables
from keynet.recipe.dependencies.local_archives import SUFFIXES, Archives
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
    """Collect what ``Dependencies`` holds.

    Every method raises ContextInvalid, with file and line.
    """

    def __init__(self, top: Folder, context: str, variables: Variables) -> None:
        self.import_paths: list[str] = []
        self.notices: list[Notice] = []
        self.count = 0
        self.lines: list[str] = []
        self.pip_only: dict[str, None] = {}
        self.installs = False
        self._archives = Archives()
        self._top = top
        self._context = context
        self._variables = variables
        self._tops = [top]
        self._texts: dict[str, list[str]] = {}
        self._names: dict[tuple[int, str, str], str] = {}
        self._projects: set[tuple[str, str]] = set()
        self._check = line_check.LineCheck()
        self._hashed = False
        self._alone = False

    @property
    def files(self) -> dict[str, bytes | Path]:
        """Return the set of files; pip starts at ``requirements.txt``."""

        def hashed(match: re.Match[str]) -> str:
            return f" --hash=sha256:{self._archives.digest(match[1])}" if self._hashed else ""

        texts = {
            name: _HASH.sub(hashed, "".join(line + "\n" for line in lines)).encode()
            for name, lines in self._texts.items()
        }
        return {**texts, **self._archives.files}

    def add_file(self, folder: Folder, name: str, *, depth: int = 0) -> str:
        """Add a requirements file of the project, with its includes; return its name."""
        content = folder.read(name)
        real = folder.beneath.resolve(folder.inside(name))
        # While it is read, an include of it is an include of itself.
        self._names[(id(folder.beneath), real, "-r")] = ""
        return self.add_content(folder, name, content, depth=depth)

    def add_content(
        self, folder: Folder, name: str, content: bytes, *, trusted: bool = False, depth: int = 0,
        kind: str = "-r",
    ) -> str:  # fmt: skip
        """Add a requirements file whose content has been read; return its name in ``files``.

        Args:
            folder: Paths in the file are relative to it.
            trusted: The user named the file by a flag.
            kind: ``-c`` for a file of constraints.
        """
        path = folder.where(name)
        try:
            text = requirement_lines.decode(content).replace("\0", "")
        except Undecodable as error:
            raise line_errors.undecodable(path, error) from error
        if folder.beneath is not self._top.beneath and folder not in self._tops:
            self._tops.append(folder)
        own = self._new_name()
        written: list[str] = []
        self._texts[own] = written
        tail: list[str] = []
        for line in requirement_lines.logical(text):
            lines = self._rewritten(line, folder, f"{path}:{line.number}", trusted, depth, kind)
            written += [*lines[:1], *[""] * (line.height - len(lines[:1]))]
            tail += lines[1:]
        written += tail
        return own

    def add_lines(self, folder: Folder, declared: Declared) -> None:
        """Add what a file of another kind declares, as lines of a requirements file."""
        where = str(folder.where(declared.name))
        self._alone = declared.is_locked
        written: list[str] = []
        self._texts[self._new_name()] = written
        for text in declared.lines:
            written += self._rewritten(Line(0, 1, text), folder, where, False, 0, "-r")
        if declared.constraints:
            content = "\n".join(declared.constraints).encode()
            name = self.add_content(folder, declared.name, content, kind="-c")
            written.append(f"-c {name}")
        if declared.project and declared.is_package:
            lines = self._project(Local("."), folder, folder.path, where, listed=True)
            written += [line for line in lines if line]
        elif declared.project:
            from keynet.recipe.dependencies import local_projects

            self._add_paths(folder, local_projects.import_paths_of(folder), where)

    def _new_name(self) -> str:
        return f"requirements-{len(self._texts)}.txt" if self._texts else "requirements.txt"

    def _rewritten(
        self, line: Line, folder: Folder, where: str, trusted: bool, depth: int, kind: str
    ) -> list[str]:
        """Return one line for this line, and more for the end of the file."""
        if not line.text:
            return [""]
        text = self._variables.replaced(line.text, where, trusted=trusted)
        if text.startswith("-"):
            return self._options(text, folder, where, trusted, depth, kind)
        requirement, options = requirement_lines.parts(text)
        self._note_options(options)
        found = references.local(requirement)
        if kind == "-r":
            self.count += 1
            self.installs = True
        if found is not None:
            return self._local(found, requirement, options, folder, where, depth)
        self._check.check(requirement, where)
        if requirement.startswith(("hg+", "svn+", "bzr+")):
            self._pip_only(requirement.partition("+")[0] + "+…")
        if kind == "-r":
            self.lines.append(requirement)
        return [f"{requirement} {options}" if options else requirement]

    def _options(
        self, text: str, folder: Folder, where: str, trusted: bool, depth: int, kind: str
    ) -> list[str]:
        options = requirement_lines.options(text)
        first = _SHORT.get(options[0][0], options[0][0]) if options else ""
        if first == "--editable":
            target = requirement_lines.after_option(text)
            target, more = requirement_lines.parts(target)
            return self._editable(target, more, folder, where, depth)
        lines = []
        for short, value in options:
            name = _SHORT.get(short, short)
            lines += self._option(name, value, folder, where, trusted, depth)
        return lines or [""]

    def _editable(
        self, target: str, options: str, folder: Folder, where: str, depth: int
    ) -> list[str]:
        self.count += 1
        self.installs = True
        self._note_options(options)
        found = references.local(target if not target.startswith("~") else "./" + target)
        if found is None and references.named(target) and not references.is_url(target):
            # Only a path can be editable: "-e mine" is ./mine.
            found = references.local(f"./{target}")
        if found is None:
            self._pip_only("--editable")
            return [f"-e {target} {options}".strip()]
        return self._local(found, target, options, folder, where, depth)

    def _option(
        self, name: str, value: str, folder: Folder, where: str, trusted: bool, depth: int
    ) -> list[str]:
        is_remote = references.is_url(value) and not value.startswith("file:")
        if name in ("--requirement", "--constraint"):
            short = "-r" if name == "--requirement" else "-c"
            if is_remote:
                self.installs = self.installs or short == "-r"
                return [f"{short} {value}"]
            included = self._included(value, folder, where, trusted, depth, short)
            return [f"{short} {included}" if included else ""]
        if name == "--find-links" and not is_remote:
            return [f"--find-links {self._links(value, folder, where)}"]
        if name in ("--index-url", "--extra-index-url") and not is_remote:
            raise line_errors.local_index(where, value)
        if name == "--require-hashes":
            self._hashed = True
        if name not in line_check.UNDERSTOOD:
            self._pip_only(name)
        return [f"{name} {value}".strip()]

    def _included(
        self, value: str, folder: Folder, where: str, trusted: bool, depth: int, kind: str
    ) -> str:
        """Add an included file; return "" if it has been added before."""
        base, path = self._found(self._path_of(value), value, folder, where)
        if depth >= _DEEPEST:
            raise line_errors.too_deep(where, _DEEPEST)
        real = base.beneath.resolve(path)
        key = (id(base.beneath), real, kind)
        if key in self._names:
            if not self._names[key]:
                raise line_errors.includes_itself(where, base.root / real)
            return ""
        self._names[key] = ""
        inside = Folder(base.beneath, base.root, posixpath.dirname(path))
        content = inside.read(posixpath.basename(path))
        self._names[key] = self.add_content(
            inside, posixpath.basename(path), content, trusted=trusted, depth=depth + 1, kind=kind
        )
        return self._names[key]

    def _path_of(self, value: str) -> str:
        found = references.local(value) if value.startswith("file:") else None
        return found.path if found else value

    def _local(
        self, found: Local, written: str, options: str, folder: Folder, where: str, depth: int
    ) -> list[str]:
        """Rewrite a line that names an archive or a project of the context."""
        base, path = self._found(found.path, written, folder, where, found)
        kind = self._kind(base, path, where)
        self.installs = True
        if kind == "folder":
            inside = posixpath.join(path, found.subdirectory) if found.subdirectory else path
            return self._project(found, base, inside, where)
        archive = self._archive(base, path, where)
        self.lines.append(references.distribution(archive, found))
        own = options or f"\0{archive}\0"
        marker = f" ; {found.marker}" if found.marker else ""
        return [f"./{archive}{found.extras}{marker}{' ' if options else ''}{own}"]

    def _project(
        self, found: Local, base: Folder, path: str, where: str, *, listed: bool = False
    ) -> list[str]:
        """Return the lines for a project, whose requirements may be ``listed`` already."""
        # Reads several kinds of files, which most requirements files do not need.
        from keynet.recipe.dependencies import local_projects

        try:
            real = base.beneath.resolve(path)
        except OSError as error:
            raise line_errors.unreadable(where, path, error) from error
        inside = self._in_context(base, real, where)
        if (real, found.extras) in self._projects:
            return [""]
        self._projects.add((real, found.extras))
        extras = tuple(name.strip() for name in found.extras.strip("[]").split(",") if name.strip())
        folder = Folder(base.beneath, base.root, real)
        in_image = posixpath.normpath(posixpath.join(_WORKDIR, inside))
        project = local_projects.describe(folder, extras, where, in_image, alone=self._alone)
        self.notices += [each for each in project.notices if each not in self.notices]
        self._add_paths(folder, project.import_paths, where)
        marker = f" ; {found.marker}" if found.marker else ""
        lines = [""]
        if project.wheel is not None:
            archive = self._archives.put(*project.wheel, where)
            lines = [f"./{archive}{found.extras}{marker}\0{archive}\0"]
            self.installs = True
            self.lines.append(f"{project.name}=={project.version}{marker}")
        elif not listed:
            lines += project.lines
        if not listed:
            self.lines += project.lines
        for each in project.beside:
            lines += self._rewritten(Line(0, 1, each), folder, where, False, 0, "-c")
        return lines

    def _add_paths(self, folder: Folder, paths: Iterable[str], where: str) -> None:
        for path in paths:
            real = folder.beneath.resolve(folder.inside(path))
            inside = self._in_context(folder, real, where)
            if inside not in self.import_paths:
                self.import_paths.append(inside)

    def _in_context(self, base: Folder, real: str, where: str) -> str:
        """Return a path as one of the context."""
        if base.beneath is self._top.beneath:
            if not self._context:
                return real or "."
            if f"{real}/".startswith(f"{self._context}/"):
                return posixpath.relpath(real, self._context)
        raise line_errors.project_outside(where, base.root / real)

    def _found(
        self, path: str, written: str, folder: Folder, where: str, found: Local | None = None
    ) -> tuple[Folder, str]:
        """Return where a path is: next to the file, else in the folder where pip is started."""
        outside = False
        # Some write "-e ./mine#egg=mine".
        for candidate in dict.fromkeys([path, path.partition("#")[0]]):
            for base, inside in self._candidates(folder, candidate):
                try:
                    if base.beneath.kind(inside) is not None:
                        return base, inside
                except LeavesFolder:
                    outside = True
                except OSError as error:
                    if error.errno == errno.ENAMETOOLONG:
                        continue
                    raise line_errors.unreadable(where, path, error) from error
        if found is not None and references.is_conda(found):
            raise line_errors.of_conda(where, found)
        if outside:
            raise line_errors.outside(where, written)
        raise line_errors.missing(where, written, folder.where(path.replace("\0", "")))

    def _candidates(self, folder: Folder, path: str) -> list[tuple[Folder, str]]:
        started = posixpath.join(self._context, path)
        found = [(folder, folder.inside(path)), (self._top, started)]
        if folder.beneath is not self._top.beneath:
            absolute = posixpath.normpath(posixpath.join(str(folder.where().resolve()), path))
            found.append((self._top, absolute))
        return found

    def _kind(self, base: Folder, path: str, where: str) -> str:
        kind = base.beneath.kind(path)
        if kind == "other":
            raise line_errors.neither(where, base.root / path)
        return str(kind)

    def _links(self, value: str, folder: Folder, where: str) -> str:
        base, path = self._found(self._path_of(value), value, folder, where)
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
        if not options:
            return
        for name, _value in requirement_lines.options(options):
            if name == "--hash":
                self._hashed = True
            else:
                self._pip_only(name)

    def _pip_only(self, name: str) -> None:
        self.pip_only.setdefault(fill(_("{option} in the requirements"), option=name))
