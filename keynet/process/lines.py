"""What a program writes, as lines: decoded, without secrets, the newest kept."""

import base64
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import quote

from keynet.secret import Secret

__all__ = ["Lines", "OnLine", "Redact", "hide_logins", "redactor"]

_KEPT_LINES: Final = 20_000
_LONGEST_LINE: Final = 1 << 20
_KEPT_CHARACTERS: Final = 1 << 24
# Enough for a person, and for what is searched in a log line by line.
_LONGEST_SHOWN: Final = 4_000
_HIDDEN: Final = "***"
# user:password@ of a URL, which a proxy or an index may have in a build argument.
_URL_LOGIN: Final = r"(?<=://)[^/@\s]+(?=@)"

_NEWLINE: Final = re.compile(rb"\n")
# On a terminal a carriage return ends what is then drawn over.
_TERMINAL_ENDS: Final = re.compile(rb"[\r\n]+")
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")

OnLine = Callable[[str], None]
Redact = Callable[[str], str]


class Lines:
    """Collect bytes into lines, keep the newest and hand each on.

    20,000 lines and 16 million characters are kept at most; what is handed on of a line is cut
    after 4,000. What a program draws on a terminal loses its control sequences and empty lines.
    """

    def __init__(self, redact: Redact, on_line: OnLine | None, *, terminal: bool = False) -> None:
        self._redact = redact
        self._ends = _TERMINAL_ENDS if terminal else _NEWLINE
        self._terminal = terminal
        self._on_line = on_line
        self._rest = b""
        self._kept: deque[str] = deque()
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes, cut anywhere."""
        # The search begins in the new bytes: a line may come in many pieces.
        first, *more = self._ends.split(chunk)
        *whole, self._rest = [self._rest + first, *more]
        for line in whole:
            self._add(line)
        if len(self._rest) > _LONGEST_LINE:
            self.close()

    def close(self) -> None:
        """Count what came after the last newline as a line."""
        rest, self._rest = self._rest, b""
        if rest:
            self._add(rest)

    @property
    def text(self) -> str:
        """The lines that are kept, joined by newlines."""
        return "\n".join(self._kept)

    def _add(self, line: bytes) -> None:
        text = line.decode("utf-8", errors="replace")
        if self._terminal:
            # First of all: a secret with a control sequence in it would not be recognised.
            text = _CONTROL.sub("", text)
            if not text.strip():
                return
        text = self._redact(text)
        self._keep(text)
        if self._on_line is not None:
            shown = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]} …"
            self._on_line(shown)

    def _keep(self, text: str) -> None:
        self._kept.append(text)
        self._size += len(text)
        while len(self._kept) > _KEPT_LINES or self._size > _KEPT_CHARACTERS:
            self._size -= len(self._kept.popleft())


def redactor(secrets: Iterable[Secret]) -> Redact:
    """Return a function that replaces these secrets in a text, in every form programs print."""
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)

    def redact(text: str) -> str:
        for form in forms:
            text = text.replace(form, _HIDDEN)
        return text

    return redact


def hide_logins(text: str) -> str:
    """Replace the user and password of every URL in a text."""
    return re.sub(_URL_LOGIN, _HIDDEN, text)


def _forms(secret: Secret) -> Iterator[str]:
    value = secret.reveal().strip()
    if value:
        yield value
        yield quote(value, safe="")
        yield base64.b64encode(value.encode()).decode()
