"""Who may do what in the sandbox's registry."""

import base64
import json
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from keynet.sandbox import authority, registry_tokens
from tests.tables import table

ROBOT = "robot$550e8400e29b41d4a716446655440000"


@table(
    ("scope", "account", "actions"),
    [
        ("repository:kitech-model/key:pull,push", ROBOT, ["pull", "push"]),
        ("repository:kitech-model/key:pull,push", None, None),
        ("repository:kitech-model/a/b:delete,pull", ROBOT, ["pull"]),
        ("repository:kitech-model-evil/key:push", ROBOT, None),
        ("repository:kitech-model:push", ROBOT, None),
        ("repository:other/key:pull,push", ROBOT, None),
        ("repository:library/python:pull,push", ROBOT, ["pull"]),
        ("repository:library/python:pull", None, ["pull"]),
        ("repository:library/python:*", None, None),
        ("registry:catalog:*", ROBOT, None),
        ("registry:catalog:*", registry_tokens.ADMIN, ["*"]),
        (
            "repository:library/python:pull,push,delete",
            registry_tokens.ADMIN,
            ["pull", "push", "delete"],
        ),
        ("repository(plugin):kitech-model/key:push", ROBOT, ["push"]),
        ("nonsense", registry_tokens.ADMIN, None),
        ("", registry_tokens.ADMIN, None),
    ],
)
def test_a_scope_is_granted_as_far_as_the_account_goes(
    scope: str, account: str | None, actions: list[str] | None
) -> None:
    access = registry_tokens.granted([scope], account)
    assert [entry["actions"] for entry in access] == ([] if actions is None else [actions])


def test_several_scopes_are_decided_one_by_one() -> None:
    scopes = ["repository:kitech-model/a:push repository:x/y:pull", "repository:library/z:pull"]
    assert [entry["name"] for entry in registry_tokens.granted(scopes, ROBOT)] == [
        "kitech-model/a",
        "library/z",
    ]


def test_a_token_is_signed_by_the_certificate_it_carries(tmp_path: Path) -> None:
    signer = authority.token_signer(tmp_path)
    token = registry_tokens.sign(
        signer, ROBOT, [{"type": "repository", "name": "a", "actions": ["pull"]}]
    )
    signed, _dot, signature = token.rpartition(".")
    header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
    certificate = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
    raw = _decoded(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    assert claims["sub"] == ROBOT
    assert claims["exp"] - claims["iat"] == registry_tokens.LIFE_S
    assert authority.token_signer(tmp_path).certificate == certificate


def test_keys_are_for_the_user_alone_and_a_new_address_gets_a_new_certificate(
    tmp_path: Path,
) -> None:
    first, ca = authority.server_certificate(tmp_path, "127.0.0.1")
    again, same_ca = authority.server_certificate(tmp_path, "127.0.0.1")
    other, _ca = authority.server_certificate(tmp_path, "127.0.0.2")
    assert first.certificate == again.certificate
    assert ca == same_ca
    assert other.certificate != first.certificate
    assert {p.stat().st_mode & 0o777 for p in tmp_path.glob("*.key")} == {0o600}


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
