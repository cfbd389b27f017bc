"""What uv writes where it cannot choose packages from wheels alone. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from keynet.direct.base.target_python import TargetPython
from keynet.errors import BuildFailed
from keynet.recipe.packages import package_names
from keynet.runtime.build import install_errors
from keynet.runtime.build.inside import shown_errors
from keynet.text import Block, _, fill, printable, stacked

__all__ = ["error", "is_proof", "with_answers"]

_NO_SOLUTION: Final = "No solution found when resolving dependencies"
# Of a line: what explains something is short.
_SEARCHED: Final = 1000
_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]*"
# What uv says of a package that has sources, which the build may use.
_SOURCES: Final = re.compile(rf"Wheels are required for `({_NAME})`")
_MAY_BUILD: Final = re.compile(r"usable wheels|from source|source distribution", re.IGNORECASE)
_NOT_FOUND: Final = re.compile(
    rf"[Bb]ecause ({_NAME}) was not found in the (?:package registry|provided|cache)"
)
# Their sources refuse to be built, and name another package; an old one can. Source: PyPI.
_REFUSING: Final = frozenset(["nvidia-cudnn", "pytorch", "sklearn"])
_CAN_BE_BUILT: Final = "sklearn==0.0 "
# An archive that a requirement names by its URL.
_GONE: Final = re.compile(
    r"Failed to download `[^`\n]*`\n[^\n]*\n[^\n]*HTTP status client error \((?:404|410)\b"
)
_ANSWER: Final = re.compile(r"keynet: (\S+) answers (.*) for \S+")
# The package is not there, or the login is refused, which a build sends as well. The stores behind
# some indexes answer 403 for what they do not have.
_ABSENT: Final = ("404", "410")
_REFUSED: Final = ("401", "407")
_NOT_ALLOWED: Final = "403"
# Parts of conda's environments that base images bring.
_OF_THE_BASE: Final = frozenset(["cuda", "cuda-toolkit", "cudatoolkit", "cudnn", "pytorch-cuda"])
_LAST_LINES: Final = 12
_LOGIN: Final = re.compile(r"://[^/\s]*@")
_QUERY: Final = re.compile(r"(https?://[^\s?#`]*+)[?#][^\s`]*+")


def is_proof(output: str) -> bool:
    """Report whether nothing could be installed either if sources were built."""
    if _GONE.search(output):
        return True
    answers = [answer for _index, answer in _ANSWER.findall(output)]
    is_sure = all(each in (*_ABSENT, *_REFUSED, _NOT_ALLOWED) for each in answers)
    if _NO_SOLUTION not in output or not is_sure or set(answers) == {_NOT_ALLOWED}:
        return False
    if not _MAY_BUILD.search(output):
        return True
    sources = set(_SOURCES.findall(output))
    return bool(sources) and sources <= _REFUSING and _CAN_BE_BUILT not in output


def with_answers(output: str, answers: str, indexes: Sequence[str]) -> str:
    """Return uv's words with what the indexes answer, as lines of a build's log.

    An index that is asked without a login refuses none where another one answers 404.
    """
    lines = [line for line in answers.splitlines() if _ANSWER.fullmatch(line)]
    if any(line.rpartition(" for ")[0].endswith(_ABSENT) for line in lines):
        without = [index for index in indexes if shown_errors.shown(index) == index]
        lines = [
            line
            for line in lines
            if not any(line.startswith(f"keynet: {it} answers {_NOT_ALLOWED}") for it in without)
        ]
    return "\n".join([output.rstrip("\n"), *lines])


def error(output: str, base: str, target: TargetPython, indexes: Sequence[str]) -> BuildFailed:
    """Return the error with the requirement, the index that was asked, the base and its Python.

    Args:
        target: The base's Python.
    """
    asked = ", ".join(shown_errors.shown(index) for index in indexes) or "no index"
    started = f"{install_errors.OWN}uv installs for Python {target.minor} from {asked}"
    text = _QUERY.sub(r"\1", _LOGIN.sub("://", output.replace(target.full, target.minor)))
    lines = [line for line in text.splitlines() if line.strip()]
    searched = (line[:_SEARCHED] for line in lines)
    explained = install_errors.read([started], searched).explained(base)
    hint = explained.hint
    named = _NOT_FOUND.search(output)
    if named and named[1] in _OF_THE_BASE:
        hint = _("Remove the line, and choose a base image that brings it (--base-image).")
    elif named and (meant := package_names.instead_of(named[1])):
        hint = stacked(fill(_("Did you mean {package}?"), package=meant), hint)
    shown = [printable(line, 300, indented=True) for line in lines[:_LAST_LINES]]
    return BuildFailed(stacked(explained.message, Block("\n".join(shown))), hint)
