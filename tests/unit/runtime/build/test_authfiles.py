"""The private folder of a push."""

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from keynet.errors import UsageError
from keynet.plan import RegistryAccess
from keynet.runtime.build.authfiles import registry_auth
from keynet.secret import Secret
from tests.unit.conftest import Machine

ROBOT = RegistryAccess("harbor.example.com", "robot$x", Secret("password-of-robot"))
ENTRY = {"auth": base64.b64encode(b"robot$x:password-of-robot").decode()}


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


@pytest.fixture
def docker(machine: Machine) -> Path:
    return machine.home / ".docker"


def test_folder_is_private_and_goes_also_after_an_error(machine: Machine) -> None:
    folders = []

    def look_and_fail() -> None:
        with registry_auth(ROBOT) as auth:
            folders.append(auth.authfile.parent)
            assert stat.S_IMODE(auth.authfile.parent.stat().st_mode) == 0o700
            for path in (auth.authfile, auth.docker_config / "config.json"):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
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
    with registry_auth(ROBOT) as auth:
        assert _read(auth.authfile)["auths"] == {
            "hub": {"auth": "docker"},
            "a": {"auth": "containers"},
            "b": {"auth": "explicit"},
            ROBOT.host: ENTRY,
        }
        assert _read(auth.docker_config / "config.json")["auths"] == {
            "hub": {"auth": "docker"},
            "a": {"auth": "docker"},
            ROBOT.host: ENTRY,
        }


def test_logins_in_the_runtime_folder_are_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = machine.home / "run"
    _write(runtime / "containers/auth.json", {"auths": {"c": {"auth": "runtime"}}})
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with registry_auth(ROBOT) as auth:
        assert _read(auth.authfile)["auths"]["c"] == {"auth": "runtime"}


def test_helpers_for_that_host_are_left_out(docker: Path) -> None:
    _write(
        docker / "config.json",
        {"credHelpers": {ROBOT.host: "gcr", "other": "ecr"}, "proxies": {"default": {}}},
    )
    with registry_auth(ROBOT) as auth:
        config = _read(auth.docker_config / "config.json")
        assert config["credHelpers"] == {"other": "ecr"}
        assert config["proxies"] == {"default": {}}
        assert _read(auth.authfile)["credHelpers"] == {"other": "ecr"}


def test_a_store_for_all_hosts_does_not_hide_the_entry(docker: Path) -> None:
    _write(docker / "config.json", {"credsStore": "desktop"})
    with registry_auth(ROBOT) as auth:
        config = _read(auth.docker_config / "config.json")
    assert config["credsStore"] == "desktop"
    assert config["credHelpers"] == {ROBOT.host: ""}


def test_contexts_plugins_and_builders_are_linked(docker: Path) -> None:
    for name in ("contexts", "cli-plugins", "buildx", "machine"):
        (docker / name).mkdir(parents=True)
    (docker / "ca.pem").write_text("ca")
    with registry_auth(ROBOT) as auth:
        linked = {path.name for path in auth.docker_config.iterdir() if path.is_symlink()}
        assert linked == {"contexts", "cli-plugins", "buildx", "ca.pem"}
        assert (auth.docker_config / "contexts").resolve() == (docker / "contexts").resolve()


def test_without_a_user_nothing_is_added(docker: Path) -> None:
    _write(docker / "config.json", {"auths": {"hub": {"auth": "docker"}}})
    with registry_auth(RegistryAccess("registry.invalid")) as auth:
        assert _read(auth.authfile) == {"auths": {"hub": {"auth": "docker"}}}
        assert _read(auth.docker_config / "config.json") == {"auths": {"hub": {"auth": "docker"}}}


def test_docker_hub_has_its_own_key(docker: Path) -> None:
    with registry_auth(RegistryAccess("docker.io", "me", Secret("x" * 8))) as auth:
        assert list(_read(auth.docker_config / "config.json")["auths"]) == [
            "https://index.docker.io/v1/"
        ]
        assert list(_read(auth.authfile)["auths"]) == ["docker.io"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"auths": []}', '{"auths": null}'])
def test_a_broken_file_of_the_users_counts_as_empty(docker: Path, content: str) -> None:
    docker.mkdir()
    (docker / "config.json").write_text(content)
    with registry_auth(ROBOT) as auth:
        assert _read(auth.authfile)["auths"] == {ROBOT.host: ENTRY}
        assert _read(auth.docker_config / "config.json")["auths"] == {ROBOT.host: ENTRY}


def test_private_ca_lies_alone_in_its_folder(machine: Machine) -> None:
    ca = machine.home / "ca.pem"
    ca.write_text("PEM")
    with registry_auth(RegistryAccess("127.0.0.1:5000", ca_cert=ca)) as auth:
        assert auth.cert_dir is not None
        assert [path.name for path in auth.cert_dir.iterdir()] == ["ca.crt"]
        assert (auth.cert_dir / "ca.crt").read_text() == "PEM"
        assert not auth.insecure


def test_a_missing_ca_is_named(machine: Machine) -> None:
    missing = machine.home / "no.pem"
    with (
        pytest.raises(UsageError, match=r"no\.pem"),
        registry_auth(RegistryAccess("h.example", ca_cert=missing)),
    ):
        pass


@pytest.mark.parametrize(
    ("host", "insecure"),
    [("127.0.0.1:5000", True), ("harbor.example.com", False), ("localhost:5000", True)],
)
def test_loopback_may_be_plain_http(machine: Machine, host: str, insecure: bool) -> None:
    with registry_auth(RegistryAccess(host)) as auth:
        assert auth.insecure is insecure
