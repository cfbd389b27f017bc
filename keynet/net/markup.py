"""Reduce a page of HTML or XML to the words that people would read on it.

No parser: the pages are short, often broken, and may be made to keep a parser busy.
"""

import re
from typing import Final

__all__ = ["element", "reduced"]

_TAG: Final = r"<([^<>]*)>"
_UNSEEN: Final = ("script", "style", "head", "svg", "noscript", "template")


def element(page: str, name: str) -> str:
    """Return the text of the first ``<name>``, as object stores' XML has it; "" without one."""
    _before, opened, rest = page.partition(f"<{name}>")
    text, closed, _after = rest.partition(f"</{name}>")
    return _unescaped(text).strip() if opened and closed and "<" not in text else ""


def reduced(page: str) -> str:
    """Return a page's title and then its text, without what the title says already."""
    title, texts, unseen = "", [], ""
    pieces = re.split(_TAG, page)
    for text, tag in zip(pieces[::2], ["", *pieces[1::2]], strict=True):
        name = tag.strip().lower().split(maxsplit=1)[:1]
        opened = name[0].rstrip("/") if name else ""
        if opened == "title" and not title:
            title = text.strip()
        elif unseen:
            unseen = "" if opened == f"/{unseen}" else unseen
        elif opened in _UNSEEN and not tag.endswith("/"):
            unseen = opened
        if not unseen and opened != "title" and text.strip():
            texts.append(text.strip())
    title = _unescaped(title)
    body = " ".join(_unescaped(" ".join(texts)).split())
    rest = body.removeprefix(title).strip(" -:·|") if title else body
    return "; ".join(part for part in (title, rest) if part)


def _unescaped(text: str) -> str:
    """Replace character references such as ``&amp;``."""
    if "&" not in text:
        return text
    # Its table of names takes a millisecond, which a push need not spend.
    import html

    return html.unescape(text)
