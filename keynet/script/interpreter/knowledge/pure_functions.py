"""Functions of the standard library whose result depends only on their arguments."""

import ast
import inspect
import math
import posixpath
import textwrap
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Final

from keynet.script.interpreter.evaluation.operations import MAX_TEXT, concrete
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.values import UNKNOWN, Arguments, PathValue, Unknown, Value

__all__ = ["PURE_FUNCTIONS"]


def _texts(given: Arguments) -> list[str] | None:
    parts = [part.text if isinstance(part, PathValue) else part for part in given.positional]
    texts = [part for part in parts if isinstance(part, str)]
    return None if given.open or len(texts) != len(parts) or not texts else texts


def _why(given: Arguments) -> str:
    return next((part.why for part in given.positional if isinstance(part, Unknown)), "")


def _pure(function: Callable[..., str]) -> Handler:
    """Return a handler that computes a function from strings to a string."""

    def compute(run: Machine, given: Arguments) -> Value:
        texts = _texts(given)
        if texts is None or sum(map(len, texts)) > MAX_TEXT:
            return Unknown("str", _why(given))
        try:
            return function(*texts)
        except (TypeError, ValueError):
            return Unknown("str")

    return compute


def _split_extension(run: Machine, given: Arguments) -> Value:
    texts = _texts(given)
    return posixpath.splitext(texts[0]) if texts else Unknown("list")


def _split_path(run: Machine, given: Arguments) -> Value:
    texts = _texts(given)
    return posixpath.split(texts[0]) if texts else Unknown("list")


def _number(function: Callable[..., float], kind: str) -> Handler:
    def compute(run: Machine, given: Arguments) -> Value:
        numbers = [part for part in given.positional if isinstance(part, (int, float))]
        small = all(abs(number) < 1e9 for number in numbers)
        if given.open or len(numbers) != len(given.positional) or not small:
            return Unknown(kind, _why(given))
        try:
            return function(*numbers)
        except (ArithmeticError, ValueError, TypeError):
            return Unknown(kind)

    return compute


def _path(run: Machine, given: Arguments) -> Value:
    if not given.positional:
        return PathValue(".")
    texts = _texts(given)
    if texts is None:
        return Unknown("path", _why(given))
    if sum(map(len, texts)) + len(texts) >= MAX_TEXT:
        return Unknown("path")
    return PathValue(str(PurePosixPath(*texts)))


def _from_json(run: Machine, given: Arguments) -> Value:
    text = given.get("s", 0)
    if not isinstance(text, str) or len(text) > 4_096:
        return UNKNOWN
    run.limits.spend(len(text))
    # Few scripts have any, and it takes 2 ms to load.
    import json

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return UNKNOWN
    return value if concrete(value) else UNKNOWN


def _literal(run: Machine, given: Arguments) -> Value:
    text = given.get("", 0)
    if not isinstance(text, str) or len(text) > 4_096:
        return UNKNOWN
    run.limits.spend(len(text))
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return UNKNOWN
    return value if concrete(value) and not isinstance(value, set) else UNKNOWN


def _unknown_truth(run: Machine, given: Arguments) -> Value:
    return Unknown("bool")


def _only_kind(kind: str) -> Handler:
    def answer(run: Machine, given: Arguments) -> Value:
        return Unknown(kind, _why(given))

    return answer


PURE_FUNCTIONS: Final[Mapping[str, Handler]] = {
    "os.path.join": _pure(posixpath.join),
    "os.path.basename": _pure(posixpath.basename),
    "os.path.dirname": _pure(posixpath.dirname),
    "os.path.normpath": _pure(posixpath.normpath),
    "os.path.split": _split_path,
    "os.path.splitext": _split_extension,
    "os.fspath": _pure(str),
    "textwrap.dedent": _pure(textwrap.dedent),
    "inspect.cleandoc": _pure(inspect.cleandoc),
    **{f"pathlib.{name}": _path for name in ("Path", "PosixPath", "PurePath", "PurePosixPath")},
    **{f"math.{name}": _number(getattr(math, name), "float") for name in
       ("cos", "exp", "log", "log10", "log2", "pow", "radians", "sin", "sqrt", "tan")},
    **{f"math.{name}": _number(getattr(math, name), "int") for name in ("ceil", "floor")},
    "math.prod": _only_kind(""),
    "json.loads": _from_json,
    "ast.literal_eval": _literal,
    "builtins.eval": _literal,
    "distutils.util.strtobool": _unknown_truth,
    "setuptools.distutils.util.strtobool": _unknown_truth,
}  # fmt: skip
