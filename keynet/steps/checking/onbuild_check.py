"""Triggers of a base image (ONBUILD), which run in each build on it before anything else.

What they copy they expect in the context of a build that was written for them.
"""

import json
import re
import shlex
from fnmatch import fnmatchcase
from typing import Final

from keynet.errors import ValidationError
from keynet.events import Emit, Notice
from keynet.plan import BuildPlan, Recipe
from keynet.text import _, fill, printable

__all__ = ["check"]

_COPYING: Final = re.compile(r"(?:COPY|ADD)\s+(.*)", re.IGNORECASE | re.DOTALL)
# What a build of keynet's own recipe has, besides "." itself: see ``runtime.build.rendering``.
_THERE: Final = ("context", "build")
_FETCHED: Final = ("http://", "https://", "git@")
_LONGEST: Final = 10_000
_MOST_NAMED: Final = 5


def check(plan: BuildPlan, emit: Emit) -> None:
    """Refuse a base image of which a trigger copies what keynet's builds do not have.

    The others are named: whether a program that one runs will fail only the build can tell.

    Raises:
        ValidationError: It does.
    """
    recipe, facts = plan.recipe, plan.base_facts
    if not isinstance(recipe, Recipe) or facts is None:
        return
    for trigger in facts.onbuild:
        absent = _absent(trigger)
        if absent:
            raise ValidationError(
                fill(
                    _(
                        "{base} adds instructions of its own to each build (ONBUILD), and this one "
                        "cannot work, since keynet's builds have no {file}: {trigger}"
                    ),
                    base=recipe.from_name,
                    file=printable(absent, 100),
                    trigger=printable(trigger, 200),
                ),
                _(
                    "Use a base image without ONBUILD, or write a Containerfile that suits it "
                    "(--dockerfile)."
                ),
            )
    if facts.onbuild:
        text = _("{base} adds instructions of its own to each build (ONBUILD): {triggers}")
        triggers = "; ".join(printable(each, 200) for each in facts.onbuild[:_MOST_NAMED])
        emit(Notice(fill(text, base=recipe.from_name, triggers=triggers), "note"))


def _absent(trigger: str) -> str:
    """Return a file that a trigger copies and that no build has; "" if there is none."""
    found = _COPYING.fullmatch(trigger.strip()[:_LONGEST])
    if found is None:
        return ""
    words = _words(found[1])
    if any(word.startswith(("--from", "<<")) for word in words):
        return ""
    sources = [word for word in words if not word.startswith("--")][:-1]
    return next((source for source in sources if _is_absent(source)), "")


def _words(arguments: str) -> list[str]:
    """Return the words of either form; none where they are not understood."""
    flags = re.match(r"(?:--\S+\s+)*", arguments)
    rest = arguments[flags.end() :] if flags else arguments
    try:
        if rest.startswith("["):
            listed = json.loads(rest)
            if isinstance(listed, list):
                return [*arguments[: -len(rest)].split(), *map(str, listed)]
        return shlex.split(arguments)
    except ValueError:
        return []


def _is_absent(source: str) -> bool:
    if "$" in source or source.startswith(_FETCHED):
        return False
    parts = [part for part in source.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        return False
    return not any(fnmatchcase(there, parts[0]) for there in _THERE)
