"""The modules that a training script imports for certain, through the files of its project."""

import ast
import re
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from keynet.frozen import frozen
from keynet.script.files.project_files import Project
from keynet.script.files.source import Source
from keynet.script.interpreter.definitions import Module
from keynet.script.interpreter.machine import Limits
from keynet.script.training_script import TrainingScript

__all__ = ["Import", "Imports", "read"]

_IMPORT_ERRORS: Final = frozenset(
    ["ImportError", "ModuleNotFoundError", "Exception", "BaseException"]
)
_TRANSPARENT: Final = frozenset(["catch_warnings"])
_RUNNERS: Final = frozenset(
    ["Popen", "call", "check_call", "check_output", "getoutput", "popen", "run", "system"]
)
# A command that installs when the script runs, in one string or as a list of words.
_INSTALLS: Final = re.compile(r"""\bpip3?["'\s,]+install\b""")
_STANDS_IN: Final = re.compile(r"""\bsys\.modules\[\s*["']([^"'.]+)""")
# A large project is read as far as this; what lies behind is not checked.
_MOST_FILES: Final = 200
_MOST_WORDS: Final = 300_000


@frozen
class Import:
    """One import of a module that is not of the project.

    ``name`` is the dotted name as written; ``path`` is relative to the project's root.
    """

    name: str
    path: str
    line: int

    @property
    def top(self) -> str:
        """Return the top-level module."""
        return self.name.partition(".")[0]


@frozen
class Imports:
    """All that a script imports when it starts; each module once, in source order.

    ``own`` has the files of the project that this reads, without the script.
    """

    modules: tuple[Import, ...] = ()
    own: tuple[Path, ...] = ()


def read(script: TrainingScript) -> Imports:
    """Follow the imports of a script through its project's files.

    Only imports that run whenever the script starts are listed: those at the top of a file, and
    in the script itself also those below ``if __name__ == "__main__"`` and in its main function.
    Imports that may fail (in ``try``) or may not run (in ``if``) are left out, as are modules that
    the project puts into ``sys.modules``. Nothing is certain of a script that calls pip.
    """
    with Project(script.path) as project:
        return _followed(project, script)


def _followed(project: Project, script: TrainingScript) -> Imports:
    entry = project.entry()
    limits = Limits(modules=_MOST_FILES, tokens=_MOST_WORDS)
    found: dict[str, Import] = {}
    replaced: set[str] = set()
    own_files: list[Path] = []
    seen = {id(entry)}
    pending: deque[tuple[Module, Source]] = deque([(entry, script.source)])
    while pending:
        module, content = pending.popleft()
        if _INSTALLS.search(content.text) and _calls_pip(content.tree):
            return Imports()
        replaced.update(_STANDS_IN.findall(content.text))
        shown = script.path.name if module is entry else module.file
        for node in _certain(content.tree.body, is_entry=module is entry):
            for own in _own_modules(project, module, node):
                if id(own) in seen:
                    continue
                seen.add(id(own))
                if own.path.suffix == ".py":
                    own_files.append(own.path)
                read_content = None if own.state == "read" else project.read(own, limits)
                if read_content is not None:
                    pending.append((own, read_content))
            for name in _names(node):
                top = name.partition(".")[0]
                if top not in found and project.find(top, module) is None:
                    found[top] = Import(name, shown, node.lineno)
    kept = tuple(each for each in found.values() if each.top not in replaced)
    return Imports(kept, tuple(own_files))


def _names(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [] if node.level or not node.module else [node.module]


def _own_modules(
    project: Project, importer: Module, node: ast.Import | ast.ImportFrom
) -> Iterator[Module]:
    """Iterate over the files of the project that an import runs, packages included."""
    level = node.level if isinstance(node, ast.ImportFrom) else 0
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    if isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    for name in names:
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            module = project.find(".".join(parts[:end]), importer, level)
            if module is not None:
                yield module
                if isinstance(node, ast.ImportFrom) and end == len(parts) and module.package:
                    for alias in node.names:
                        inside = project.inside(module, alias.name)
                        if inside is not None:
                            yield inside


def _certain(body: Iterable[ast.stmt], *, is_entry: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Iterate over the imports that run whenever these statements do."""
    for node in body:
        match node:
            case ast.Import() | ast.ImportFrom():
                yield node
            case ast.If() if is_entry and _is_main_check(node.test):
                yield from _certain(node.body, is_entry=is_entry)
            case ast.Try():
                if not _catches_import_errors(node):
                    yield from _certain(node.body, is_entry=is_entry)
                    yield from _certain(node.orelse, is_entry=is_entry)
                yield from _certain(node.finalbody, is_entry=is_entry)
            case ast.With() if all(_lets_errors_through(item) for item in node.items):
                yield from _certain(node.body, is_entry=is_entry)
            case ast.ClassDef():
                yield from _certain(node.body, is_entry=False)
            case ast.FunctionDef() | ast.AsyncFunctionDef() if is_entry and _is_main(node):
                yield from _certain(node.body, is_entry=False)
            case _:
                pass


def _calls_pip(tree: ast.Module) -> bool:
    """Report whether a call, not a comment or a message, has pip's command among its arguments."""
    return any(
        _INSTALLS.search(ast.unparse(argument))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _called(node.func) in _RUNNERS
        for argument in node.args
    )


def _called(function: ast.expr) -> str:
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case _:
            return ""


def _is_main_check(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and "__name__" in ast.dump(test)


def _is_main(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return node.name == "main"


def _catches_import_errors(node: ast.Try) -> bool:
    return any(
        handler.type is None or _mentions(handler.type, _IMPORT_ERRORS) for handler in node.handlers
    )


def _lets_errors_through(item: ast.withitem) -> bool:
    """Report whether a context manager is known not to catch the error of an import.

    Projects have their own next to ``contextlib.suppress``, such as ``try_import``.
    """
    return _mentions(item.context_expr, _TRANSPARENT)


def _mentions(node: ast.expr, names: frozenset[str]) -> bool:
    return any(
        (isinstance(part, ast.Name) and part.id in names)
        or (isinstance(part, ast.Attribute) and part.attr in names)
        for part in ast.walk(node)
    )
