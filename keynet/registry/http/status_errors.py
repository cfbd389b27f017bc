"""Turn a registry's refusal into one of keynet's errors, with a reason and a hint.

Source: OCI distribution-spec, "Error Codes"; RFC 6750, "The WWW-Authenticate Response Header".
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from keynet.errors import NotFound, RegistryDenied, RegistryError
from keynet.net import server_words
from keynet.net.retry import TEMPORARY_STATUSES, retry_after, try_again
from keynet.registry.http.refusal_table import refusal, texts
from keynet.registry.http.refusals import Purpose
from keynet.text import _, fill

__all__ = ["failure"]

_DENIED: Final = frozenset({401, 403})
_CHALLENGE_ERROR: Final = re.compile(r'\berror="?(insufficient_scope|invalid_token)')


def failure(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    action: str,
    registry: str,
    *,
    purpose: Purpose = Purpose.OTHER,
    hide: Iterable[str] = (),
    anonymous: bool = False,
) -> RegistryError:
    """Return the error for an answer with an unexpected status.

    Args:
        action: What was attempted: ``upload layer sha256:5b1c…``.
        headers: With lower-case names.
        hide: Secrets that a server may repeat.
        anonymous: There were no credentials for the request.
    """
    said = server_words.read(body, headers.get("content-type", ""), hide)
    challenge = _CHALLENGE_ERROR.search(headers.get("www-authenticate", "")[:16_384])
    words = f"{said.code}: {said.text}\n{challenge[1] if challenge else ''}"
    found = refusal(status, purpose, words, anonymous=anonymous)
    reason, hint = texts(
        found,
        registry,
        fill(
            _(
                "There are no credentials for {registry}: sign in first "
                "(keynet login, or the registry's own login)."
            )
            if anonymous
            else _("Sign in again: keynet login, or the registry's own login for {registry}."),
            registry=registry,
        ),
        try_again(retry_after(headers.get("retry-after"))),
    )
    details = fill(
        _(" ({status}{code}{detail})"),
        status=status,
        code=f" {said.code}" if said.code else "",
        detail=f": {said.text}" if said.text else "",
    )
    message = fill(
        _("Could not {action} at {registry}: {reason}{details}."),
        action=action,
        registry=registry,
        reason=reason,
        details=details,
    )
    kind = (
        RegistryDenied
        if status in _DENIED and found.denies
        else NotFound
        if status == 404
        else RegistryError
    )
    temporary = status in TEMPORARY_STATUSES
    return kind(message, hint, status=status, code=said.code, temporary=temporary, said=said.text)
