"""Methods of strings, each bounded in the size of its result."""

from typing import Final

from keynet.script.interpreter.evaluation.operations import MAX_ITEMS, MAX_TEXT, concrete, template
from keynet.script.interpreter.machine import Handler, Machine
from keynet.script.interpreter.values import HERE, Arguments, Unknown, Value

__all__ = ["text_method"]

# Their results are at most a few times as long as the input: they need no other bound.
_TEXT: Final = frozenset(
    [
        "capitalize",
        "casefold",
        "count",
        "endswith",
        "find",
        "index",
        "isalnum",
        "isalpha",
        "isascii",
        "isdecimal",
        "isdigit",
        "isidentifier",
        "islower",
        "isnumeric",
        "isspace",
        "istitle",
        "isupper",
        "lower",
        "lstrip",
        "partition",
        "removeprefix",
        "removesuffix",
        "rfind",
        "rindex",
        "rpartition",
        "rsplit",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "upper",
    ]
)


_PADDING: Final = frozenset(["center", "ljust", "rjust", "zfill"])


# What does not depend on the start of a path.
_OF_PATHS: Final = frozenset(
    ["endswith", "format", "join", "lower", "removesuffix", "replace", "rpartition", "rsplit",
     "rstrip", "split", "strip", "upper"]
)  # fmt: skip
_TRUTHS: Final = ("is", "startswith", "endswith")


_FAILURES: Final = (ValueError, TypeError, LookupError, OverflowError, AttributeError)


def text_method(text: str, name: str) -> Handler | None:
    """Return a method of a string, None for one that is not supported."""

    def call(run: Machine, given: Arguments) -> Value:  # noqa: PLR0911
        run.limits.spend(len(text) // 16)
        if given.open or (HERE in text and name not in _OF_PATHS):
            return _unknown_text(name)
        if name == "format":
            run.limits.spend(4 * text.count("{"))
            return template(text, given.positional, given.keywords)
        if name == "format_map" and given.positional and isinstance(given.positional[0], dict):
            named = {k: v for k, v in given.positional[0].items() if isinstance(k, str)}
            return template(text, (), named)
        if name == "join":
            return _join_text(run, text, given)
        if not all(concrete(item) for item in given.positional) or given.keywords.keys() - _NAMED:
            return _unknown_text(name)
        if name == "encode":
            return Unknown("bytes")
        if name == "replace" and not _replaceable(text, given):
            return Unknown("str")
        if name in _PADDING and not _short_padding(given):
            return Unknown("str")
        try:
            return _limited(getattr(text, name)(*given.positional, **given.keywords))
        except _FAILURES:
            return _unknown_text(name)

    known = name in _TEXT or name in _PADDING
    return call if known or name in ("format", "format_map", "join", "encode", "replace") else None


_NAMED: Final = frozenset(["sep", "maxsplit", "keepends"])


def _limited(value: object) -> Value:
    if isinstance(value, (list, tuple)) and len(value) > MAX_ITEMS:
        return Unknown("list")
    return value


def _unknown_text(name: str) -> Unknown:
    if name.startswith(_TRUTHS):
        return Unknown("bool")
    if name in ("count", "find", "index", "rfind", "rindex"):
        return Unknown("int")
    if name in ("split", "rsplit", "splitlines", "partition", "rpartition"):
        return Unknown("list")
    return Unknown("str")


def _join_text(run: Machine, text: str, given: Arguments) -> Value:
    items = run.iterate(given.get("iterable", 0))
    if items is None or not all(isinstance(item, str) for item in items):
        return Unknown("str")
    size = sum(len(str(item)) + len(text) for item in items)
    return text.join(str(item) for item in items) if size <= MAX_TEXT else Unknown("str")


def _replaceable(text: str, given: Arguments) -> bool:
    new = given.get("new", 1)
    return isinstance(new, str) and (len(text) + 1) * (len(new) + 1) <= MAX_TEXT


def _short_padding(given: Arguments) -> bool:
    width = given.get("width", 0)
    return isinstance(width, int) and width <= 1_000
