"""Bearer tokens at the registry: what each request needs, and which tokens count."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from keynet.sandbox import authority, registry_tokens
from keynet.sandbox.registry.access import TokenGuard
from tests.unit.sandbox.registry.conftest import Desk, Open, code, digest_of

REALM = "https://r.test/service/token"


@pytest.fixture
def guard(tmp_path: Path) -> TokenGuard:
    return TokenGuard(REALM, authority.token_signer(tmp_path))


@pytest.fixture
def desk(open_desk: Open, guard: TokenGuard) -> Desk:
    return open_desk(guard)


def token(guard: TokenGuard, *granted: str) -> dict[str, str]:
    """Return the header of a token for scopes such as ``some/app:pull,push``."""
    access: list[dict[str, Any]] = []
    for scope in granted:
        name, _colon, actions = scope.rpartition(":")
        kind = "registry" if name == "catalog" else "repository"
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    return {"Authorization": f"Bearer {registry_tokens.sign(guard.signer, 'someone', access)}"}


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v2/", ""),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
        ("GET", "/v2/some/app/tags/list", "repository:some/app:pull"),
        ("HEAD", "/v2/some/app/manifests/latest", "repository:some/app:pull"),
        ("GET", f"/v2/some/app/referrers/{digest_of(b'')}", "repository:some/app:pull"),
        ("GET", f"/v2/some/app/blobs/{digest_of(b'')}", "repository:some/app:pull"),
        ("POST", "/v2/some/app/blobs/uploads/", "repository:some/app:pull,push"),
        ("PATCH", "/v2/some/app/blobs/uploads/x", "repository:some/app:pull,push"),
        ("PUT", "/v2/some/app/manifests/latest", "repository:some/app:pull,push"),
        ("DELETE", "/v2/some/app/manifests/latest", "repository:some/app:delete"),
        ("DELETE", f"/v2/some/app/blobs/{digest_of(b'')}", "repository:some/app:delete"),
    ],
)
def test_each_request_asks_for_the_token_it_needs(
    desk: Desk, guard: TokenGuard, method: str, path: str, scope: str
) -> None:
    answer = desk.ask(method, path)
    assert answer.status_code == 401
    challenge = f'Bearer realm="{REALM}",service="{registry_tokens.SERVICE}"'
    challenge += f',scope="{scope}"' if scope else ""
    assert answer.headers["www-authenticate"] == challenge
    other = desk.ask(method, path, headers=token(guard, "other/app:pull,push,delete"))
    assert other.status_code == (401 if scope else 200)
    if scope:
        assert "insufficient_scope" in other.headers["www-authenticate"]


def test_reading_is_not_writing(desk: Desk, guard: TokenGuard) -> None:
    begin = "/v2/some/app/blobs/uploads/"
    assert desk.ask("POST", begin, headers=token(guard, "some/app:pull")).status_code == 401
    assert desk.ask("POST", begin, headers=token(guard, "some/app:push")).status_code == 202
    assert desk.ask("POST", begin, headers=token(guard, "some/app:pull,push")).status_code == 202


def test_a_mount_needs_the_right_to_read_the_source(desk: Desk, guard: TokenGuard) -> None:
    digest = digest_of(b"secret")
    path = f"/v2/source/app/blobs/uploads/?digest={digest}"
    assert desk.ask("POST", path, b"secret", token(guard, "source/app:push")).status_code == 201
    mount = f"/v2/some/app/blobs/uploads/?mount={digest}&from=source/app"
    assert desk.ask("POST", mount, headers=token(guard, "some/app:push")).status_code == 202
    both = token(guard, "some/app:push", "source/app:pull")
    assert desk.ask("POST", mount, headers=both).status_code == 201


@pytest.mark.medium
def test_a_mount_without_a_source_takes_it_from_what_may_be_read(
    open_desk: Open, guard: TokenGuard
) -> None:
    desk, digest = open_desk(guard, mount_without_source=True), digest_of(b"shared")
    path = f"/v2/source/app/blobs/uploads/?digest={digest}"
    assert desk.ask("POST", path, b"shared", token(guard, "source/app:push")).status_code == 201
    mount = f"/v2/some/app/blobs/uploads/?mount={digest}"
    assert desk.ask("POST", mount, headers=token(guard, "some/app:push")).status_code == 202
    both = token(guard, "some/app:push", "source/app:pull")
    assert desk.ask("POST", mount, headers=both).status_code == 201


def forged(guard: TokenGuard, header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in (header, claims)
    ]
    return b".".join([*parts, b""]).decode()


def test_a_token_that_this_signer_did_not_make_is_none(
    desk: Desk, guard: TokenGuard, tmp_path: Path
) -> None:
    access = [{"type": "repository", "name": "some/app", "actions": ["pull", "push"]}]
    now = int(time.time())
    claims: dict[str, Any] = {"nbf": now - 10, "exp": now + 100, "access": access}
    claims |= {"iss": registry_tokens.ISSUER, "aud": registry_tokens.SERVICE}
    (tmp_path / "other").mkdir()
    other = registry_tokens.sign(authority.token_signer(tmp_path / "other"), "x", access)
    good = registry_tokens.sign(guard.signer, "x", access)
    head, body, signature = good.split(".")
    for wrong in (
        other,
        forged(guard, {"alg": "none"}, claims),
        f"{head}.{body}x.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        "é",
        "",
        "a.b.c.d",
        "." * 100_000,
    ):
        sent = {"Authorization": f"Bearer {wrong}".encode()}
        answer = desk.ask("GET", "/v2/some/app/tags/list", headers=sent)  # type: ignore[arg-type]
        assert (answer.status_code, code(answer)) == (401, "UNAUTHORIZED")
    assert registry_tokens.verified(guard.signer, good) == access


def test_a_token_runs_out(desk: Desk, guard: TokenGuard, monkeypatch: pytest.MonkeyPatch) -> None:
    header = token(guard, "some/app:pull")
    assert desk.ask("GET", "/v2/", headers=header).status_code == 200
    later = time.time() + registry_tokens.LIFE_S + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert desk.ask("GET", "/v2/", headers=header).status_code == 401
