"""Token servers: the request for a token, and what is a token in the answer. Pure.

Source: distribution, "Token Authentication Specification", "OAuth2 Token Authentication".
"""

import base64
import codecs
import json
from typing import Any, Final
from urllib.parse import urlencode

from keynet.errors import RegistryError
from keynet.frozen import frozen
from keynet.net import server_words
from keynet.net.sign_in import Challenge
from keynet.registry.address import with_query
from keynet.registry.auth.credential_sources import Credential
from keynet.registry.http.exchange import Answer, Call
from keynet.secret import Secret
from keynet.text import _, fill, printable

__all__ = ["GrantedToken", "basic_header", "get_call", "holds_token", "post_call", "read_token"]

# The token specification's default, and a margin so that no token expires on its way.
_LIFETIME_S: Final = 60.0
_MARGIN_S: Final = 5.0
_LONGEST_TOKEN: Final = 64 * 1024
# The user name that docker's helpers give an identity token.
_IDENTITY_USER: Final = "<token>"
_LONGEST_TEXT: Final = 300
# Where the answer of a token server explains a refusal: OAuth2, Docker Hub, and many others.
_EXPLANATIONS: Final = ("error_description", "message", "details", "detail", "error")


@frozen
class GrantedToken:
    """A token, and for how many seconds from the request on it is used."""

    text: str
    life_s: float


def basic_header(credential: Credential) -> Secret:
    """Return the ``Authorization`` header for user and password; an identity token is one."""
    username = credential.username
    if credential.identity and not username:
        username = _IDENTITY_USER
    text = f"{username}:{credential.password.reveal()}"
    # A password that is not UTF-8 goes to the registry as it was stored.
    return Secret("Basic " + base64.b64encode(text.encode(errors="surrogateescape")).decode())


def get_call(challenge: Challenge, scopes: frozenset[str], credential: Credential | None) -> Call:
    """Return the request for a token by GET, anonymous or with Basic credentials."""
    url = challenge.parameters.get("realm", "")
    service = challenge.parameters.get("service", "")
    if service:
        url = with_query(url, service=service)
    for scope in sorted(scopes):
        url = with_query(url, scope=scope)
    if credential is None:
        return Call("GET", url)
    return Call("GET", url, {"Authorization": basic_header(credential).reveal()})


def post_call(challenge: Challenge, scopes: frozenset[str], credential: Credential) -> Call:
    """Return the request for a token by POST, in exchange for an identity token."""
    form = {
        "grant_type": "refresh_token",
        "service": challenge.parameters.get("service", ""),
        "client_id": "keynet",
        "scope": " ".join(sorted(scopes)),
        "refresh_token": credential.password.reveal(),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Call("POST", challenge.parameters.get("realm", ""), headers, urlencode(form).encode())


def holds_token(answer: Answer) -> bool:
    """Report whether a token server granted a token."""
    return 200 <= answer.status < 300 and bool(_token(_fields(answer.body)))


def read_token(answer: Answer, registry: str, server: str) -> GrantedToken:
    """Return the token of a successful answer; what is odd about its lifetime is ignored.

    Args:
        server: The token server's URL, safe to show.

    Raises:
        RegistryError: There is no token in it; with the server's own words.
    """
    fields = _fields(answer.body)
    text = _token(fields)
    if text:
        return GrantedToken(text, _life_s(fields.get("expires_in")))
    words = _words(fields) if fields else _unreadable(answer.body)
    raise RegistryError(
        fill(
            _("The token server {server} of {registry} answered {status} without a token{words}."),
            server=server,
            registry=registry,
            status=answer.status,
            words=f": {words}" if words else "",
        ),
        _(
            "Check the user name and password. If they are right, the address may be that of a "
            "proxy or a sign-in page: ask the registry's owner."
        ),
        status=answer.status,
    )


def _fields(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body.removeprefix(codecs.BOM_UTF8))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _token(fields: dict[str, Any]) -> str:
    for name in ("token", "access_token"):
        text = fields.get(name)
        text = text.strip() if isinstance(text, str) else ""
        if 0 < len(text) <= _LONGEST_TOKEN and text.isascii() and text.isprintable():
            return text
    return ""


def _life_s(stated: object) -> float:
    """Return how long a token is used: less than the server says, so that none expires on its way.

    Servers say 0, -1, null or text for a lifetime that they do not limit.
    """
    try:
        lifetime = float(stated) if isinstance(stated, int | float | str) else 0.0
    except (ValueError, OverflowError):
        lifetime = 0.0
    if not lifetime > 0 or isinstance(stated, bool):
        lifetime = _LIFETIME_S
    return max(lifetime - _MARGIN_S, lifetime / 2)


def _unreadable(body: bytes) -> str:
    page = server_words.page(body)
    if page:
        return fill(_("the answer is not JSON with a token in it but a page: {page}"), page=page)
    return _("the answer is not JSON with a token in it")


def _words(fields: dict[str, Any]) -> str:
    """Return the explanation in an answer, safe to show; "" when there is none."""
    errors = fields.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        fields = {**fields, **errors[0]}
    for name in _EXPLANATIONS:
        text = fields.get(name)
        if isinstance(text, str) and text.strip():
            return printable(text.strip().rstrip("."), _LONGEST_TEXT)
    return ""
