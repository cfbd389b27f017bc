"""Listings of the project's own modules, as registries of models import them."""

import fnmatch
import posixpath
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from keynet.script.interpreter.definitions import Instance, Module
from keynet.script.interpreter.knowledge.constants import machine_dependent
from keynet.script.interpreter.knowledge.records import named_tuple
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.values import MISSING, Arguments, PathValue, Unknown, Value

__all__ = ["LISTINGS"]

_FOUND: Final = ("module_finder", "name", "ispkg")


def _text(value: Value) -> str:
    if isinstance(value, PathValue):
        return value.text
    return value if isinstance(value, str) else ""


def _list_folder(run: Machine, given: Arguments) -> Value:
    names = run.listing(_text(given.get("path", 0)))
    if names is None:
        return machine_dependent("os.listdir", "list")
    return run.fresh(list(names))


def _matching(run: Machine, folder: str, pattern: str) -> list[str] | None:
    names = run.listing(folder)
    # Files of other kinds may be made or left out when the image is built.
    if names is None or "/" in pattern or not pattern.endswith(".py"):
        return None
    fitting = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    return [posixpath.join(folder, name) for name in fitting]


def _glob(run: Machine, given: Arguments) -> Value:
    folder, pattern = posixpath.split(_text(given.get("pathname", 0)))
    found = _matching(run, folder, pattern)
    return Unknown("list") if found is None else run.fresh(list(found))


def _glob_path(run: Machine, given: Arguments) -> Value:
    found = _matching(run, _text(given.get("", 0)), _text(given.get("", 1)))
    return Unknown("list") if found is None else run.fresh([PathValue(one) for one in found])


def _iterate_folder(run: Machine, given: Arguments) -> Value:
    folder = _text(given.get("", 0))
    names = run.listing(folder)
    if names is None:
        return Unknown("list")
    return run.fresh([PathValue(posixpath.join(folder, name)) for name in names])


def _modules(run: Machine, given: Arguments) -> Value:
    """Follow ``pkgutil.iter_modules([path], prefix)``."""
    folders = run.iterate(given.get("path", 0))
    prefix = given.get("prefix", 1, "")
    made = named_tuple("ModuleInfo", [(name, MISSING) for name in _FOUND], Module("", Path()))
    found: list[Value] = []
    for folder in folders or ():
        names = run.listing(_text(folder))
        if names is None or not isinstance(prefix, str):
            folders = None
            break
        for name in names:
            stem = name.removesuffix(".py")
            package = stem == name and _is_package(run, folder, name)
            if stem != "__init__" and (package or stem != name) and stem.isidentifier():
                values: dict[str, Value] = {"module_finder": None, "name": prefix + stem}
                found.append(Instance(made, {**values, "ispkg": package}, run.region))
    return Unknown("list") if folders is None else run.fresh(found)


def _exists(run: Machine, given: Arguments) -> Value:
    """Report whether a module of the project exists; nothing else is looked up."""
    folder, name = posixpath.split(_text(given.get("path", 0)))
    if name.endswith(".py") and name in (run.listing(folder) or ()):
        return True
    return machine_dependent("os.path.isfile", "bool")


def _is_package(run: Machine, folder: Value, name: str) -> bool:
    return "__init__.py" in (run.listing(posixpath.join(_text(folder), name)) or ())


def _walk(run: Machine, given: Arguments) -> Value:
    found = _modules(run, given)
    packages = [one for one in run.iterate(found) or () if run.attribute(one, "ispkg") is True]
    if packages:
        # Those below are not listed.
        run.unseen_imports = True
    return found


LISTINGS: Final[Mapping[str, Handler]] = {
    "glob.glob": _glob,
    "glob.iglob": _glob,
    "os.listdir": _list_folder,
    "os.path.exists": _exists,
    "os.path.isfile": _exists,
    "pathlib.Path.glob": _glob_path,
    "pathlib.Path.iterdir": _iterate_folder,
    "pkgutil.iter_modules": _modules,
    "pkgutil.walk_packages": _walk,
}
