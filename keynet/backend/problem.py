"""Find the backend's own message in a refusal, and the hyperparameters that it accuses."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from keynet.net import server_words
from keynet.secret import Secret

__all__ = ["message", "offending"]

_INDEX: Final = r"(?i)hyperParameters(?:\[|\.|/)(\d{1,6})"
_DEEPEST: Final = 4


def message(body: bytes, content_type: str = "", hide: Sequence[Secret] = ()) -> str:
    """Return the server's message, safe to show and without these secrets; "" for none."""
    words = server_words.read(body, content_type, [secret.reveal() for secret in hide])
    return words.text or words.code


def offending(body: bytes, hyperparameters: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the hyperparameters that the answer names, by index or by quoted name."""
    text = body.decode("utf-8", "replace")
    indexes = {int(number) for number in re.findall(_INDEX, text)}
    with suppress(ValueError, RecursionError):
        indexes |= set(_located(json.loads(body), 0))
    return [
        hyperparameter
        for index, hyperparameter in enumerate(hyperparameters)
        if index in indexes or _names(text, hyperparameter.get("name"))
    ]


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
