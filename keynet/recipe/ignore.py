"""Rules of .dockerignore and .containerignore: the files that stay out of an image.

keynet stages the files that these rules do not ignore, so that every engine sees the same set.

Source: moby/patternmatcher and its ``ignorefile`` reader; docs.docker.com, ".dockerignore".
"""

import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISLNK, S_ISREG
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files import limited_read
from keynet.text import _, fill, printable

__all__ = ["NAMES", "Rule", "Rules", "load", "parse"]

# podman and buildah prefer the first; docker knows only the second.
NAMES: Final = (".containerignore", ".dockerignore")
_LARGEST_FILE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: ``pattern`` is normalised; ``exception`` is true if it began with ``!``."""

    line: int
    pattern: str
    exception: bool
    regex: re.Pattern[str]


class Rules:
    """Rules in the order of their file; the last that matches a path or a parent decides.

    Paths are relative to the context, with ``/``. A *mask* has one bit for each rule that
    matches a path or one of its parents: a walk passes it on and matches no parent twice.
    """

    def __init__(self, rules: Iterable[Rule] = (), source: Path | None = None) -> None:
        self.rules = tuple(rules)
        self.source = source
        self.has_exceptions = any(rule.exception for rule in self.rules)
        self._by_path: dict[str, int] = {}
        self._by_name: dict[str, int] = {}
        self._by_regex: list[tuple[int, re.Pattern[str]]] = []
        for index, rule in enumerate(self.rules):
            self._sort_in(1 << index, rule)

    def _sort_in(self, bit: int, rule: Rule) -> None:
        anywhere = rule.pattern.removeprefix("**/")
        if not _has_magic(rule.pattern):
            self._by_path[rule.pattern] = self._by_path.get(rule.pattern, 0) | bit
        elif anywhere != rule.pattern and "/" not in anywhere and not _has_magic(anywhere):
            self._by_name[anywhere] = self._by_name.get(anywhere, 0) | bit
        else:
            self._by_regex.append((bit, rule.regex))

    def mask(self, path: str, parent: int = 0) -> int:
        """Return which rules match ``path`` or, by ``parent``, a directory above it."""
        mask = parent | self._by_path.get(path, 0)
        if self._by_name:
            mask |= self._by_name.get(path.rpartition("/")[2], 0)
        for bit, regex in self._by_regex:
            if not mask & bit and regex.fullmatch(path):
                mask |= bit
        return mask

    def ignores(self, mask: int) -> bool:
        """Report whether the path of this mask is ignored."""
        if not mask:
            return False
        return self._deciding(mask) is not None

    def rule_for(self, path: str) -> Rule | None:
        """Return the rule that ignores ``path``; None when it is not ignored."""
        mask = 0
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            mask = self.mask("/".join(parts[:depth]), mask)
        return self._deciding(mask)

    def names(self, path: str) -> bool:
        """Report whether an exception names this file, not just everything in some folder."""
        return any(
            rule.exception
            and rule.pattern.rpartition("/")[2].strip("*?") != ""
            and rule.regex.fullmatch(path)
            for rule in self.rules
        )

    def may_reinclude_below(self, directory: str) -> bool:
        """Report whether an exception may apply to something in an ignored directory."""
        if not self.has_exceptions:
            return False
        inside = directory + "/"
        for rule in self.rules:
            if not rule.exception:
                continue
            fixed = _before_magic(rule.pattern)
            if fixed.startswith(inside) or inside.startswith(fixed):
                return True
        return False

    def _deciding(self, mask: int) -> Rule | None:
        deciding: Rule | None = None
        for index, rule in enumerate(self.rules):
            if rule.exception is (deciding is not None) and mask >> index & 1:
                deciding = None if rule.exception else rule
        return deciding


def load(context: Path, containerfile: Path | None = None) -> Rules:
    """Read the Containerfile's own ignore file, else .containerignore, else .dockerignore.

    Args:
        containerfile: The user's own; ``NAME.containerignore`` and ``NAME.dockerignore`` next
            to it come first, as with podman and BuildKit.

    Raises:
        ContextInvalid: The file cannot be read, is not UTF-8, is a symbolic link that points
            outside the context, or has an invalid pattern.
    """
    candidates = [context / name for name in NAMES]
    if containerfile is not None:
        own = [containerfile.with_name(containerfile.name + name) for name in NAMES]
        candidates = own + candidates
    for path in candidates:
        text = _read(path, context)
        if text is not None:
            return parse(text, source=path)
    return Rules()


def parse(text: str, source: Path | None = None) -> Rules:
    """Read the lines of an ignore file.

    Raises:
        ContextInvalid: A pattern is invalid; the error names file and line.
    """
    rules = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if line.startswith("#"):
            continue
        pattern = line.strip()
        exception = pattern.startswith("!")
        pattern = pattern[1:].strip() if exception else pattern
        if not pattern and not exception:
            continue
        try:
            rules.append(_rule(number, pattern, exception=exception))
        except ValueError as error:
            raise ContextInvalid(
                fill(
                    _("Line {line} of {path} is not a valid pattern: {pattern!r} ({reason})."),
                    line=number,
                    path=source or NAMES[1],
                    pattern=printable(line.strip(), 200),
                    reason=error,
                ),
                _("Fix the line or remove it; docker rejects it, too."),
            ) from error
    return Rules(rules, source)


def _rule(line: int, pattern: str, *, exception: bool) -> Rule:
    if not pattern:
        raise ValueError(_("there is nothing after the !"))
    cleaned = posixpath.normpath(pattern).lstrip("/") or "/"
    return Rule(line, cleaned, exception, re.compile(_regex(cleaned), re.DOTALL))


def _read(path: Path, context: Path) -> str | None:
    try:
        status = path.lstat()
        if S_ISLNK(status.st_mode):
            # By a link out of the context it could read any file of this host (CVE-2022-4122).
            if not path.resolve(strict=True).is_relative_to(context.resolve()):
                raise _unreadable(path, _("it is a symbolic link that points outside the context"))
            status = path.stat()
        if not S_ISREG(status.st_mode):
            raise _unreadable(path, _("it is not a regular file"))
        content = limited_read.read(path, _LARGEST_FILE, regular_only=True)
        if content is None:
            raise _unreadable(path, _("it is larger than 1 MB"))
        return content.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise _unreadable(path, _("it is not UTF-8")) from error
    except (OSError, RuntimeError) as error:
        raise _unreadable(path, printable(error)) from error


def _unreadable(path: Path, reason: str) -> ContextInvalid:
    return ContextInvalid(
        fill(_("The ignore file {path} cannot be used: {reason}."), path=path, reason=reason),
        _("Fix or remove it; without it the whole context goes into the image."),
    )


def _has_magic(pattern: str) -> bool:
    return any(character in pattern for character in "*?[\\")


def _before_magic(pattern: str) -> str:
    position = re.search(r"[*?\[\\]", pattern)
    return pattern[: position.start()] if position else pattern


def _regex(pattern: str) -> str:
    """Translate a pattern as moby/patternmatcher does."""
    regex = ""
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if pattern.startswith("**", position - 1):
            position += 1
            if pattern.startswith("/", position):
                position += 1
            regex += "(?:.*/)?" if position < len(pattern) else ".*"
        elif character == "*":
            regex += "[^/]*"
        elif character == "?":
            regex += "[^/]"
        elif character == "[":
            one, position = _character_class(pattern, position)
            regex += one
        elif character == "\\":
            if position == len(pattern):
                raise ValueError(_("there is nothing after the last \\"))
            regex += re.escape(pattern[position])
            position += 1
        else:
            regex += re.escape(character)
    return regex


def _character_class(pattern: str, position: int) -> tuple[str, int]:
    """Translate ``[a-z]`` from after its bracket, by the grammar of Go's filepath.Match."""
    negated = pattern.startswith("^", position)
    position += negated
    ranges = ""
    while True:
        if ranges and pattern.startswith("]", position):
            return f"[{'^' if negated else ''}{ranges}]", position + 1
        low, position = _class_character(pattern, position)
        high = low
        if pattern.startswith("-", position):
            high, position = _class_character(pattern, position + 1)
        if low > high:
            raise ValueError(_("a range runs backwards"))
        ranges += f"{re.escape(low)}-{re.escape(high)}"


def _class_character(pattern: str, position: int) -> tuple[str, int]:
    if pattern.startswith("\\", position):
        position += 1
    elif position < len(pattern) and pattern[position] in "-]":
        raise ValueError(_("a bracket is empty"))
    if position >= len(pattern):
        raise ValueError(_("a bracket is not closed"))
    return pattern[position], position + 1
