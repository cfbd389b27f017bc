"""The lines of a requirements file, as pip reads them: encodings, continuations, comments.

Everything takes time in proportion to the length of the file.

Source: pip's "Requirements File Format", PEP 263.
"""

import codecs
import re
import shlex
from collections.abc import Iterator
from typing import Final

from keynet.frozen import frozen

__all__ = [
    "Line",
    "Undecodable",
    "after_option",
    "decode",
    "logical",
    "options",
    "parts",
    "variables",
]

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CODING: Final = re.compile(rb"coding[:=]\s*+([-\w.]+)")
# Of no file, and slow for long ones.
_ODD: Final = frozenset({"punycode", "idna", "undefined", "unicode_escape", "raw_unicode_escape"})
# shlex takes 2 µs a letter.
_LONGEST_QUOTED: Final = 100_000
_VARIABLE: Final = r"\$\{([A-Z0-9_]+)\}"


@frozen
class Line:
    """One logical line without its comment: ``number`` counts from 1, ``height`` in lines."""

    number: int
    height: int
    text: str


class Undecodable(ValueError):
    """A file is not in its encoding: ``encoding`` is None if it has no known one, ``line`` ≥ 1."""

    def __init__(self, encoding: str, line: int, *, known: bool = True) -> None:
        super().__init__(encoding)
        self.encoding = encoding
        self.line = line
        self.known = known


def decode(content: bytes) -> str:
    """Decode by byte order mark, else by a coding comment in the first two lines, else UTF-8.

    Raises:
        Undecodable: The content does not fit the encoding, or the encoding is not known.
    """
    encoding = next((name for bom, name in _BOMS if content.startswith(bom)), "")
    declared = 0
    if not encoding:
        encoding, declared = _declared(content)
    try:
        if declared and codecs.lookup(encoding).name.replace("-", "_") in _ODD:
            raise Undecodable(encoding, declared, known=False)
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Undecodable(encoding, line) from error
    except (LookupError, ValueError) as error:
        if isinstance(error, Undecodable):
            raise
        raise Undecodable(encoding, declared or 1, known=False) from error
    if "\0" in text:
        # Text has none: UTF-16 without its mark, or no text at all.
        raise Undecodable(encoding, text.count("\n", 0, text.index("\0")) + 1)
    return text


def _declared(content: bytes) -> tuple[str, int]:
    for number, line in enumerate(content[:10_000].split(b"\n")[:2], start=1):
        found = _CODING.search(line) if line.startswith(b"#") else None
        if found:
            return found[1].decode("ascii", "replace"), number
    return "utf-8", 0


def logical(text: str) -> Iterator[Line]:
    """Join continued lines and remove comments; lines without content have the text ""."""
    raw: list[str] = []
    start = 1
    for number, line in enumerate(text.splitlines(), start=1):
        if not raw:
            start = number
        is_comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not is_comment:
            raw.append(line.strip("\\"))
            continue
        raw.append(f" {line}" if is_comment else line)
        yield Line(start, len(raw), _without_comment("".join(raw)))
        raw = []
    if raw:
        yield Line(start, len(raw), _without_comment("".join(raw)))


def _without_comment(line: str) -> str:
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return (line if at < 0 else line[:at]).strip()


def variables(line: str) -> list[str]:
    """Return the names of ``${NAME}`` in a line."""
    return re.findall(_VARIABLE, line) if "${" in line else []


def options(line: str) -> list[tuple[str, str]]:
    """Return the options of a line that begins with one: name, and value or "".

    ``-rFILE``, ``--name=VALUE`` and ``--name VALUE`` are the same; several may share a line.
    """
    found: list[tuple[str, str]] = []
    for word in _words(line):
        if word.startswith("--"):
            name, _equals, value = word.partition("=")
            found.append((name, value))
        elif word.startswith("-") and len(word) > 1:
            found.append((word[:2], word[2:].removeprefix("=")))
        elif found:
            name, value = found[-1]
            found[-1] = (name, f"{value} {word}" if value else word)
    return found


def after_option(line: str) -> str:
    """Return what follows the first option of a line, without quotes around the whole."""
    _name, _separator, value = line.partition("=" if line.startswith("--editable=") else " ")
    if not line.startswith("--") and len(line) > 2 and not line[2].isspace():
        value = line[2:].removeprefix("=")
    value = value.strip()
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def parts(line: str) -> tuple[str, str]:
    """Split a requirement from its options (``--hash=…``)."""
    at = line.find(" -")
    return (line, "") if at < 0 else (line[:at].strip(), line[at:].strip())


def _words(line: str) -> list[str]:
    if len(line) > _LONGEST_QUOTED or not set(line) & set("\"'\\"):
        return line.split()
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()
