"""The modules of the project: found when imported, read and followed when used."""

import ast
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from keynet.script.files.project_files import Project
from keynet.script.interpreter.definitions import Class, Module, Scope
from keynet.script.interpreter.machine import Machine
from keynet.script.interpreter.values import ROOT, UNKNOWN, External, Imported, Value

__all__ = [
    "Modules",
    "begin",
    "forget",
    "import_name",
    "installs",
    "listing",
    "load",
    "load_unread",
    "module",
    "read_file",
    "registers",
    "resolve",
    "submodule",
]


@dataclass(slots=True, eq=False, repr=False)
class Modules:
    """The modules of the project that the script has imported so far.

    ``unread`` are those whose file is not read yet; ``resolving`` are the imported names that
    are being looked up, each with the id of its module; ``reading`` is the order of the module
    that is being read, ``found`` counts the modules.
    """

    project: Project
    unread: list[Module] = field(default_factory=list)
    scopes: list[Scope] = field(default_factory=list)
    resolving: set[tuple[int, str]] = field(default_factory=set)
    reading: tuple[int, ...] = ()
    found: int = 0


_MOST_NESTED: Final = 40
_MARGIN: Final = re.compile(r"^[A-Za-z_@]", re.MULTILINE)
# What fills a container, after its name.
_FILLING: Final = re.compile(
    r"\[[^\]\n]{1,80}\][ \t]*=[^=]|\.(?:append|add|update|setdefault|extend)\("
)


def registers(text: str, name: str) -> bool:
    """Report whether a function of a module seems to fill a container that it binds to a name."""
    at = text.find(name) if text.startswith(name) or f"\n{name}" in text else -1
    while at >= 0:
        end = at + len(name)
        if text[end : end + 1] in ("[", ".") and _FILLING.match(text, end):
            start = text.rfind("\n", 0, at) + 1
            if start < at and text[start:at].isspace() and _in_function(text, start):
                return True
        at = text.find(name, end)
    return False


def _in_function(text: str, position: int) -> bool:
    """Report whether a line of a module belongs to a function."""
    start = text.rfind("\ndef ", 0, position), text.rfind("\nclass ", 0, position)
    # Whatever else begins at the margin ends the function.
    begun = max(start)
    return begun >= 0 and not _MARGIN.search(text, begun + 1 + len("def "), position)


def listing(run: "_Follower", path: str) -> list[str] | None:
    """Return the names in a folder of modules of the project, None for any other folder."""
    inside = path.removeprefix(ROOT).strip("/")
    return run.modules.project.listing(inside) if path.startswith(ROOT) else None


class _Follower(Machine, Protocol):
    modules: Modules


def begin(run: _Follower, module: Module, name: str) -> Scope:
    """Return a new scope with the names that a module has before its first line."""
    scope = Scope(module, None, {}, "module")
    file = f"{ROOT}/{run.modules.project.place(module)}"
    scope.names.update(
        {"__name__": name, "__file__": file, "__doc__": None, "__package__": UNKNOWN}
    )
    if module.package:
        scope.names["__path__"] = [posixpath.dirname(file)]
    module.scope = scope
    run.modules.scopes.append(scope)
    module.state = "reading"
    return scope


def load(run: _Follower, module: Module) -> Scope | None:
    """Read and follow a module of the project, once; None when it cannot be read."""
    if module.state != "unread":
        return module.scope
    module.state = "reading"
    content = run.modules.project.read(module, run.limits)
    if content is None:
        module.state = "read"
        return None
    scope = begin(run, module, module.name)
    scope.names["__doc__"] = ast.get_docstring(content.tree, clean=False)
    module.text = content.text
    outer, run.modules.reading = run.modules.reading, module.order[:_MOST_NESTED]
    try:
        with run.apart():
            run.execute(content.tree.body, scope)
    finally:
        run.modules.reading = outer
        module.state = "read"
    return scope


def load_unread(run: _Follower, pattern: str = "") -> bool:
    """Read the modules that are imported but not read; report whether there were any.

    Args:
        pattern: Read only those whose text contains a match of this regular expression.
    """
    modules = run.modules
    any_read = False
    skipped: list[Module] = []
    while waiting := [one for one in modules.unread if one.state == "unread"]:
        module = min(waiting, key=lambda one: one.order)
        modules.unread[:] = [one for one in waiting if one is not module]
        # The modules of a package are found by reading its own file.
        if not pattern or module.package or modules.project.mentions(module, pattern):
            any_read = True
            run.load(module)
        else:
            skipped.append(module)
    modules.unread.extend(skipped)
    return any_read


def module(run: _Follower, name: str, importer: Module, level: int = 0) -> Module | None:
    """Find a module of the project as an import statement does."""
    if name == "__main__" and not level and run.modules.scopes:
        return run.modules.scopes[0].module
    return _noted(run, run.modules.project.find(name, importer, level))


def submodule(run: _Follower, module: Module, name: str) -> Module | None:
    """Find a module inside a package of the project."""
    return _noted(run, run.modules.project.inside(module, name) if module.package else None)


def _noted(run: _Follower, found: Module | None) -> Module | None:
    if found is not None and found.state == "unread":
        modules = run.modules
        if not found.order:
            modules.found += 1
            found.order = (*modules.reading, modules.found)
        modules.unread.append(found)
    return found


def read_file(run: _Follower, path: Path) -> tuple[bytes, str] | None:
    """Return content and shown path of a file of the project, None when there is none."""
    project = run.modules.project
    return project.data(project.script.parent / path) or project.data(project.root / path)


def installs(run: _Follower, name: str) -> bool:
    """Report whether an import of what is outside the project is certain to succeed."""
    return run.modules.project.installs(name)


def import_name(run: _Follower, name: str) -> Value:
    """Return the module of an absolute import, External if it is outside the project."""
    entry = Module("__main__", run.modules.project.script)
    return module(run, name, entry) or External(name)


def resolve(run: _Follower, imported: Imported) -> Value:
    """Return what a name imported from a module of the project is bound to."""
    resolving = run.modules.resolving
    key = (id(imported.module), imported.name)
    if key in resolving:
        return UNKNOWN
    resolving.add(key)
    try:
        return run.attribute(imported.module, imported.name)
    finally:
        resolving.discard(key)


def forget(run: _Follower) -> None:
    """Break reference cycles: the garbage collector need not find them."""
    for scope in run.modules.scopes:
        for value in scope.names.values():
            if isinstance(value, Class):
                value.namespace.clear()
        scope.names.clear()
