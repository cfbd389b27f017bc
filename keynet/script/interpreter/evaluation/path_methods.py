"""Attributes and methods of paths."""

import posixpath
from pathlib import PurePosixPath

from keynet.script.interpreter.evaluation.operations import MAX_TEXT
from keynet.script.interpreter.machine import Native
from keynet.script.interpreter.values import (
    HERE,
    UNKNOWN,
    Arguments,
    External,
    PathValue,
    Unknown,
    Value,
)

__all__ = ["path_attribute"]


def path_attribute(path: PathValue, name: str) -> Value:  # noqa: PLR0911
    """Return an attribute or a bound method of a path."""
    text = path.text
    base = posixpath.basename(text)
    stem, suffix = posixpath.splitext(base)
    known: dict[str, Value] = {
        "name": base,
        "stem": stem,
        "suffix": suffix,
        "parent": PathValue(posixpath.dirname(text) or "."),
        "parents": [PathValue(str(one)) for one in PurePosixPath(text).parents],
        "parts": list(PurePosixPath(text).parts) if HERE in text else PurePosixPath(text).parts,
    }
    if name in known:
        return known[name]
    if name in ("absolute", "resolve") and HERE in text:
        return Native(name, lambda _run, _arguments: PathValue(posixpath.normpath(text)))
    if name in ("glob", "iterdir", "rglob"):
        called = External(f"pathlib.Path.{name}")
        return Native(name, lambda run, given: run.call(called, given.before(path)))
    if name in ("exists", "is_dir", "is_file"):
        return Native(name, lambda _run, _arguments: Unknown("bool"))
    if name in ("with_name", "with_suffix"):
        return Native(name, lambda _run, given: _renamed(path, name, given))
    if name in ("as_posix", "__str__"):
        return Native(name, lambda _run, _arguments: text)
    if name == "is_absolute" and HERE not in text:
        return Native(name, lambda _run, _arguments: text.startswith("/"))
    if name == "relative_to":
        return Native(name, lambda _run, given: _relative(path, given))
    if name == "joinpath":
        return Native(name, lambda run, given: _joined_path(path, given))
    return UNKNOWN


def _renamed(path: PathValue, name: str, given: Arguments) -> Value:
    new = given.get("", 0)
    if not isinstance(new, str):
        return Unknown("path")
    try:
        return PathValue(str(getattr(PurePosixPath(path.text), name)(new)))
    except ValueError:
        return Unknown("path")


def _joined_path(path: PathValue, given: Arguments) -> Value:
    if given.open or not all(isinstance(part, str) for part in given.positional):
        return Unknown("path")
    parts = [path.text, *(str(part) for part in given.positional)]
    if sum(map(len, parts)) + len(parts) >= MAX_TEXT:
        return Unknown("path")
    return PathValue(str(PurePosixPath(*parts)))


def _relative(path: PathValue, given: Arguments) -> Value:
    parts = [part.text if isinstance(part, PathValue) else part for part in given.positional]
    if given.open or given.keywords or len(parts) != 1 or not isinstance(parts[0], str):
        return Unknown("path")
    try:
        found = str(PurePosixPath(path.text).relative_to(parts[0]))
    except ValueError:
        return Unknown("path")
    return Unknown("path") if HERE in found else PathValue(found)
