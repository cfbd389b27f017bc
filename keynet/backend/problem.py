"""Find the backend's own message in the body of a refusal, whatever its shape.

Spring's ``{"message", "errors": [{"field", "message"}]}``, RFC 9457's ``{"title", "detail"}``
and lists of ``{"loc", "msg"}`` are understood; anything else is shown as text.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from keynet.text import printable

__all__ = ["message", "offending"]

_WORDS: Final = ("message", "detail", "error_description", "title", "reason", "msg", "error")
_LISTS: Final = ("errors", "fieldErrors", "violations", "details", "detail", "error")
_INDEX: Final = re.compile(r"hyperParameters(?:\[|\.|/)(\d{1,6})", re.IGNORECASE)
_DEEPEST: Final = 4
_MOST: Final = 20


def message(body: bytes) -> str:
    """Return the server's message, safe to show; "" when the body has none."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        text = body.decode("utf-8", "replace").strip()
        # A proxy's HTML page does not help.
        return "" if text.startswith("<") else printable(text, 500)
    if isinstance(parsed, str):
        return printable(parsed, 500)
    found = list(dict.fromkeys(_messages(parsed, 0)))
    return printable("; ".join(found[:_MOST]), 1000)


def offending(body: bytes, hyperparameters: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the hyperparameters that the answer names, by index or by quoted name."""
    text = body.decode("utf-8", "replace")
    indexes = {int(number) for number in _INDEX.findall(text)}
    with suppress(ValueError, RecursionError):
        indexes |= set(_located(json.loads(body), 0))
    return [
        hyperparameter
        for index, hyperparameter in enumerate(hyperparameters)
        if index in indexes or _names(text, hyperparameter.get("name"))
    ]


def _messages(value: object, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value[:_MOST]:
            if isinstance(item, str):
                yield printable(item, 300)
            else:
                yield from _messages(item, depth + 1)
    elif isinstance(value, dict):
        yield from _own_message(value)
        for key in _LISTS:
            if isinstance(value.get(key), (list, dict)):
                yield from _messages(value[key], depth + 1)


def _own_message(value: dict[str, Any]) -> Iterator[str]:
    for key in _WORDS:
        text = value.get(key)
        if isinstance(text, str) and text.strip():
            field = value.get("field") or value.get("propertyPath") or _path(value.get("loc"))
            yield printable(f"{field}: {text}" if isinstance(field, str) else text, 300)
            return


def _path(loc: object) -> str | None:
    return ".".join(map(str, loc[:10])) if isinstance(loc, list) else None


def _located(value: object, depth: int) -> Iterator[int]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item, following in zip(value, [*value[1:], None], strict=True):
            if item == "hyperParameters" and type(following) is int:
                yield following
            yield from _located(item, depth + 1)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _located(item, depth + 1)


def _names(text: str, name: object) -> bool:
    if not isinstance(name, str) or not name:
        return False
    return re.search(rf"""(["'`]|\\["']){re.escape(name)}\1""", text) is not None
