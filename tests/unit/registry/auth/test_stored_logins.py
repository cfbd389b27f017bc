"""Credentials that other programs stored are found in order, and by exact names only."""

import asyncio
import base64
import gc
import json
import os
import time
from pathlib import Path

import pytest

from keynet.errors import UsageError
from keynet.registry.auth.credential_helper import ask_helper
from keynet.registry.auth.credential_sources import Credential
from keynet.registry.auth.stored_logins import AuthFile, default_sources
from keynet.secret import Secret
from tests.tables import table


def entry(user: str = "user", password: str = "pass:word") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def write(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def find(path: Path, registry: str, repository: str = "") -> Credential | None:
    return asyncio.run(AuthFile(path, helper_timeout_s=60).find(registry, repository))


@table(
    "key",
    [
        *("registry.test:5000", "https://registry.test:5000", "https://registry.test:5000/v2/"),
        *("Registry.TEST:5000", "HTTPS://REGISTRY.test:5000/"),
    ],
)
def test_an_entry_is_found_by_its_exact_host(tmp_path: Path, key: str) -> None:
    path = write(tmp_path / "auth.json", {"auths": {key: entry()}})
    assert find(path, "registry.test:5000") == Credential("user", Secret("pass:word"))
    for other in ("registry.test", "registry.test:500", "registry.test:50000", "test:5000"):
        assert find(path, other) is None


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_docker_hub_is_found_by_its_old_names(tmp_path: Path, key: str) -> None:
    path = write(tmp_path / "config.json", {"auths": {key: entry()}})
    assert find(path, "docker.io") is not None
    assert find(path, "registry.test") is None


def test_the_namespace_nearest_to_the_repository_goes_first(tmp_path: Path) -> None:
    auths = {"r.test": entry("host"), "r.test/team": entry("team"), "r.test/team/app": entry("app")}
    path = write(tmp_path / "auth.json", {"auths": auths})
    for repository, user in (
        ("team/app", "app"),
        ("team/app/x", "app"),
        ("team/apple", "team"),
        ("teams/app", "host"),
        ("", "host"),
    ):
        found = find(path, "r.test", repository)
        assert found is not None
        assert found.username == user


def test_an_identity_token_is_told_from_a_password(tmp_path: Path) -> None:
    content = {"auths": {"r.test": {**entry("u", ""), "identitytoken": "idt"}}}
    found = find(write(tmp_path / "c.json", content), "r.test")
    assert found == Credential("u", Secret("idt"), identity=True)


def paths(environment: dict[str, str]) -> list[Path]:
    return [source.path for source in default_sources(environment) if isinstance(source, AuthFile)]


def test_places_are_asked_in_order(tmp_path: Path) -> None:
    environment = {
        "REGISTRY_AUTH_FILE": str(tmp_path / "own.json"),
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "DOCKER_CONFIG": str(tmp_path / "docker"),
        "HOME": str(tmp_path),
    }
    places = [
        tmp_path / "own.json",
        tmp_path / "run/containers/auth.json",
        tmp_path / "config/containers/auth.json",
        tmp_path / "docker/config.json",
        tmp_path / ".dockercfg",
    ]
    assert paths(environment) == places
    bare = paths({"HOME": str(tmp_path)})
    assert bare == [
        Path(f"/run/containers/{os.getuid()}/auth.json"),
        tmp_path / ".config/containers/auth.json",
        tmp_path / ".docker/config.json",
        tmp_path / ".dockercfg",
    ]


@table("content", ["{", "[]", '{"auths": 3}', '{"auths": {"r.test": 5}}'])
def test_a_broken_file_is_named_and_its_secrets_are_not_shown(tmp_path: Path, content: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(content)
    with pytest.raises(UsageError, match=str(path)):
        find(path, "r.test")


def test_an_entry_that_is_no_base64_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "auth.json", {"auths": {"r.test": {"auth": "hunter2!"}}})
    with pytest.raises(UsageError) as caught:
        find(path, "r.test")
    assert "r.test" in str(caught.value)
    assert "hunter2" not in str(caught.value)


@table("content", ["", "{}", '{"auths": null}', '{"auths": {"r.test": {}}}'])
def test_an_empty_file_holds_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "auth.json"
    path.write_text(content)
    assert find(path, "r.test") is None
    assert find(tmp_path / "absent.json", "r.test") is None


def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "docker-credential-fake"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


SAYS = 'read server; echo "{\\"Username\\": \\"$1\\", \\"Secret\\": \\"for $server\\"}"'


@pytest.mark.parametrize("how", ["credsStore", "credHelpers"])
def test_a_helper_is_asked_on_its_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    helper(tmp_path, monkeypatch, SAYS)
    named = {"credsStore": "fake"} if how == "credsStore" else {"credHelpers": {"r.test": "fake"}}
    path = write(tmp_path / "config.json", {**named, "auths": {"r.test": {}}})
    assert find(path, "r.test") == Credential("get", Secret("for r.test"))
    if how == "credHelpers":
        assert find(path, "other.test") is None


def test_a_helper_does_not_see_keynets_own_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is any program that the user's configuration of docker names."""
    monkeypatch.setenv("KEYNET_API_TOKEN", "token-of-the-platform")
    monkeypatch.setenv("KEYNET_HARBOR_PASSWORD", "password-of-the-robot")
    monkeypatch.setenv("AWS_PROFILE", "its-own")
    helper(tmp_path, monkeypatch, f"env > {tmp_path}/seen; {SAYS}")
    path = write(tmp_path / "config.json", {"credsStore": "fake", "auths": {"r.test": {}}})
    assert find(path, "r.test") is not None
    seen = (tmp_path / "seen").read_text()
    assert "AWS_PROFILE=its-own" in seen
    assert not [word for word in ("KEYNET_", "of-the-platform", "of-the-robot") if word in seen]


def test_a_helper_knows_docker_hub_by_its_old_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, SAYS)
    path = write(tmp_path / "config.json", {"credsStore": "fake"})
    found = find(path, "docker.io")
    assert found is not None
    assert found.password.reveal() == "for https://index.docker.io/v1/"


def test_a_helper_may_hold_an_identity_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, """echo '{"Username": "<token>", "Secret": "idt"}'""")
    path = write(tmp_path / "config.json", {"credsStore": "fake"})
    assert find(path, "r.test") == Credential("", Secret("idt"), identity=True)


def test_a_helper_that_holds_nothing_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, "echo credentials not found in native keychain; exit 1")
    assert find(write(tmp_path / "c.json", {"credsStore": "fake"}), "r.test") is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "says", "seconds"),
    [
        ("echo keychain is locked; exit 1", "keychain is locked", 60),
        ("echo no json", "not a credential", 60),
        ("exit 3", "it failed", 60),
        ("sleep 600 & sleep 600", "in time", 1),
        ("head -c 10000000 /dev/zero", "not a credential", 60),
    ],
)
def test_a_helper_that_fails_is_named_in_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, says: str, seconds: float
) -> None:
    helper(tmp_path, monkeypatch, script)
    path = write(tmp_path / "c.json", {"credsStore": "fake"})
    since = time.monotonic()
    with pytest.raises(UsageError, match=says) as caught:
        asyncio.run(AuthFile(path, helper_timeout_s=seconds).find("r.test", ""))
    assert "docker-credential-fake" in str(caught.value)
    assert time.monotonic() - since < 120


@pytest.mark.slow
def test_a_helper_that_does_not_listen_leaves_no_exception_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    helper(
        tmp_path, monkeypatch, 'exec <&-; echo "{\\"Username\\": \\"u\\", \\"Secret\\": \\"s\\"}"'
    )
    # Whether the program or the write comes first is chance.
    for size in (1, 100_000) * 15:
        found = asyncio.run(ask_helper("fake", "r.test" * size, 10))
        assert found == Credential("u", Secret("s"))
        gc.collect()
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []


def test_a_missing_helper_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "c.json", {"credsStore": "not-installed-anywhere"})
    with pytest.raises(UsageError, match="docker-credential-not-installed-anywhere"):
        find(path, "r.test")


@table("name", ["../evil", "a/b", "-x", "a b", "x" * 99])
def test_a_helper_name_that_is_a_path_is_refused(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "c.json", {"credsStore": name})
    with pytest.raises(UsageError, match="not a valid program name"):
        find(path, "r.test")
