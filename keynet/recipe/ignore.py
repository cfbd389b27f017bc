"""Rules of .dockerignore and .containerignore: the files that stay out of an image.

keynet stages the files that these rules do not ignore, so that every engine sees the same set.

Source: moby/patternmatcher and its ``ignorefile`` reader; docs.docker.com, ".dockerignore".
"""

import os
import posixpath
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from keynet.errors import ContextInvalid
from keynet.files import places
from keynet.files.beneath import Beneath, LeavesFolder
from keynet.frozen import frozen
from keynet.recipe import patterns
from keynet.recipe.patterns import Matches
from keynet.text import _, fill, printable

__all__ = ["NAMES", "Rule", "Rules", "load", "parse"]

# podman and buildah prefer the first; docker knows only the second.
NAMES: Final = (".containerignore", ".dockerignore")
_LARGEST_FILE: Final = 1_000_000
_MOST_WILDCARDS: Final = 10_000


@frozen
class Rule:
    """One line: ``pattern`` is normalised; ``exception`` is true if it began with ``!``."""

    line: int
    pattern: str
    exception: bool
    matches: Matches


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
        self._by_pattern: list[tuple[int, Matches]] = []
        for index, rule in enumerate(self.rules):
            self._sort_in(1 << index, rule)

    def _sort_in(self, bit: int, rule: Rule) -> None:
        anywhere = rule.pattern.removeprefix("**/")
        if not patterns.has_magic(rule.pattern):
            self._by_path[rule.pattern] = self._by_path.get(rule.pattern, 0) | bit
        elif anywhere != rule.pattern and "/" not in anywhere and not patterns.has_magic(anywhere):
            self._by_name[anywhere] = self._by_name.get(anywhere, 0) | bit
        else:
            self._by_pattern.append((bit, rule.matches))

    def mask(self, path: str, parent: int = 0) -> int:
        """Return which rules match ``path`` or, by ``parent``, a directory above it."""
        mask = parent | self._by_path.get(path, 0)
        if self._by_name:
            mask |= self._by_name.get(path.rpartition("/")[2], 0)
        for bit, matches in self._by_pattern:
            if not mask & bit and matches(path):
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
            and rule.matches(path)
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
            fixed = patterns.plain_start(rule.pattern)
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
    folders: list[tuple[Path, tuple[str, ...]]] = [(context, NAMES)]
    if containerfile is not None:
        own = tuple(containerfile.name + name for name in NAMES)
        folders.insert(0, (containerfile.parent, own))
    for folder, names in folders:
        for name in names:
            text = _read(folder, name, context)
            if text is not None:
                return parse(text, source=folder / name)
    return Rules()


def parse(text: str, source: Path | None = None) -> Rules:
    """Read the lines of an ignore file.

    Raises:
        ContextInvalid: A pattern is invalid; the error names file and line.
    """
    rules = []
    wildcards = 0
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if line.startswith("#"):
            continue
        pattern = line.strip()
        exception = pattern.startswith("!")
        pattern = pattern[1:].strip() if exception else pattern
        if not pattern and not exception:
            continue
        wildcards += patterns.number_of_wildcards(pattern)
        if wildcards > _MOST_WILDCARDS:
            raise _too_many(source)
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


def _too_many(source: Path | None) -> ContextInvalid:
    return ContextInvalid(
        fill(
            _("The ignore file {path} has more than {limit} wildcards."),
            path=source or NAMES[1],
            limit=_MOST_WILDCARDS,
        ),
        _("Name folders rather than the files in them; each file is compared with each pattern."),
    )


def _rule(line: int, pattern: str, *, exception: bool) -> Rule:
    if not pattern:
        raise ValueError(_("there is nothing after the !"))
    cleaned = posixpath.normpath(pattern).lstrip("/") or "/"
    return Rule(line, cleaned, exception, patterns.matcher(cleaned))


def _read(folder: Path, name: str, context: Path) -> str | None:
    path = folder / name
    # A Containerfile that the user named may lie outside the context.
    inside = places.real(folder).is_relative_to(places.real(context))
    try:
        # By a link out of the context it could read any file of this host (CVE-2022-4122).
        with Beneath(context if inside else folder) as files:
            below = os.path.relpath(places.real(folder), places.real(context)) if inside else "."
            content = files.read(f"{below}/{name}", _LARGEST_FILE)
        if content is None:
            raise _unreadable(path, _("it is larger than 1 MB"))
        return content.decode("utf-8")
    except LeavesFolder as error:
        reason = _("it is a symbolic link that points outside the context")
        raise _unreadable(path, reason) from error
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise _unreadable(path, _("it is not UTF-8")) from error
    except OSError as error:
        raise _unreadable(path, error.strerror or printable(error)) from error


def _unreadable(path: Path, reason: str) -> ContextInvalid:
    return ContextInvalid(
        fill(_("The ignore file {path} cannot be used: {reason}."), path=path, reason=reason),
        _("Fix or remove it; without it the whole context goes into the image."),
    )
