"""The names in a request's path and the numbers in its headers, checked.

Source: OCI distribution-spec 1.1, "Pulling manifests", "Pushing a blob in chunks".
"""

import re
from typing import Final

from starlette.requests import Request

from keynet.errors import ValidationError
from keynet.oci.descriptor import Digest
from keynet.oci.reference import is_path_component, is_tag
from keynet.sandbox.registry.error_answers import Refusal

__all__ = [
    "announced",
    "content_range",
    "digest_of",
    "identifier",
    "is_byte_range",
    "repository",
]

_NAME_LIMIT: Final = 255
_RANGE: Final = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
_BYTE_RANGE: Final = re.compile(r"\s*([0-9]{0,18})-([0-9]{0,18})\s*")


def repository(name: str) -> str:
    """Return a repository's name, which is safe as a path below a folder.

    Raises:
        Refusal: It is not a valid name.
    """
    if len(name) > _NAME_LIMIT or not all(is_path_component(part) for part in name.split("/")):
        raise Refusal(400, "NAME_INVALID", "this is not a valid name of a repository")
    return name


def digest_of(text: str) -> Digest:
    """Return the digest that this text is.

    Raises:
        Refusal: It is not one, or of another algorithm than sha256 and sha512.
    """
    try:
        digest = Digest.parse(text)
    except ValidationError as e:
        raise Refusal(400, "DIGEST_INVALID", "this is not a valid digest") from e
    if digest.algorithm not in {"sha256", "sha512"}:
        raise Refusal(400, "DIGEST_INVALID", "digests are sha256 or sha512")
    return digest


def identifier(text: str) -> Digest | str:
    """Return the digest or the tag that names a manifest.

    Raises:
        Refusal: It is neither.
    """
    if ":" in text:
        return digest_of(text)
    if not is_tag(text):
        raise Refusal(400, "TAG_INVALID", "this is not a valid tag")
    return text


def content_range(request: Request) -> tuple[int, int] | None:
    """Return first and last byte of a chunk, None without Content-Range.

    Raises:
        Refusal: The header cannot be read, or it contradicts Content-Length.
    """
    text = request.headers.get("content-range")
    if text is None:
        return None
    found = _RANGE.fullmatch(text.strip().removeprefix("bytes ").partition("/")[0])
    if found is None:
        raise Refusal(400, "BLOB_UPLOAD_INVALID", "Content-Range must be START-END")
    first, last = int(found[1]), int(found[2])
    length = announced(request)
    if last < first or length not in {None, last - first + 1}:
        raise Refusal(400, "SIZE_INVALID", "Content-Range and Content-Length differ")
    return first, last


def announced(request: Request) -> int | None:
    """Return the length of the request's body, None if it is not announced."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isdecimal() and len(text) < 19 else None


def is_byte_range(text: str) -> bool:
    """Report whether a Range header is valid: one or more ranges of bytes, none backwards.

    Source: RFC 9110, 14.1.1 and 14.1.2.
    """
    unit, _, ranges = text.partition("=")
    found = [_BYTE_RANGE.fullmatch(part) for part in ranges.split(",")]
    return unit.strip().lower() == "bytes" and all(
        one is not None
        and (one[1] or one[2])
        and not (one[1] and one[2] and int(one[2]) < int(one[1]))
        for one in found
    )
