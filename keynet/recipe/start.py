"""Decide how a script is started so that it finds its own modules. Pure.

``python DIR/train.py`` searches modules next to the script alone. A script that imports relatively
has to be started as a module, and one in a sub-folder may need the modules of the project's root,
which its user has on the import path (``PYTHONPATH=.``, an IDE's setting).
"""

import posixpath
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field
from typing import Final

from keynet.events import Notice
from keynet.frozen import frozen
from keynet.plan import ContextFile
from keynet.text import _, fill

__all__ = ["Modules", "Start", "decide"]

_PYTHON: Final = "python"
# Runs in the image. The added folders come last, as those of a .pth file do: a folder of the
# project does not hide a package of that name.
_LAUNCH: Final = (
    "import runpy, sys; del sys.argv[0]; sys.path[:1] = {first!r}; sys.path += {last!r}; "
)
_SCRIPT: Final = "runpy.run_path({path!r}, run_name='__main__')"
_MODULE: Final = "runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"


@frozen
class Start:
    """How an image starts its script.

    ``import_paths`` are folders of the context ("." for itself) that have to be on the import
    path. ``alone`` is the command that puts them there itself, for images without an
    environment of keynet's.
    """

    command: tuple[str, ...]
    alone: tuple[str, ...]
    import_paths: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()


@frozen
class Modules:
    """The importable files of a context."""

    _files: frozenset[str] = field(repr=False)
    _folders: frozenset[str] = field(repr=False)

    @classmethod
    def of(cls, files: Iterable[ContextFile]) -> "Modules":
        """Return what is importable of these files; a folder if Python files are below it."""
        found = frozenset(file.path for file in files if file.path.endswith(".py"))
        folders: set[str] = set()
        for path in found:
            folder = posixpath.dirname(path)
            while folder and folder not in folders:
                folders.add(folder)
                folder = posixpath.dirname(folder)
        return cls(found, frozenset(folders))

    def have(self, folder: str, name: str) -> bool:
        """Report whether ``import name`` finds something in a folder."""
        path = posixpath.join(folder, name)
        return path + ".py" in self._files or path in self._folders

    def is_package(self, folder: str) -> bool:
        """Report whether a folder has an ``__init__.py``."""
        return posixpath.join(folder, "__init__.py") in self._files


def decide(
    entrypoint: str,
    names: frozenset[str],
    level: int,
    files: Sequence[ContextFile],
    workdir: str,
) -> Start:
    """Return how to start a script.

    Args:
        entrypoint: Its path in the context.
        names: The top-level modules that it and the modules next to it import.
        level: The dots of its furthest relative import, 0 for none.
        files: The context.
        workdir: Where the context is in the image.
    """
    modules = Modules.of(files)
    if level:
        found = _package(entrypoint, level, modules)
        if found is not None:
            return _as_module(*found, entrypoint, workdir)
    # Python would take a leading dash for an option.
    script = f"./{entrypoint}" if entrypoint.startswith("-") else entrypoint
    command = (_PYTHON, script)
    paths = tuple(_needed(entrypoint, names, modules))
    if not paths:
        return Start(command, command)
    code = _LAUNCH.format(
        first=[_inside(workdir, posixpath.dirname(entrypoint))],
        last=[_inside(workdir, path) for path in paths],
    ) + _SCRIPT.format(path=_inside(workdir, entrypoint))
    return Start(command, (_PYTHON, "-c", code, script), paths)


def _package(entrypoint: str, level: int, modules: Modules) -> tuple[str, str] | None:
    """Return the folder to import from and the module's name; None where it lies higher."""
    folder, name = posixpath.split(entrypoint)
    parts = folder.split("/") if folder else []
    depth = 0
    while depth < len(parts) and modules.is_package("/".join(parts[: len(parts) - depth])):
        depth += 1
    depth = max(depth, level)
    stem = name.removesuffix(".py")
    dotted = [*parts[len(parts) - depth :], *([] if stem == "__main__" else [stem])]
    if depth > len(parts) or any("." in part for part in dotted):
        return None
    return "/".join(parts[: len(parts) - depth]) or ".", ".".join(dotted)


def _as_module(folder: str, module: str, entrypoint: str, workdir: str) -> Start:
    command = (_PYTHON, "-m", module)
    text = fill(
        _("{script} imports relatively, so it is started as a module: python -m {module}"),
        script=entrypoint,
        module=module,
    )
    notices = (Notice(text, "note"),)
    # ``-m`` has the working directory on the import path itself.
    if folder == ".":
        return Start(command, command, notices=notices)
    code = _LAUNCH.format(first=[_inside(workdir, folder)], last=[workdir])
    alone = (_PYTHON, "-c", code + _MODULE.format(module=module), entrypoint)
    return Start(command, alone, (folder,), notices)


def _needed(entrypoint: str, names: frozenset[str], modules: Modules) -> Iterator[str]:
    """Yield the folders above the script, nearest first, that have what it imports."""
    own = posixpath.dirname(entrypoint)
    left = {name for name in names if not modules.have(own, name)}
    above = [] if not own else [*_parents(own), "src"]
    for folder in above:
        found = {name for name in left if modules.have("" if folder == "." else folder, name)}
        left -= found
        if found:
            yield folder


def _parents(folder: str) -> Iterator[str]:
    while folder:
        folder = posixpath.dirname(folder)
        yield folder or "."


def _inside(workdir: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(workdir, path))
