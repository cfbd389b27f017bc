"""Read and parse a file; errors show where the script is invalid."""

import ast
import codecs
import io
import re
import stat
import sys
import tokenize
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import Final

from keynet.errors import ScriptInvalid
from keynet.files import limited_read
from keynet.frozen import frozen
from keynet.script.files import bodies
from keynet.text import _, fill, printable, size

__all__ = [
    "MAX_BYTES",
    "MAX_TOKENS",
    "Source",
    "count_tokens",
    "from_bytes",
    "is_longer",
    "load",
    "read",
]

MAX_BYTES: Final = 4_000_000
# A syntax tree takes up to 900 bytes of memory per token: this keeps it below 150 MB.
MAX_TOKENS: Final = 150_000
# Python 3.11 needs quadratic time for the fields of one f-string.
_MAX_F_STRING: Final = 16_000

_STRING = re.compile(r"#[^\n]*|(?i:\b([bfru]{1,2}))?(\"\"\"|'''|\"|')")
_QUOTES: Final = ('"', '"""', "'", "'''")
_WORD: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_KINDS: Final = bytes(
    ord("w") if byte in _WORD or byte > 127 else ord(" ") if byte in b" \t" else ord(".")
    for byte in range(256)
)
# Python supports more, but some of its codecs need quadratic time or do not decode to text.
_ENCODINGS = re.compile(
    r"utf-8(-sig)?|ascii|utf-16(-[lb]e)?|iso8859-\d+|cp\d+|euc_kr|euc_jp|johab|shift_jis(x0213|_2004)?"
    r"|gb2312|gbk|gb18030|big5(hkscs)?|koi8-[rut]|mac-roman|iso2022_kr|iso2022_jp|tis-620|hz"
)


@frozen
class Source:
    """One parsed file; ``tokens`` is a measure of its size."""

    path: Path
    text: str
    tree: ast.Module
    tokens: int


def load(path: Path, *, max_tokens: int = MAX_TOKENS, whole: bool = True) -> Source:
    """Read, decode and parse a script.

    Args:
        whole: Parse the bodies of functions now, not when they are followed.

    Raises:
        ScriptInvalid: Missing, a directory, empty, too large, not text or not Python.
    """
    return from_bytes(path, read(path), max_tokens=max_tokens, whole=whole)


def from_bytes(
    path: Path, content: bytes, *, max_tokens: int = MAX_TOKENS, whole: bool = True
) -> Source:
    """Decode and parse the bytes of a script; ``path`` is named in errors.

    Raises:
        ScriptInvalid: Empty, too large, not text or not Python.
    """
    if not content.strip():
        raise ScriptInvalid(
            fill(_("The script {path} is empty."), path=path),
            _("Pass the file that starts the training."),
        )
    return _parse(path, _decode(path, content), max_tokens=max_tokens, whole=whole)


def _parse(path: Path, text: str, *, max_tokens: int, whole: bool) -> Source:
    if "\0" in text:
        raise ScriptInvalid(
            fill(
                _("The script {path}, line {line}, contains a NUL byte: it is not Python source."),
                path=path,
                line=text[: text.index("\0")].count("\n") + 1,
            ),
            _("Pass a Python source file."),
        )
    tokens = count_tokens(text)
    if tokens > max_tokens or _has_long_f_string(text):
        raise _too_large(path)
    try:
        tree = (bodies.parse_whole if whole else bodies.parse)(text, str(path))
    except SyntaxError as error:
        raise ScriptInvalid(_syntax_message(path, text, error), _syntax_hint()) from error
    except ValueError as error:
        raise ScriptInvalid(
            fill(_("The script {path} is not valid Python: {reason}."), path=path, reason=error),
            _("Pass a Python source file."),
        ) from error
    except (RecursionError, MemoryError) as error:
        raise ScriptInvalid(
            fill(_("The script {path} is nested too deeply to be read."), path=path),
            _("Move long literals and generated code into a separate file."),
        ) from error
    return Source(path, text, tree, tokens)


def is_longer(content: bytes, tokens: int) -> bool:
    """Report whether a file has more words and signs than a number."""
    return count_tokens(content.decode("utf-8", "replace")) > tokens


def count_tokens(text: str) -> int:
    """Count words, signs and line ends; characters outside ASCII are part of a word."""
    kinds = text.encode("utf-8", "surrogatepass").translate(_KINDS)
    words = kinds.count(b" w") + kinds.count(b".w") + kinds.startswith(b"w")
    return words + kinds.count(b".")


def _has_long_f_string(text: str) -> bool:
    # Few files have a long stretch without a quote: only those are examined further.
    if len(text) <= _MAX_F_STRING or not any(_may_be_long(text, quote) for quote in _QUOTES):
        return False
    position = 0
    # Every string is skipped as a whole: what looks like a string inside it is not one.
    while match := _STRING.search(text, position):
        position = match.end()
        if match[2] is not None:
            start, position = position, _end_of_string(text, position, match[2])
            if position - start > _MAX_F_STRING and "f" in (match[1] or "").lower():
                return True
    return False


def _end_of_string(text: str, position: int, quote: str) -> int:
    while True:
        end = text.find(quote, position)
        line_end = text.find("\n", position) if len(quote) == 1 else -1
        if end < 0 or (0 <= line_end < end and text[line_end - 1] != "\\"):
            # Python reports a string that never ends.
            return len(text) if end < 0 or line_end < 0 else line_end
        if 0 <= line_end < end:
            position = line_end + 1
            continue
        before = end
        while before > position and text[before - 1] == "\\":
            before -= 1
        position = end + (1 if (end - before) % 2 else len(quote))
        if not (end - before) % 2:
            return position


def _may_be_long(text: str, quote: str) -> bool:
    escaped = "\\" + quote[0]
    plain = text.replace(escaped, "..") if escaped in text else text
    pieces = plain.split(quote)
    return max(map(len, pieces)) > _MAX_F_STRING and any(
        len(after) > _MAX_F_STRING and before[-2:].lower().endswith(("f", "fr"))
        for before, after in pairwise(pieces)
    )


def read(path: Path) -> bytes:
    """Return the bytes of a script's file, which is opened once.

    Raises:
        ScriptInvalid: Missing, a directory, not an ordinary file, unreadable or too large.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ScriptInvalid(
                fill(_("{path} is a directory, not a script."), path=path),
                _("Pass the Python file in it that starts the training."),
            )
        if not stat.S_ISREG(status.st_mode):
            raise ScriptInvalid(
                fill(_("{path} is not a regular file."), path=path),
                _("Pass a Python source file."),
            )
        if status.st_size > MAX_BYTES:
            raise _too_large(path)
        content = limited_read.read(path, MAX_BYTES, regular_only=True)
    except FileNotFoundError as error:
        raise ScriptInvalid(
            fill(
                _("There is no script {path} (looked for {resolved})."),
                path=path,
                resolved=path.absolute(),
            ),
            _("Check the path; it is relative to the current directory."),
        ) from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ScriptInvalid(
            fill(_("The script {path} cannot be read: {reason}."), path=path, reason=reason),
            _("Check the path and its permissions."),
        ) from error
    if content is None:
        raise _too_large(path)
    return content


def _too_large(path: Path) -> ScriptInvalid:
    return ScriptInvalid(
        fill(
            _(
                "The script {path} is too large to be a script (more than {limit} or {tokens} "
                "words)."
            ),
            path=path,
            limit=size(MAX_BYTES),
            tokens=MAX_TOKENS,
        ),
        _("Move embedded data into a separate file."),
    )


def _decode(path: Path, content: bytes) -> str:
    encoding = _encoding(path, content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ScriptInvalid(
            fill(
                _("The script {path} is not valid {encoding}: byte 0x{byte:02x} in line {line}."),
                path=path,
                encoding=encoding.upper().removesuffix("-SIG"),
                byte=content[error.start],
                line=line,
            ),
            _("Save it as UTF-8, or declare its encoding in the first line: # -*- coding: … -*-"),
        ) from error
    return text.removeprefix("\ufeff")


def _encoding(path: Path, content: bytes) -> str:
    try:
        encoding, _lines = tokenize.detect_encoding(io.BytesIO(content).readline)
        name = codecs.lookup(encoding).name
    except (SyntaxError, LookupError, ValueError) as error:
        raise ScriptInvalid(
            fill(_("The script {path} cannot be decoded: {reason}."), path=path, reason=error),
            _("Save it as UTF-8, or declare its encoding in the first line: # -*- coding: … -*-"),
        ) from error
    if encoding != "utf-8-sig" and not _ENCODINGS.fullmatch(name):
        raise ScriptInvalid(
            fill(
                _("The script {path} declares the encoding {encoding}, which is not supported."),
                path=path,
                encoding=encoding,
            ),
            _("Save it as UTF-8."),
        )
    return encoding


def _syntax_hint() -> str:
    return fill(
        _(
            "Fix the script, then try again. keynet runs on Python {version} and read it as that "
            "version does; if the script is for a newer one, install keynet there, for example: "
            "uv tool install --python 3.14 keynet-cli"
        ),
        version=".".join(map(str, sys.version_info[:2])),
    )


def _syntax_message(path: Path, text: str, error: SyntaxError) -> str:
    line = error.lineno or 0
    message = fill(
        _("{path}, line {line}: {reason}"),
        path=path,
        line=line,
        reason=printable(error.msg or "invalid syntax", 300),
    )
    lines = text.splitlines() if "\f" not in text else re.split(r"\r\n|\r|\n", text)
    if not 1 <= line <= len(lines):
        return message
    shown = lines[line - 1]
    start = max((error.offset or 1) - 1, 0)
    indent = len(shown) - len(shown.lstrip())
    # Only the part around the error: a line of a generated file can be very long.
    first = max(indent, start - 60)
    excerpt = _one_to_one(shown[first : first + 100])
    column = min(max(start - first, 0), len(excerpt))
    width = 1
    if error.end_lineno == error.lineno and error.end_offset and error.end_offset - 1 > start:
        width = min(error.end_offset - 1 - start, max(len(excerpt) - column, 1))
    return "\n".join(
        (
            message,
            "    " + excerpt.rstrip(),
            "    "
            + " " * _cells(excerpt[:column])
            + "^" * max(_cells(excerpt[column:][:width]), 1),
        )
    )


def _one_to_one(text: str) -> str:
    """Make text safe for a terminal; every character keeps its position."""
    return "".join(printable(character) or " " for character in text)


def _cells(text: str) -> int:
    """Return the width in terminal columns; wide characters such as Korean take two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
