"""Texts for people: translation, and escaping of untrusted strings.

Write such texts as ``fill(_("…{name}…"), name=…)``: f-strings cannot be collected into a
catalogue, and ``fill`` escapes the values.
"""

import gettext
import os
import re
from collections.abc import Iterable
from functools import cache
from itertools import takewhile
from typing import Self

__all__ = [
    "N_", "Block", "_", "cells", "fill", "language", "ngettext", "padded", "printable", "size",
    "stacked", "translate_libraries",
]  # fmt: skip

# Not pathlib: every command loads this module, and pathlib takes a fifth of click's import time.
_LOCALE_DIR = os.path.join(os.path.dirname(__file__), "locale")  # noqa: PTH118, PTH120

# C0 and C1 controls, DEL, and characters that reorder or hide text on a terminal.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]+"
)
_ESCAPE_SEQUENCE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_].*?(?:\x07|\x1b\\|$)|[@-Z\\-_])", re.DOTALL
)


# The most characters of one value in a text.
_LONGEST = 2000

_ENGLISH = re.compile(r"(en|C|POSIX)([_.@].*)?$|$")


@cache
def _catalogue(languages: str) -> gettext.NullTranslations:
    # English is the source: what follows it in the list is never needed.
    wanted = list(takewhile(lambda language: not _ENGLISH.match(language), languages.split(":")))
    return gettext.translation("keynet", _LOCALE_DIR, wanted or ["C"], fallback=True)


def _languages() -> str:
    """Return the user's languages, the best one first, separated by colons.

    As gettext has it: LANGUAGE refines a locale, but the locales C and POSIX stay English.
    """
    known = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    locale = next((value for value in known if value), "")
    if locale in {"C", "POSIX"}:
        return locale
    return os.environ.get("LANGUAGE") or locale


def _current() -> gettext.NullTranslations:
    return _catalogue(_languages())


def language() -> str:
    """Return the code of the language that texts are in."""
    return _current().info().get("language", "en")


def translate_libraries() -> None:
    """Let libraries that use gettext's default domain, as click does, have this catalogue too."""
    if isinstance(_current(), gettext.GNUTranslations):
        gettext.bindtextdomain("keynet", _LOCALE_DIR)
        gettext.textdomain("keynet")


def _(message: str) -> str:
    """Translate a text into the user's language, if there is a catalogue for it."""
    return _current().gettext(message)


def N_(message: str) -> str:  # the name that catalogue tools look for
    """Mark a text for the catalogue; it is translated later, where it is shown."""
    return message


def ngettext(singular: str, plural: str, count: int) -> str:
    """Translate a text that depends on a number."""
    return _current().ngettext(singular, plural, count)


def printable(foreign: object, limit: int = _LONGEST, *, indented: bool = False) -> str:
    """Make a string from a server, a script or an engine safe for a terminal.

    Escape sequences are removed; runs of controls, newlines and direction marks become one
    space; a text longer than ``limit`` characters is truncated with an ellipsis. Leading spaces
    are removed unless the text is ``indented``.
    """
    text = _harmless(foreign, limit).rstrip()
    text = text if indented else text.lstrip()
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _harmless(foreign: object, limit: int) -> str:
    text = _ESCAPE_SEQUENCE.sub("", str(foreign)[: limit * 4])
    return _UNSAFE.sub(" ", text)


class Block(str):
    """Text of several lines that are already safe; ``fill`` keeps its newlines."""

    __slots__ = ()

    @classmethod
    def of(cls, lines: Iterable[object], *, indent: str = "") -> Self:
        """Join untrusted lines, making each of them safe."""
        return cls("\n".join(indent + printable(line, indented=True) for line in lines))


def fill(template: str, **values: object) -> str:
    """Fill the placeholders of a translated text, making every value safe to show.

    Values are escaped as by ``printable``, but keep leading and trailing spaces. Numbers keep
    their type, so that a placeholder may format them (``{seconds:.1f}``).
    """
    return template.format(**{name: _shown(value) for name, value in values.items()})


def stacked(*texts: str) -> str:
    """Join texts that are already safe by newlines, without the empty ones."""
    return Block("\n".join(text for text in texts if text))


def _shown(value: object) -> object:
    if isinstance(value, int | float | Block):
        return value
    text = _harmless(value, _LONGEST)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def size(bytes_: int) -> str:
    """Format a number of bytes for people: ``91.4 MB``, in powers of 1000 as docker."""
    amount = float(bytes_)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return (
                f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
            )
        amount /= 1000
    return f"{amount:.1f} TB"


def cells(text: str) -> int:
    """Return the number of terminal cells: a Hangul character takes two."""
    if text.isascii():
        return len(text)
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def padded(text: str, width: int) -> str:
    """Return the text with spaces after it, as wide as this many terminal cells."""
    return text + " " * (width - cells(text))
