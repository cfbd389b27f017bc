"""Turn a registry's refusal into one of keynet's errors, with a reason and a hint.

Source: OCI distribution-spec, "Error Codes"; RFC 6750, "The WWW-Authenticate Response Header".
"""

import re
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Final

from keynet.errors import NotFound, RegistryDenied, RegistryError
from keynet.net import server_words
from keynet.net.retry import TEMPORARY_STATUSES, retry_after
from keynet.registry.http.refusals import Purpose, refusal
from keynet.text import _, fill

__all__ = ["failure"]

_DENIED: Final = frozenset({401, 403})
_CHALLENGE_ERROR: Final = re.compile(r'\berror="?(insufficient_scope|invalid_token)')
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
# A server that asks for more than a month has its clock or its header wrong.
_LONGEST_WAIT_S: Final = 31 * _DAY_S


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
    reason, hint = found.texts(
        registry,
        fill(
            _("There are no credentials for {registry}: sign in first.")
            if anonymous
            else _("Sign in again: keynet login, or the registry's own login for {registry}."),
            registry=registry,
        ),
        _later(retry_after(headers.get("retry-after"))),
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
    kind = RegistryDenied if status in _DENIED else NotFound if status == 404 else RegistryError
    temporary = status in TEMPORARY_STATUSES
    return kind(message, hint, status=status, code=said.code, temporary=temporary, said=said.text)


def _later(wait_s: float | None) -> str:
    """Return when to try again, in the unit that people would use."""
    if wait_s is None or wait_s > _LONGEST_WAIT_S:
        return _("Try again later.")
    if wait_s < 2 * _MINUTE_S:
        return fill(_("Try again in {wait} seconds."), wait=ceil(wait_s))
    if wait_s < 2 * _HOUR_S:
        return fill(_("Try again in {wait} minutes."), wait=ceil(wait_s / _MINUTE_S))
    if wait_s < 2 * _DAY_S:
        return fill(_("Try again in {wait} hours."), wait=ceil(wait_s / _HOUR_S))
    return fill(_("Try again in {wait} days."), wait=ceil(wait_s / _DAY_S))
