"""Finding and reading the files of the script's own project, and no others."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keynet.errors import ScriptInvalid
from keynet.script import source
from keynet.script.machine import Limits, Module

__all__ = ["Project", "names_outside"]

_MARKERS: Final = (".git", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt")
_MOST_PARENTS: Final = 6
_LONGEST_NAME: Final = 200
# Whatever lies beside the script, these names mean the well-known packages.
_WELL_KNOWN: Final = frozenset(
    [
        "absl",
        "argparse",
        "click",
        "enum",
        "dataclasses",
        "fire",
        "functools",
        "jsonargparse",
        "os",
        "pathlib",
        "simple_parsing",
        "sys",
        "tap",
        "torch",
        "transformers",
        "typer",
        "typing",
        "tyro",
    ]
)


def names_outside(name: str) -> bool:
    """Tell whether an absolute import never means a file of the project."""
    return name.partition(".")[0] in _WELL_KNOWN


class Project:
    """The folders where the script's imports are looked for.

    The first is the script's own; then its parents up to the project's root, which is the
    nearest folder with a sign of one (``.git``, ``pyproject.toml``, …), else the parent of
    its top package. Links that lead outside are not followed.
    """

    def __init__(self, script: Path) -> None:
        self.script = script.absolute()
        folder = self.script.parent
        self.package = _top_package(folder)
        self._root = _project_root(folder, self.package)
        self._folders = list(_folders(folder, self._root))
        self._real_root = self._root.resolve()
        self._modules: dict[Path, Module] = {}
        self.texts: list[str] = []
        self._own: frozenset[str] | None = None

    def entry(self) -> Module:
        """Give the script itself as a module."""
        module = Module("__main__", self.script)
        self._modules[self.script] = module
        return module

    def find(self, name: str, importer: Module, level: int = 0) -> Module | None:
        """Give the module of the project that an import means, None when there is none."""
        if len(name) > _LONGEST_NAME or not all(
            part.isidentifier() for part in name.split(".") if part
        ):
            return None
        parts = [part for part in name.split(".") if part]
        if level:
            base = importer.path.parent
            for _up in range(min(level - 1, 20)):
                base = base.parent
            return self._at(base, parts, importer) if self._inside(base) else None
        if not parts or names_outside(name):
            return None
        own = self.package is not None and parts[0] == self.package.name
        standard = parts[0] in sys.stdlib_module_names and not own
        folders = self._folders[:1] if standard else self._folders
        for folder in folders:
            if not self._may_hold(folder, parts[0]):
                continue
            found = self._at(folder, parts, importer)
            if found is not None:
                return found
        return None

    def inside(self, package: Module, name: str) -> Module | None:
        """Give a module that lies in a package of the project."""
        return self._at(package.path.parent, [name], package) if name.isidentifier() else None

    def _may_hold(self, folder: Path, first: str) -> bool:
        """Refuse other people's packages that lie beside the script's."""
        if _is_shared(folder):
            if self._own is None:
                self._own = _installed_with(self.script, folder)
            return first in self._own
        if self.package is None or folder != self.package.parent or folder == self.script.parent:
            return True
        return first == self.package.name or _has_marker(folder)

    def _at(self, folder: Path, parts: list[str], importer: Module) -> Module | None:
        base = folder.joinpath(*parts)
        candidates = [(base / "__init__.py", True)]
        if parts:
            candidates.append((base.with_name(base.name + ".py"), False))
        for path, package in candidates:
            if path in self._modules:
                return self._modules[path]
            if _is_file(path) and self._inside(path):
                module = Module(".".join(parts) or folder.name, path, package, self._shown(path))
                self._modules[path] = module
                return module
        if parts and _is_folder(base) and self._inside(base) and any(_python_files(base)):
            # A namespace package: it has submodules but nothing to read.
            return self._modules.setdefault(
                base, Module(".".join(parts), base / "__init__.py", package=True, state="read")
            )
        return None

    def _inside(self, path: Path) -> bool:
        try:
            return path.resolve().is_relative_to(self._real_root)
        except (OSError, RuntimeError):
            return False

    def _shown(self, path: Path) -> str:
        return (
            path.relative_to(self._root).as_posix()
            if path.is_relative_to(self._root)
            else path.name
        )

    def read(self, module: Module, limits: Limits) -> source.Source | None:
        """Read a module of the project; None when it is broken or would be too much."""
        if limits.modules <= 0 or limits.tokens <= 0:
            return None
        limits.modules -= 1
        try:
            content = source.load(module.path, max_tokens=limits.tokens)
        except ScriptInvalid:
            return None
        limits.tokens -= content.tokens
        self.texts.append(content.text)
        return content

    def mentions(self, module: Module, pattern: str) -> bool:
        """Tell whether a file that was not read yet has a match of an expression."""
        try:
            with module.path.open("rb") as file:
                content = file.read(source.MAX_BYTES)
        except OSError:
            return False
        return re.search(pattern.encode(), content) is not None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _python_files(folder: Path) -> Iterator[Path]:
    try:
        yield from folder.glob("*.py")
    except OSError:
        return


def _top_package(folder: Path) -> Path | None:
    top = None
    for _step in range(_MOST_PARENTS):
        if not _is_file(folder / "__init__.py") or folder.parent == folder:
            break
        top, folder = folder, folder.parent
    return top


def _is_shared(folder: Path) -> bool:
    """Tell a folder of installed packages, whose members have nothing to do with each other."""
    return folder.name in ("site-packages", "dist-packages") or _is_file(folder / "argparse.py")


def _installed_with(script: Path, folder: Path) -> frozenset[str]:
    """Name the top-level modules that were installed together with a script."""
    line = f"{script.relative_to(folder).as_posix()},"
    own = {script.relative_to(folder).parts[0].removesuffix(".py")}
    for record in folder.glob("*.dist-info/RECORD"):
        try:
            lines = record.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        if any(one.startswith(line) for one in lines):
            own.update(one.partition(",")[0].partition("/")[0].removesuffix(".py") for one in lines)
            break
    return frozenset(own)


def _has_marker(folder: Path) -> bool:
    return any((folder / marker).exists() for marker in _MARKERS)


def _project_root(folder: Path, package: Path | None) -> Path:
    candidate = folder
    for _step in range(_MOST_PARENTS):
        if candidate == candidate.parent or candidate == Path.home():
            break
        if _has_marker(candidate):
            return candidate
        candidate = candidate.parent
    return folder if package is None else package.parent


def _folders(folder: Path, root: Path) -> Iterator[Path]:
    yield folder
    while folder not in (root, folder.parent):
        folder = folder.parent
        yield folder
    yield root / "src"
