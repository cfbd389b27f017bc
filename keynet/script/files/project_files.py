"""Find and read the files of the script's own project, and no others."""

# A script's imports look for hundreds of files; pathlib is several times slower.
# ruff: noqa: PTH112, PTH113, PTH114, PTH118, PTH119, PTH208

import os
import re
import sys
from pathlib import Path
from typing import Final, Self

from keynet.errors import ScriptInvalid
from keynet.files.beneath import Beneath
from keynet.script.files import folders, known_modules, source
from keynet.script.interpreter.definitions import Module
from keynet.script.interpreter.machine import Limits

__all__ = ["Project"]

_LONGEST_NAME: Final = 200
_LARGEST_DATA: Final = 1_000_000
_LONGEST_LIST: Final = 1_000
# Of a script with more names, folders are listed: a question to the system for each takes longer.
_MANY_NAMES: Final = 500


class Project:
    """The folders in which the script's imports are searched.

    The first is the script's own; then its parents up to the project's root, which is the
    nearest folder with a project marker (``.git``, ``pyproject.toml``, …), else the parent of
    its top package. Links that lead outside are not followed.
    """

    def __init__(self, script: Path) -> None:
        # Python imports from the folder where the script really is, whichever links lead there.
        self.script = Path(os.path.realpath(script.parent), script.name)
        self._folder = self.script.parent
        self.package = folders.top_package(self._folder)
        self.root = folders.project_root(self._folder, self.package)
        self._real_root = os.path.realpath(self.root)
        self._real_folders: dict[str, str] = {}
        target = os.path.realpath(self.script)
        if target != str(self.script) and self._inside(target):
            self._folder = Path(target).parent
            self.package = folders.top_package(self._folder)
        self._folders = [
            (folder, folders.is_shared(folder))
            for folder in folders.search_folders(self._folder, self.root)
        ]
        self._modules: dict[str, Module] = {}
        self._found: dict[tuple[str, int, Path | None], Module | None] = {}
        self._names: dict[Path, frozenset[str] | None] = {}
        self.texts: list[str] = []
        self._own: frozenset[str] | None = None
        self._beneath: Beneath | None = None
        self._required: frozenset[str] | None = None
        # A module whose file was looked at last, and its content: most are read then.
        self._seen: tuple[Module, bytes | None] | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the project's folder."""
        if self._beneath is not None:
            self._beneath.close()
            self._beneath = None

    def entry(self) -> Module:
        """Return the script itself as a module."""
        module = Module("__main__", self.script)
        self._modules[str(self.script)] = module
        return module

    def find(self, name: str, importer: Module, level: int = 0) -> Module | None:
        """Return the module of the project that an import means, None when there is none."""
        key = (name, level, importer.path if level else None)
        if key not in self._found:
            self._found[key] = self._find(name, importer, level)
        return self._found[key]

    def _find(self, name: str, importer: Module, level: int) -> Module | None:
        parts = [part for part in name.split(".") if part]
        if len(name) > _LONGEST_NAME or not all(part.isidentifier() for part in parts):
            return None
        if level:
            base = importer.path.parent
            for _up in range(min(level - 1, 20)):
                base = base.parent
            return self._at(base, parts) if self._inside(base) else None
        if not parts or (known_modules.is_well_known(name) and not self._shadows(parts[0])):
            return None
        own = self.package is not None and parts[0] == self.package.name
        standard = parts[0] in sys.stdlib_module_names and not own
        for folder, shared in self._folders[:1] if standard else self._folders:
            if not self._may_have(folder, parts[0]):
                continue
            top = os.path.join(folder, parts[0])
            if not (os.path.isdir(top) or os.path.isfile(top + ".py")):
                continue
            if self._owns(folder, parts[0], shared=shared):
                found = self._at(folder, parts)
                if found is not None:
                    return found
        return None

    def _may_have(self, folder: Path, name: str) -> bool:
        """Report whether a folder may have a module of this name."""
        if len(self._found) < _MANY_NAMES:
            return True
        if folder not in self._names:
            try:
                self._names[folder] = frozenset(os.listdir(folder))
            except OSError:
                self._names[folder] = None
        names = self._names[folder]
        return names is None or name in names or f"{name}.py" in names

    def _shadows(self, name: str) -> bool:
        """Report whether Python finds a module next to the script before a well-known one."""
        if name in known_modules.LOADED or self.package is not None:
            return False
        base = os.path.join(self._folder, name)
        return os.path.isfile(base + ".py") or os.path.isfile(os.path.join(base, "__init__.py"))

    def inside(self, package: Module, name: str) -> Module | None:
        """Return a module inside a package of the project, None when there is none."""
        return self._at(package.path.parent, [name]) if name.isidentifier() else None

    def _owns(self, folder: Path, first: str, *, shared: bool) -> bool:
        """Report whether a package belongs to the project, not to another next to it."""
        if shared:
            if self._own is None:
                self._own = folders.installed_with(self.script, folder)
            return first in self._own
        if self.package is None or folder != self.package.parent or folder == self._folder:
            return True
        return first == self.package.name or folders.has_marker(folder)

    def _at(self, folder: Path, parts: list[str]) -> Module | None:
        base = os.path.join(folder, *parts)
        candidates = [(os.path.join(base, "__init__.py"), True)]
        if parts:
            candidates.append((base + ".py", False))
        for path, package in candidates:
            if path in self._modules:
                return self._modules[path]
            if os.path.isfile(path) and self._inside(path):
                name = ".".join(parts) or folder.name
                module = Module(name, Path(path), package, self._shown(path))
                self._modules[path] = module
                return module
        if parts and os.path.isdir(base) and self._inside(base) and _has_python(base):
            # A namespace package: it has submodules but nothing to read.
            path = candidates[0][0]
            return self._modules.setdefault(
                base, Module(".".join(parts), Path(path), package=True, state="read")
            )
        return None

    def _inside(self, path: str | Path) -> bool:
        """Report whether a path is inside the project after its links are resolved."""
        parent, name = os.path.split(path)
        if parent not in self._real_folders:
            self._real_folders[parent] = os.path.realpath(parent)
        real = os.path.join(self._real_folders[parent], name)
        if os.path.islink(path):
            real = os.path.realpath(path)
        return f"{real}/".startswith(self._real_root.rstrip("/") + "/")

    def _shown(self, path: str) -> str:
        within = self._within(path)
        return os.path.basename(path) if within.startswith("..") else within.replace(os.sep, "/")

    def _within(self, path: str) -> str:
        """Return a path from the project's root."""
        folder = os.path.join(self.root, "")
        # Almost every path is below it, and relpath takes apart both.
        return path[len(folder) :] if path.startswith(folder) else os.path.relpath(path, self.root)

    def place(self, module: Module) -> str:
        """Return the path of a module in the project."""
        return self._shown(str(module.path))

    def installs(self, name: str) -> bool:
        """Report whether an absolute import is certain to find what is outside the project."""
        first = name.partition(".")[0]
        if first in known_modules.IN_EVERY_PYTHON:
            return True
        if self._required is None:
            # Few scripts have an import that may fail.
            from keynet.script.files import required_names

            self._required = required_names.required(self._of_root)
        return first.lower() in self._required

    def _of_root(self, name: str) -> bytes | None:
        found = self.data(self.root / name)
        return None if found is None else found[0]

    def listing(self, inside: str) -> list[str] | None:
        """Return the names in a folder, sorted; None for one that holds no modules."""
        folder = os.path.normpath(os.path.join(self.root, inside))
        if not self._inside(os.path.join(folder, "x")) or not _has_python(folder):
            return None
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            return None
        return [n for n in names if n != "__pycache__"] if len(names) <= _LONGEST_LIST else None

    def read(self, module: Module, limits: Limits) -> source.Source | None:
        """Read a module; return None if it is invalid or the limits are used up."""
        if limits.modules <= 0 or limits.tokens <= 0:
            limits.meet("modules" if limits.modules <= 0 else "words")
            return None
        limits.modules -= 1
        raw: bytes | None = None
        try:
            seen, self._seen = self._seen, None
            raw = seen[1] if seen and seen[0] is module else self._content(module)
            if raw is None:
                return None
            content = source.from_bytes(module.path, raw, max_tokens=limits.tokens, whole=False)
        except (OSError, ScriptInvalid):
            if raw is not None and source.is_longer(raw, limits.tokens):
                limits.meet("words")
            elif raw is None or raw.strip():
                limits.meet("unreadable")
            return None
        limits.tokens -= content.tokens
        self.texts.append(content.text)
        return content

    def data(self, path: Path) -> tuple[bytes, str] | None:
        """Return content and shown path of a file that is not Python, None when there is none.

        A file outside the project, and one that is too large, is none.
        """
        path = Path(os.path.normpath(path))
        if not os.path.isfile(path) or not self._inside(path):
            return None
        try:
            content = self._opened().read(os.path.relpath(path, self.root), _LARGEST_DATA)
        except OSError:
            return None
        return None if content is None else (content, self._shown(str(path)))

    def mentions(self, module: Module, pattern: str) -> bool:
        """Report whether the file of a module contains a match of a regular expression."""
        self._seen = None
        try:
            content = self._content(module)
        except OSError:
            return False
        self._seen = (module, content)
        return content is not None and re.search(pattern.encode(), content) is not None

    def _content(self, module: Module) -> bytes | None:
        """Read a module's file; a folder on its way may have become a link since it was found.

        Raises:
            OSError: It cannot be read, or is not in the project any more.
        """
        return self._opened().read(self._within(str(module.path)), source.MAX_BYTES)

    def _opened(self) -> Beneath:
        """Return the project's folder, opened once.

        Raises:
            OSError: It cannot be opened.
        """
        if self._beneath is None:
            self._beneath = Beneath(self.root)
        return self._beneath


def _has_python(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.endswith(".py") for entry in entries)
    except OSError:
        return False
