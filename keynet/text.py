"""Texts for people: translation, and escaping of untrusted strings.

Write such texts as ``fill(_("…{name}…"), name=…)``: f-strings cannot be collected into a
catalogue, and ``fill`` escapes the values.
"""

import gettext
import os
import re
from collections.abc import Iterable
from functools import cache
from typing import Self

__all__ = ["N_", "Block", "_", "fill", "ngettext", "printable", "size", "stacked"]

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


@cache
def _catalogue(languages: str) -> gettext.NullTranslations:
    return gettext.translation("keynet", _LOCALE_DIR, languages.split(":"), fallback=True)


def _current() -> gettext.NullTranslations:
    environment = os.environ
    for variable in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        if environment.get(variable):
            return _catalogue(environment[variable])
    return _catalogue("C")


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
