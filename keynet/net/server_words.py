"""Find what a server says in the body of a refusal, whatever its form.

OCI's ``{"errors": [{"code", "message", "detail"}]}``, Spring's ``{"message", "errors":
[{"field", "message"}]}``, RFC 9457's ``{"title", "detail"}``, OAuth's ``{"error",
"error_description"}``, lists of ``{"loc", "msg"}``, the XML of object stores, pages and plain text
are understood; other JSON is shown as it is. The Content-Type is not asked what it is: gateways
lie there.
"""

import json
import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, Final

from keynet.frozen import frozen
from keynet.net.markup import element, reduced
from keynet.text import printable

__all__ = ["Words", "decoded", "page", "read"]

_TEXTS: Final = (
    "message",
    "detail",
    "error_description",
    "description",
    "errormessage",
    "error_message",
    "faultstring",
    "title",
    "reason",
    "msg",
    "error",
    "text",
)
_LISTS: Final = ("errors", "fielderrors", "violations", "details", "detail", "error", "fault",
                 "message", "data", "response", "result")  # fmt: skip
_CODES: Final = ("code", "__type", "error_code", "errorcode")
_DEEPEST: Final = 4
_MOST: Final = 20
_GZIP: Final = b"\x1f\x8b\x08"
_READ: Final = 256 * 1024
_PAGE_READ: Final = 64 * 1024
_LONGEST_PART: Final = 300
_LONGEST: Final = 1000
_LONGEST_TEXT: Final = 500
_LONGEST_CODE: Final = 60
# A shorter one may be part of ordinary words.
_SHORTEST_HIDDEN: Final = 4
# Python has codecs that are slow on purpose-made text, or that are not for text at all.
_CHARSET: Final = (
    r"(?i)charset\s*=\s*[\"']?((?:utf|us|iso|windows|cp|euc|gb|big5|shift|koi8|latin)[\w.:-]{0,20})"
)
_FOREIGN: Final = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x9f\ufffd]")
_TOKEN: Final = re.compile(
    r"\b(basic|bearer)\s+(?=[^\s]{0,4096}?[0-9=+/])[\w+/=.~-]{12,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?",
    re.I,
)
_USERINFO: Final = re.compile(r"(\w://)[^/\s@?#]{1,1024}@")
_QUERY: Final = re.compile(r"(https?://[^\s?\"'<>]{1,2048})\?[^\s\"'<>]+", re.I)


@frozen
class Words:
    """What a server says: its first error's code and its texts, safe to show; "" for none."""

    code: str = ""
    text: str = ""


def read(body: bytes, content_type: str = "", hide: Iterable[str] = ()) -> Words:
    """Return the words in a body; both parts are bounded and of one line.

    Tokens, passwords in URLs and query strings that the server repeats are left out.

    Args:
        hide: Secrets of the request, which a server may repeat.
    """
    text = decoded(body[:_READ], content_type).strip()
    for secret in hide:
        if len(secret) >= _SHORTEST_HIDDEN:
            text = text.replace(secret, "***").replace(json.dumps(secret)[1:-1], "***")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return _of_text(text)
    if isinstance(parsed, str):
        return _of_text(parsed.strip())
    return _of_json(parsed)


def page(body: bytes) -> str:
    """Return the words of a page that came in place of data; "" when it is not a page.

    Other bodies may hold a token that was asked for.
    """
    text = decoded(body[:_READ]).strip()
    return _of_text(text).text if text.startswith("<") else ""


def decoded(body: bytes, content_type: str = "") -> str:
    """Return a body as text; "" when it is not text.

    Args:
        content_type: Its charset is used where the bytes are not UTF-8.
    """
    if body.startswith(_GZIP):
        with suppress(zlib.error):
            body = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body, _READ)
    text = _in_charset(body, content_type)
    return text if len(_FOREIGN.findall(text)) * 10 <= len(text) else ""


def _in_charset(body: bytes, content_type: str) -> str:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        return body.decode("utf-16", "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.end == len(body) and error.start > len(body) - 4:
            return body[: error.start].decode("utf-8-sig")
    declared = re.search(_CHARSET, content_type[:400])
    # What calls itself UTF-8 and is not is mostly western text of old.
    name = declared[1] if declared and not declared[1].lower().startswith("utf") else "cp1252"
    try:
        return body.decode(name, "replace")
    except LookupError:
        return body.decode("cp1252", "replace")


def _of_text(text: str) -> Words:
    if text.startswith("<"):
        page = text[:_PAGE_READ]
        said = element(page, "Message")
        code = printable(element(page, "Code"), _LONGEST_CODE) if said else ""
        return Words(code, _shown(said or reduced(page), _LONGEST_PART))
    return Words("", _shown(text, _LONGEST_TEXT))


def _of_json(parsed: object) -> Words:
    parts = list(dict.fromkeys(_parts(parsed, 0)))[:_MOST]
    code = next((code for code, _text in parts if code), "")
    texts = [text if own in ("", code) or not text else f"{own}: {text}" for own, text in parts]
    # An error without a text has its code alone.
    texts += [own for own, text in parts if own not in ("", code) and not text]
    shown = "; ".join(dict.fromkeys(text for text in texts if text))
    if not shown and not code and isinstance(parsed, dict) and _has_text(parsed, 0):
        shown = json.dumps(parsed, ensure_ascii=False)[: _LONGEST_TEXT * 4]
        return Words("", _shown(shown, _LONGEST_PART))
    return Words(printable(code, _LONGEST_CODE), _shown(shown, _LONGEST))


def _parts(value: object, depth: int) -> Iterator[tuple[str, str]]:
    """Walk through JSON for pairs of code and text."""
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for item in value[:_MOST]:
            if isinstance(item, str):
                yield "", printable(item, _LONGEST_PART)
            else:
                yield from _parts(item, depth + 1)
    elif isinstance(value, dict):
        lower = {str(key).lower(): item for key, item in list(value.items())[:200]}
        yield from _own(lower)
        for key in _LISTS:
            if isinstance(lower.get(key), (list, dict)):
                yield from _parts(lower[key], depth + 1)


def _own(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    code = next((value[key] for key in _CODES if isinstance(value.get(key), str)), "")
    code = printable(code, _LONGEST_CODE)
    for key in _TEXTS:
        text = value.get(key)
        if isinstance(text, str) and text.strip():
            field = value.get("field") or value.get("propertypath") or _path(value.get("loc"))
            yield code, printable(f"{field}: {text}" if isinstance(field, str) else text, 300)
            break
    else:
        if code:
            yield code, ""
        return
    # Registries write "unknown error" there, and here what it was.
    detail = value.get("detail")
    if key == "message" and isinstance(detail, str) and detail.strip():
        yield "", printable(detail, _LONGEST_PART)


def _has_text(value: object, depth: int) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    if depth > _DEEPEST or not isinstance(value, list | dict):
        return False
    inner = value if isinstance(value, list) else list(value.values())
    return any(_has_text(item, depth + 1) for item in inner[:_MOST])


def _path(loc: object) -> str | None:
    return ".".join(map(str, loc[:10])) if isinstance(loc, list) else None


def _shown(text: str, limit: int) -> str:
    text = printable(text, limit * 2)
    text = _TOKEN.sub(lambda found: f"{found[1]} ***" if found[1] else "***", text)
    text = _QUERY.sub(r"\1?***", _USERINFO.sub(r"\1***@", text))
    return printable(text, limit).rstrip(".")
