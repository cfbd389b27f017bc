"""The private folder of a command of podman's or buildah's."""

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from keynet.errors import UsageError
from keynet.plan import RegistryAccess
from keynet.runtime.engines.podman_like.podman_login import private_auth
from keynet.secret import Secret
from tests.unit.conftest import Machine

ROBOT = RegistryAccess("harbor.example.com", "robot$x", Secret("password-of-robot"))
ENTRY = {"auth": base64.b64encode(b"robot$x:password-of-robot").decode()}


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _config(access: RegistryAccess = ROBOT) -> dict[str, Any]:
    with private_auth(access) as auth:
        loaded: dict[str, Any] = json.loads(auth.authfile.read_text())
    return loaded


@pytest.fixture
def docker(machine: Machine) -> Path:
    return machine.home / ".docker"


@pytest.mark.usefixtures("machine")
def test_folder_is_private_and_goes_also_after_an_error() -> None:
    folders: list[Path] = []

    def look_and_fail() -> None:
        with private_auth(ROBOT) as auth:
            folders.append(auth.authfile.parent)
            assert stat.S_IMODE(auth.authfile.parent.stat().st_mode) == 0o700
            assert stat.S_IMODE(auth.authfile.stat().st_mode) == 0o600
            raise KeyError

    with pytest.raises(KeyError):
        look_and_fail()
    assert not folders[0].exists()


def test_users_own_entries_stay_and_harbors_wins(
    machine: Machine, docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(docker / "config.json", {"auths": {"hub": {"auth": "docker"}, "a": {"auth": "docker"}}})
    config = machine.home / ".config/containers/auth.json"
    _write(config, {"auths": {"a": {"auth": "containers"}, ROBOT.host: {"auth": "old"}}})
    explicit = machine.home / "explicit.json"
    _write(explicit, {"auths": {"b": {"auth": "explicit"}}})
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(explicit))
    assert _config()["auths"] == {
        "hub": {"auth": "docker"},
        "a": {"auth": "containers"},
        "b": {"auth": "explicit"},
        ROBOT.host: ENTRY,
    }


def test_logins_in_the_runtime_folder_are_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = machine.home / "run"
    _write(runtime / "containers/auth.json", {"auths": {"c": {"auth": "runtime"}}})
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    assert _config()["auths"]["c"] == {"auth": "runtime"}


def test_helpers_for_that_host_are_left_out(docker: Path) -> None:
    _write(
        docker / "config.json",
        {"credHelpers": {ROBOT.host: "gcr", "other": "ecr"}, "proxies": {"default": {}}},
    )
    assert _config()["credHelpers"] == {"other": "ecr"}


def test_without_a_user_nothing_is_added(docker: Path) -> None:
    _write(docker / "config.json", {"auths": {"hub": {"auth": "docker"}}})
    access = RegistryAccess("registry.invalid")
    assert _config(access) == {"auths": {"hub": {"auth": "docker"}}}


@pytest.mark.usefixtures("machine")
def test_docker_hub_has_its_plain_name() -> None:
    assert list(_config(RegistryAccess("docker.io", "me", Secret("x" * 8)))["auths"]) == [
        "docker.io"
    ]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"auths": []}', '{"auths": null}'])
def test_a_broken_file_of_the_users_counts_as_empty(docker: Path, content: str) -> None:
    docker.mkdir()
    (docker / "config.json").write_text(content)
    assert _config()["auths"] == {ROBOT.host: ENTRY}


def test_private_ca_lies_alone_in_its_folder(machine: Machine) -> None:
    ca = machine.home / "ca.pem"
    ca.write_text("PEM")
    with private_auth(RegistryAccess("127.0.0.1:5000", ca_cert=ca)) as auth:
        assert auth.cert_dir is not None
        assert [path.name for path in auth.cert_dir.iterdir()] == ["ca.crt"]
        assert (auth.cert_dir / "ca.crt").read_text() == "PEM"
        assert not auth.insecure


def test_a_missing_ca_is_named(machine: Machine) -> None:
    missing = machine.home / "no.pem"
    with (
        pytest.raises(UsageError, match=r"no\.pem"),
        private_auth(RegistryAccess("h.example", ca_cert=missing)),
    ):
        pass


@pytest.mark.parametrize(
    ("host", "insecure"),
    [("127.0.0.1:5000", True), ("harbor.example.com", False), ("localhost:5000", True)],
)
@pytest.mark.usefixtures("machine")
def test_loopback_may_be_plain_http(host: str, *, insecure: bool) -> None:
    with private_auth(RegistryAccess(host)) as auth:
        assert auth.insecure is insecure


@pytest.mark.parametrize("as_file", [False, True])
def test_logins_of_the_variable_are_there_and_harbors_wins(
    docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_file: bool
) -> None:
    _write(
        docker / "config.json",
        {"auths": {"hub": {"auth": "docker"}, "a": {"auth": "docker"}}, "credHelpers": {"a": "x"}},
    )
    auths = {"a": {"auth": "variable"}, ROBOT.host: {"auth": "old"}}
    content = json.dumps({"auths": auths, "credHelpers": {"b": "ecr"}})
    if as_file:
        (tmp_path / "file").write_text(content)
        content = str(tmp_path / "file")
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", content)
    config = _config()
    assert config["auths"] == {
        "hub": {"auth": "docker"},
        "a": {"auth": "variable"},
        ROBOT.host: ENTRY,
    }
    assert config["credHelpers"] == {"b": "ecr"}


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("content", ["", "{", "[]", '{"auths": []}', "/nowhere/at/all"])
def test_a_broken_variable_counts_as_empty(monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", content)
    assert _config()["auths"] == {ROBOT.host: ENTRY}
