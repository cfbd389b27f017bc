"""Recognise files that are no Python script, even where they parse as one by chance."""

import ast
import json
import shlex
from pathlib import Path
from typing import Any, Final

from keynet.errors import ScriptInvalid
from keynet.script.files import notebook_lines, shell_scripts
from keynet.text import _, fill, printable

__all__ = ["check_name", "check_tree", "other_kind"]

_NOTEBOOK: Final = ".ipynb"
_PYTHON_SUFFIXES: Final = ("", ".py", ".pyw", ".pyi")
# What a list of names, versions or numbers is made of; none of it does anything.
_POINTER: Final = "version https://git-lfs.github.com/spec/"
_INERT: Final = (
    ast.Attribute,
    ast.BinOp,
    ast.Compare,
    ast.Constant,
    ast.Dict,
    ast.List,
    ast.Name,
    ast.Set,
    ast.Subscript,
    ast.Tuple,
    ast.UnaryOp,
)


def check_name(path: Path) -> None:
    """Refuse a notebook by its name, before a large one is read.

    Raises:
        ScriptInvalid: It is a notebook.
    """
    if path.suffix.lower() == _NOTEBOOK and path.is_file():
        raise _notebook(path)


def check_tree(path: Path, text: str, tree: ast.Module) -> None:
    """Refuse a file that parses as Python and does nothing at all.

    Raises:
        ScriptInvalid: It is JSON, a list of names or the like.
    """
    if not tree.body or not all(map(_is_inert, tree.body)):
        return
    # A docstring alone is an empty module.
    if len(tree.body) == 1 and ast.get_docstring(tree, clean=False) is not None:
        return
    raise other_kind(path, text, parsed=True) or ScriptInvalid(
        fill(
            _("{path} is not a script: it only lists names or values, and nothing in it runs."),
            path=path,
        ),
        _("Pass the Python file that starts the training."),
    )


def other_kind(path: Path, text: str, *, parsed: bool, line: int = 0) -> ScriptInvalid | None:
    """Return the error of a file that is something else, None if it may be Python.

    Args:
        parsed: Whether it is valid Python all the same.
        line: Where it is not.
    """
    found = _json(text)
    if isinstance(found, dict) and ("nbformat" in found or "cells" in found):
        return _notebook(path)
    if found is not None:
        return ScriptInvalid(
            fill(_("{path} is a JSON file, not a Python script."), path=path),
            _("Pass the Python file that starts the training; it can read this file."),
        )
    if text.startswith(_POINTER):
        return ScriptInvalid(
            fill(_("{path} is a Git LFS pointer, not the script itself."), path=path),
            _("Download it first: git lfs pull"),
        )
    suffix = path.suffix.lower()
    other = _of_program(path, suffix, text, line, parsed=parsed)
    if other is not None:
        return other
    if not parsed and suffix not in _PYTHON_SUFFIXES:
        return ScriptInvalid(
            fill(
                _(
                    "{path} is not a Python script: its name ends in {suffix}, and it does not "
                    "parse."
                ),
                path=path,
                suffix=suffix,
            ),
            _("Pass the Python file that starts the training."),
        )
    return None


def _is_inert(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.AnnAssign):
        # "lr: 0.1" of a YAML file; in a script the annotation is a type.
        return statement.value is None and isinstance(statement.annotation, ast.Constant)
    return isinstance(statement, ast.Expr) and all(
        isinstance(node, (*_INERT, ast.expr_context, ast.operator, ast.cmpop, ast.unaryop))
        for node in ast.walk(statement.value)
    )


def _json(text: str) -> Any:
    """Return the object or list of a JSON text, None for anything else."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _of_program(
    path: Path, suffix: str, text: str, line: int, *, parsed: bool
) -> ScriptInvalid | None:
    """Return the error of a script of a shell, another program or a notebook."""
    is_shell = shell_scripts.is_shell(suffix, text)
    if is_shell and (not parsed or suffix not in (".py", ".pyw")):
        return _shell(path, text)
    if parsed:
        return None
    if program := shell_scripts.other_program(text):
        return ScriptInvalid(
            fill(
                _("{path} is a script for {program}, not for Python."), path=path, program=program
            ),
            _("Pass the Python file that starts the training."),
        )
    magic = _magic(text, line)
    return _of_notebook(path, line, magic) if magic else None


def _shell(path: Path, text: str) -> ScriptInvalid:
    job, started = shell_scripts.is_job(text), shell_scripts.started(text)
    if job:
        what = fill(_("{path} is a job script for {system}, not a Python script."), path=path,
                    system=job)  # fmt: skip
    else:
        what = fill(_("{path} is a shell script, not a Python script."), path=path)
    if started:
        hint = fill(
            _(
                "Pass the Python file that it starts, {script}. To run a shell script, use your "
                "own Containerfile: --dockerfile FILE"
            ),
            script=printable(started, 200),
        )
    else:
        hint = _(
            "Pass the Python file that it starts. To run a shell script, use your own "
            "Containerfile: --dockerfile FILE"
        )
    return ScriptInvalid(what, hint)


def _magic(text: str, line: int) -> str:
    """Return the line if it is a command of a notebook, else ""."""
    lines = text.splitlines()
    found = lines[line - 1] if 0 < line <= len(lines) else ""
    return found.strip() if notebook_lines.is_magic(found) else ""


def _of_notebook(path: Path, line: int, magic: str) -> ScriptInvalid:
    return ScriptInvalid(
        fill(
            _("{path}, line {line}: {command} is a command of a notebook, not Python."),
            path=path,
            line=line,
            command=printable(magic, 100),
        ),
        _(
            "Remove such lines (%… and !…); list packages that they install in requirements.txt. A "
            "notebook becomes a script with: jupyter nbconvert --to script FILE.ipynb"
        ),
    )


def _notebook(path: Path) -> ScriptInvalid:
    return ScriptInvalid(
        fill(_("{path} is a notebook, not a Python script."), path=path),
        fill(
            _("Convert it, then pass the script: jupyter nbconvert --to script {name}"),
            name=shlex.quote(str(path)),
        ),
    )
