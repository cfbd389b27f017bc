"""Find the heredocs of a Containerfile's instruction, as BuildKit does.

A heredoc is a word that begins with ``<<`` outside of the shell's quotes. BuildKit knows nothing
else of the shell, so ``$(cat <<EOF`` has one, and ``bash -c 'cat <<EOF'`` has none.

Source: Dockerfile reference, "Here-Documents"; BuildKit, ``heredocsFromLine``.
"""

import bisect
import re
from collections.abc import Sequence
from typing import Final

from keynet.frozen import frozen

__all__ = ["Bodies", "Heredoc", "find"]

_INSTRUCTIONS: Final = ("RUN", "COPY", "ADD")
_TRIGGER: Final = re.compile(r"ONBUILD\s+(\w+)", re.IGNORECASE)
# Each character begins one alternative only, so no text takes long.
_WORD: Final = re.compile(r"""\s*((?:[^\s'"\\]|\\.|\\$|'[^']*'|"(?:[^"\\]|\\.)*")+)""", re.DOTALL)
_HEREDOC: Final = re.compile(r"\d*<<(-?)([^<]+)", re.DOTALL)
_QUOTED: Final = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)""", re.DOTALL)


@frozen
class Heredoc:
    """One heredoc: the word as ``written``, and the ``name`` on the line that ends its body.

    ``chomps`` means that tabs may precede the name there.
    """

    written: str
    name: str
    chomps: bool


def find(line: str) -> list[Heredoc]:
    """Return the heredocs of an instruction, given on one line without continuations."""
    if "<<" not in line:
        return []
    trigger = _TRIGGER.match(line)
    name = trigger[1] if trigger else line.split(maxsplit=1)[0]
    if name.upper() not in _INSTRUCTIONS:
        return []
    found = []
    for word in _words(line):
        match = _HEREDOC.fullmatch(word)
        if match is not None and (delimiter := _unquoted(match[2])):
            found.append(Heredoc(word, delimiter, bool(match[1])))
    return found


class Bodies:
    """Where the bodies of heredocs end in the lines of a file; each search takes little time."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._as_written: dict[str, list[int]] = {}
        self._chomped: dict[str, list[int]] = {}

    def end(self, heredoc: Heredoc, after: int) -> int | None:
        """Return the number of the line that ends a heredoc, None without one.

        Args:
            after: The number of the line before the body; lines are counted from 1.
        """
        if not self._as_written:
            for number, line in enumerate(self._lines, start=1):
                self._as_written.setdefault(line, []).append(number)
                self._chomped.setdefault(line.lstrip("\t"), []).append(number)
        known = self._chomped if heredoc.chomps else self._as_written
        numbers = known.get(heredoc.name, [])
        at = bisect.bisect_right(numbers, after)
        return numbers[at] if at < len(numbers) else None


def _words(line: str) -> list[str]:
    """Split at blanks outside of quotes, and keep the quotes; [] if one is not closed."""
    found = []
    at, end = 0, len(line.rstrip())
    while at < end:
        word = _WORD.match(line, at, end)
        if word is None:
            return []
        found.append(word[1])
        at = word.end()
    return found


def _unquoted(word: str) -> str:
    return _QUOTED.sub(lambda match: match[1] or match[2] or match[3] or "", word)
