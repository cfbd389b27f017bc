"""Turn a registry's refusal into one of keynet's errors, with a reason and a hint.

Source: OCI distribution-spec, "Error Codes".
"""

from collections.abc import Mapping
from typing import Final

from keynet.errors import NotFound, RegistryDenied, RegistryError
from keynet.net.retry import TEMPORARY_STATUSES, retry_after
from keynet.registry.wire import first_error
from keynet.text import _, fill

__all__ = ["failure"]

_UNAUTHORIZED: Final = 401
_FORBIDDEN: Final = 403


def failure(
    status: int, headers: Mapping[str, str], body: bytes, action: str, registry: str
) -> RegistryError:
    """Return the error for an answer with an unexpected status.

    Args:
        action: What was attempted: ``upload layer sha256:5b1c…``.
        headers: With lower-case names.
    """
    code, detail = first_error(body)
    reason, hint = _reason(status, code, detail, headers, registry)
    details = fill(
        _(" ({status}{code}{detail})"),
        status=status,
        code=f" {code}" if code else "",
        detail=f": {detail}" if detail else "",
    )
    message = fill(
        _("Could not {action} at {registry}: {reason}{details}."),
        action=action,
        registry=registry,
        reason=reason,
        details=details,
    )
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        return RegistryDenied(message, hint, status=status, code=code)
    if status == 404:
        return NotFound(message, hint, status=status, code=code)
    temporary = status in TEMPORARY_STATUSES
    return RegistryError(message, hint, status=status, code=code, temporary=temporary)


def _reason(
    status: int, code: str, detail: str, headers: Mapping[str, str], registry: str
) -> tuple[str, str]:
    login = fill(
        _("Sign in again: keynet login, or the registry's own login for {registry}."),
        registry=registry,
    )
    reason, hint = _("the registry refuses the request"), ""
    match status:
        # Harbor answers 403 DENIED both for missing permission and for a full quota.
        case _ if "quota" in detail.lower() or status == 507:
            reason = _("the project's storage quota is used up")
            hint = _("Delete images that are not needed, or ask the registry's owner for space.")
        case 401:
            reason = _("the registry refuses the credentials: wrong, expired or revoked")
            hint = login
        case 403:
            reason = _("the account lacks the permission, was revoked, or its quota is used up")
            hint = login
        case 404:
            reason = _("it does not exist")
            hint = _("Check the name, the tag and the registry.")
        case 405 | 501:
            reason = _("the registry does not allow this operation")
            hint = _("Ask the registry's owner to allow it (deletion is often disabled).")
        case 412:
            reason = _("the tag is immutable and already in use")
            hint = _("Choose another tag, or ask the project's owner to lift the rule.")
        case 413:
            reason = _("it is too large for the registry")
            hint = _("Ask the registry's owner to raise the limit on the size of requests.")
        case 429:
            reason = _("the registry throttles requests")
            wait_s = retry_after(headers.get("retry-after"))
            hint = _("Try again later.")
            if wait_s is not None:
                hint = fill(_("Try again in {wait:.0f} seconds."), wait=wait_s)
        case _ if status >= 500:
            reason = _("the registry failed")
            hint = _("Try again later; the registry's own log has the cause.")
        case _ if 300 <= status < 400:
            reason = _("the registry redirects to an unexpected place")
            hint = _("Check the registry's URL.")
    return reason, hint
