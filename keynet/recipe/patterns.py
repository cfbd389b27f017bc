"""Patterns of ignore files, matched in time that grows with the length of the path.

A direct translation into a regular expression, such as moby's for an engine that never goes back,
takes Python minutes for ``**/*a*/**/*a*/…``. Two forms do not:

* Where ``**`` stands for whole folders, each part between two of them is an atomic group: the first
  place where it fits is as good as any later one.
* For the few others, all positions of the pattern that a path may have reached are one number.

Source: moby/patternmatcher; Go's ``path/filepath.Match``.
"""

import re
from collections.abc import Callable
from typing import Final

from keynet.text import _

__all__ = ["Matches", "has_magic", "matcher", "number_of_wildcards", "plain_start"]

Matches = Callable[[str], object]

# A path of a context is not longer, see ``context``.
_LONGEST_PATH: Final = 4_096
_MAGIC: Final = r"[*?\[\\]"
# What a token of one character is, if it is not that character's own regular expression.
_STAR: Final = "*"
_EVERYTHING: Final = "**"
_FOLDERS: Final = "**/"
_LONG: Final = (_STAR, _EVERYTHING, _FOLDERS)
# Part of "**/": in the middle of a folder's name.
_INSIDE: Final = "**/…"
_SLASH: Final = "/"
_ANY: Final = "[^/]"
_REGEXES: Final = {_STAR: "[^/]*", _EVERYTHING: ".*", _FOLDERS: "(?:.*/)?"}


def matcher(pattern: str) -> Matches:
    """Return a function that reports whether a whole path matches.

    Raises:
        ValueError: The pattern is not valid, with the reason.
    """
    tokens = _tokens(pattern)
    wildcards = sum(token in _LONG for token in tokens)
    if len(tokens) - wildcards > _LONGEST_PATH:
        return _never
    if wildcards <= 1:
        whole = "".join(_REGEXES.get(token, token) for token in tokens)
        return re.compile(whole, re.DOTALL).fullmatch
    folders = _by_folders(tokens)
    if folders is not None:
        return re.compile(folders, re.DOTALL).fullmatch
    return _Positions(tokens).match


def has_magic(pattern: str) -> bool:
    """Report whether a pattern has anything but plain characters."""
    return bool(re.search(_MAGIC, pattern))


def number_of_wildcards(pattern: str) -> int:
    """Return a measure of the time that matching takes."""
    return sum(pattern.count(character) for character in "*?[")


def plain_start(pattern: str) -> str:
    """Return what each match begins with."""
    position = re.search(_MAGIC, pattern)
    return pattern[: position.start()] if position else pattern


def _never(path: str) -> object:
    """Match nothing: no path is as long as the pattern."""
    return None


def _tokens(pattern: str) -> list[str]:
    """Split a pattern: long wildcards, and a regular expression for each single character."""
    tokens: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if pattern.startswith("**", position - 1):
            position += 1
            if pattern.startswith("/", position):
                position += 1
            last = position == len(pattern)
            _append(tokens, _EVERYTHING if last else _FOLDERS)
        elif character == "*":
            _append(tokens, _STAR)
        elif character == "?":
            tokens.append(_ANY)
        elif character == "[":
            one, position = _character_class(pattern, position)
            tokens.append(one)
        elif character == "\\":
            if position == len(pattern):
                raise ValueError(_("there is nothing after the last \\"))
            tokens.append(re.escape(pattern[position]))
            position += 1
        else:
            tokens.append(re.escape(character))
    return tokens


def _append(tokens: list[str], wildcard: str) -> None:
    """Add a wildcard, once where the same one is repeated."""
    if not tokens or tokens[-1] != wildcard:
        tokens.append(wildcard)


def _by_folders(tokens: list[str]) -> str | None:
    """Return a linear regular expression; None where a wildcard does not end at a slash."""
    blocks: list[list[str]] = [[]]
    before = _SLASH
    for token in tokens:
        if token in (_EVERYTHING, _FOLDERS) and before not in (_SLASH, _FOLDERS):
            return None
        if token.startswith("[") and token != _ANY and re.fullmatch(token, "/"):
            return None
        if token == _FOLDERS:
            blocks.append([])
        else:
            blocks[-1].append(token)
        before = token
    end = ""
    if blocks[-1] and blocks[-1][-1] == _EVERYTHING:
        blocks[-1].pop()
        end = ".*"
    written = [_block(block) for block in blocks]
    regex = written[0]
    for number, block in enumerate(written[1:], start=2):
        # Only the last one has to fit at the end of the path, too.
        anchored = number == len(written) and not end
        regex += f"(?:[^/]*/)*?{block}" if anchored else f"(?>(?:[^/]*/)*?{block})"
    return regex + end


def _block(tokens: list[str]) -> str:
    """Return the regular expression of what stands between two ``**``."""
    return _SLASH.join(map(_component, _split(tokens)))


def _split(tokens: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for token in tokens:
        if token == _SLASH:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _component(tokens: list[str]) -> str:
    """Return the regular expression of one name, in which only the last ``*`` goes back."""
    pieces = [""]
    for token in tokens:
        if token == _STAR:
            pieces.append("")
        else:
            pieces[-1] += token
    if len(pieces) == 1:
        return pieces[0]
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1])
    return f"{pieces[0]}{middle}[^/]*{pieces[-1]}"


class _Positions:
    """A pattern as positions; bit ``n`` is set where a path may have come to token ``n``."""

    def __init__(self, tokens: list[str]) -> None:
        # "**/" is nothing at all, or anything up to a slash: two positions.
        self._steps = [
            step
            for token in tokens
            for step in ((_FOLDERS, _INSIDE) if token == _FOLDERS else (token,))
        ]
        self._end = 1 << len(self._steps)
        self._by_character: dict[str, tuple[int, int]] = {}
        numbered = list(enumerate(self._steps))
        self._skips = sum(1 << number for number, step in numbered if step in _LONG)
        self._skips_folders = sum(1 << number for number, step in numbered if step == _FOLDERS)

    def match(self, path: str) -> bool:
        """Report whether the whole path matches."""
        reached = self._skipped(1)
        for character in path:
            ahead, stay = self._moves(character)
            reached = self._skipped((reached & ahead) << 1 | reached & stay)
            if not reached:
                return False
        return bool(reached & self._end)

    def _skipped(self, reached: int) -> int:
        """Add what is reached without a character, by wildcards that stand for nothing."""
        before = -1
        while reached != before:
            before = reached
            reached |= (reached & self._skips) << 1 | (reached & self._skips_folders) << 2
        return reached

    def _moves(self, character: str) -> tuple[int, int]:
        """Return the positions that a character leads on from, and those that it leaves."""
        if character not in self._by_character:
            ahead = stay = 0
            for number, step in enumerate(self._steps):
                bit = 1 << number
                if step == _STAR:
                    stay |= bit if character != "/" else 0
                elif step == _EVERYTHING:
                    stay |= bit
                elif step == _INSIDE:
                    stay |= bit
                    ahead |= bit if character == "/" else 0
                elif step != _FOLDERS and re.fullmatch(step, character, re.DOTALL):
                    ahead |= bit
            self._by_character[character] = ahead, stay
        return self._by_character[character]


def _character_class(pattern: str, position: int) -> tuple[str, int]:
    """Translate ``[a-z]`` from after its bracket, by the grammar of Go's filepath.Match."""
    negated = pattern.startswith("^", position)
    position += negated
    ranges: list[str] = []
    while True:
        if ranges and pattern.startswith("]", position):
            return f"[{'^' if negated else ''}{''.join(ranges)}]", position + 1
        low, position = _class_character(pattern, position)
        high = low
        if pattern.startswith("-", position):
            high, position = _class_character(pattern, position + 1)
        if low > high:
            raise ValueError(_("a range runs backwards"))
        ranges.append(f"{re.escape(low)}-{re.escape(high)}")


def _class_character(pattern: str, position: int) -> tuple[str, int]:
    if pattern.startswith("\\", position):
        position += 1
    elif position < len(pattern) and pattern[position] in "-]":
        raise ValueError(_("a bracket is empty"))
    if position >= len(pattern):
        raise ValueError(_("a bracket is not closed"))
    return pattern[position], position + 1
