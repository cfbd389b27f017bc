"""Check the hyperparameters that are attached to an image: anybody may have written them.

Source: docs/reference/metadata.md.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from keynet.text import _, fill, printable

__all__ = ["Unreadable", "parse"]

# keynet itself writes at most 2,000 arguments, and defaults that are nested 16 deep.
_MOST_ARGUMENTS: Final = 10_000
_DEEPEST: Final = 64
_MOST_BRACKETS: Final = 200_000


class Unreadable(Exception):
    """The document does not describe hyperparameters; the message says why."""


def parse(document: bytes) -> dict[str, Any]:
    """Return the object of the artifact's layer, with every field that an argument has.

    Raises:
        Unreadable: It is not JSON, is nested too deeply, or a field is missing or of another type.
    """
    described = _loaded(document)
    _check(described)
    if not isinstance(described, dict) or not isinstance(described.get("arguments"), list):
        raise Unreadable(_("it has no list of arguments"))
    if len(described["arguments"]) > _MOST_ARGUMENTS:
        raise Unreadable(_("it has too many arguments"))
    for name, fits in _DOCUMENT.items():
        _field(described, name, fits, _("the document"))
    arguments = [_argument(one, at) for at, one in enumerate(described["arguments"], start=1)]
    return {**described, "parser_type": described.get("parser_type"), "arguments": arguments}


def _loaded(document: bytes) -> Any:
    if document.count(b"[") + document.count(b"{") > _MOST_BRACKETS:
        raise Unreadable(_("it has too many brackets"))
    try:
        return json.loads(document, parse_constant=_refuse)
    except RecursionError:
        raise Unreadable(_("it is nested too deeply")) from None
    except ValueError as error:
        raise Unreadable(printable(error)) from error


def _refuse(constant: str) -> float:
    raise ValueError(fill(_("JSON does not have {value}"), value=constant))


def _check(described: object) -> None:
    """Walk through all values: what cannot be written again is refused."""
    pending = [(described, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > _DEEPEST:
            raise Unreadable(_("it is nested too deeply"))
        if isinstance(value, float) and not math.isfinite(value):
            raise Unreadable(_("it has a number that is too large"))
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            raise Unreadable(_("it has text that is not valid Unicode"))
        if isinstance(value, dict):
            pending.extend((key, depth) for key in value)
            pending.extend((part, depth + 1) for part in value.values())
        elif isinstance(value, list):
            pending.extend((part, depth + 1) for part in value)


def _argument(given: object, at: int) -> dict[str, Any]:
    place = fill(_("argument {number}"), number=at)
    if not isinstance(given, dict):
        raise Unreadable(fill(_("{place} is not an object"), place=place))
    if not isinstance(given.get("name"), str) or not given["name"]:
        raise Unreadable(fill(_("{place} has no name"), place=place))
    for name, fits in _ARGUMENT.items():
        _field(given, name, fits, place)
    usual = {"type": "str", "default": None, "required": False, "help": "", "choices": None}
    # Null stands for a field that is not there.
    present = {name: value for name, value in given.items() if value is not None}
    return {"name": given["name"], **usual, **present}


def _field(given: Mapping[str, Any], name: str, fits: Callable[[object], bool], place: str) -> None:
    value = given.get(name)
    if value is not None and not fits(value):
        text = _("the field {field} of {place} has another type than it should have")
        raise Unreadable(fill(text, field=name, place=place))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_script(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _are_notes(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict)
        and isinstance(one.get("line"), int)
        and isinstance(one.get("message"), str)
        and isinstance(one.get("file", ""), str)
        for one in value
    )


_ARGUMENT: Final[Mapping[str, Callable[[object], bool]]] = {
    "type": _is_text,
    "required": lambda value: isinstance(value, bool),
    "help": _is_text,
    "choices": _is_texts,
}
_DOCUMENT: Final[Mapping[str, Callable[[object], bool]]] = {
    "parser_type": _is_text,
    "script": _is_script,
    "keynet_version": _is_text,
    "notes": _are_notes,
}
