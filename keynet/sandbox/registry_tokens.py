"""Bearer tokens for the sandbox's registry, and the permissions in them.

Source: distribution, "Token Authentication Specification".
"""

import base64
import json
import re
import secrets
import time
from collections.abc import Iterable
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from keynet.sandbox.authority import KeyPair

__all__ = ["ADMIN", "ISSUER", "LIFE_S", "SERVICE", "granted", "sign", "verified"]

SERVICE: Final = "keynet-sandbox-registry"
ISSUER: Final = "keynet-sandbox"
LIFE_S: Final = 600
ADMIN: Final = "admin"
_SCOPE: Final = re.compile(r"([a-z]+)(?:\([a-z]+\))?:(.+):([a-z*,]+)")
_PUSHED: Final = "kitech-model/"
_PUBLIC: Final = "library/"
_SCOPES: Final = 50
_TOKEN_LIMIT: Final = 16_384


def granted(scopes: Iterable[str], account: str | None) -> list[dict[str, Any]]:
    """Return the access granted to an account for the requested scopes.

    As in Harbor, the administrator may do everything, a robot may push and pull below
    ``kitech-model/``, and anyone may pull below ``library/``. Refused actions are left out.
    """
    access = []
    for scope in [scope for value in scopes for scope in value.split()][:_SCOPES]:
        parts = _SCOPE.fullmatch(scope)
        if parts is None:
            continue
        kind, name, wanted = parts.groups()
        allowed = _allowed(kind, name, account)
        actions = [a for a in wanted.split(",") if a in allowed]
        if actions:
            access.append({"type": kind, "name": name, "actions": actions})
    return access


def sign(signer: KeyPair, account: str, access: list[dict[str, Any]]) -> str:
    """Return a JWT that the registry accepts for ``LIFE_S`` seconds."""
    now = int(time.time())
    der = signer.certificate.public_bytes(serialization.Encoding.DER)
    header = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(der).decode()]}
    claims = {
        "iss": ISSUER,
        "sub": account,
        "aud": SERVICE,
        "exp": now + LIFE_S,
        "nbf": now - 10,
        "iat": now,
        "jti": secrets.token_hex(8),
        "access": access,
    }
    signed = b".".join(_base64(json.dumps(part).encode()) for part in (header, claims))
    r, s = decode_dss_signature(signer.key.sign(signed, ec.ECDSA(hashes.SHA256())))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return (signed + b"." + _base64(signature)).decode()


def verified(signer: KeyPair, token: str) -> list[dict[str, Any]] | None:
    """Return the access that a token of this signer grants, None if it is not valid now."""
    try:
        head, body, tail = token[:_TOKEN_LIMIT].encode("ascii").split(b".")
        signature = _bytes(tail)
        numbers = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
        signer.key.public_key().verify(
            encode_dss_signature(*numbers), head + b"." + body, ec.ECDSA(hashes.SHA256())
        )
    except (ValueError, InvalidSignature):
        return None
    # What follows was written by ``sign``.
    claims = json.loads(_bytes(body))
    valid = claims["nbf"] <= time.time() < claims["exp"]
    ours = claims["iss"] == ISSUER and claims["aud"] == SERVICE
    access: list[dict[str, Any]] = claims["access"]
    return access if valid and ours else None


def _allowed(kind: str, name: str, account: str | None) -> set[str]:
    if account == ADMIN:
        return {"pull", "push", "delete", "*"}
    if kind != "repository":
        return set()
    if name.startswith(_PUSHED) and account is not None:
        return {"pull", "push"}
    return {"pull"} if name.startswith(_PUBLIC) else set()


def _base64(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _bytes(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
