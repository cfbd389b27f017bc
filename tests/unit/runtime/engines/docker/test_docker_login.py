"""The private folder of a command of docker's."""

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from keynet.plan import RegistryAccess
from keynet.runtime.engines.docker.docker_args import LEGACY, Invocation, environment
from keynet.runtime.engines.docker.logins.docker_login import private_config
from keynet.secret import Secret
from tests.unit.conftest import Machine

ROBOT = RegistryAccess("harbor.example.com", "robot$x", Secret("password-of-robot"))
ENTRY = {"auth": base64.b64encode(b"robot$x:password-of-robot").decode()}


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _config(access: RegistryAccess = ROBOT) -> dict[str, Any]:
    with private_config(access) as folder:
        assert folder is not None
        loaded: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return loaded


@pytest.fixture
def docker(machine: Machine) -> Path:
    return machine.home / ".docker"


@pytest.mark.usefixtures("machine")
def test_folder_is_private_and_goes_also_after_an_error() -> None:
    folders: list[Path] = []

    def look_and_fail() -> None:
        with private_config(ROBOT) as folder:
            assert folder is not None
            folders.append(folder)
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            assert stat.S_IMODE((folder / "config.json").stat().st_mode) == 0o600
            raise KeyError

    with pytest.raises(KeyError):
        look_and_fail()
    assert not folders[0].exists()


def test_without_access_docker_uses_the_users_own(docker: Path) -> None:
    _write(docker / "config.json", {"auths": {"hub": {"auth": "docker"}}})
    with private_config(None) as folder:
        assert folder is None


def test_users_own_entries_stay_and_harbors_wins(docker: Path) -> None:
    own = {"hub": {"auth": "docker"}, ROBOT.host: {"auth": "old"}}
    _write(docker / "config.json", {"auths": own})
    assert _config()["auths"] == {"hub": {"auth": "docker"}, ROBOT.host: ENTRY}
    assert json.loads((docker / "config.json").read_text()) == {"auths": own}


def test_helpers_for_that_host_are_left_out(docker: Path) -> None:
    _write(
        docker / "config.json",
        {"credHelpers": {ROBOT.host: "gcr", "other": "ecr"}, "proxies": {"default": {}}},
    )
    config = _config()
    assert config["credHelpers"] == {"other": "ecr"}
    assert config["proxies"] == {"default": {}}


def test_a_store_for_all_hosts_does_not_hide_the_entry(docker: Path) -> None:
    _write(docker / "config.json", {"credsStore": "desktop"})
    config = _config()
    assert config["credsStore"] == "desktop"
    assert config["credHelpers"] == {ROBOT.host: ""}


def test_contexts_plugins_and_builders_are_linked(docker: Path) -> None:
    for name in ("contexts", "cli-plugins", "buildx", "machine"):
        (docker / name).mkdir(parents=True)
    (docker / "ca.pem").write_text("ca")
    with private_config(ROBOT) as folder:
        assert folder is not None
        linked = {path.name for path in folder.iterdir() if path.is_symlink()}
        assert linked == {"contexts", "cli-plugins", "buildx", "ca.pem"}
        assert (folder / "contexts").resolve() == (docker / "contexts").resolve()


def test_without_a_user_nothing_is_added(docker: Path) -> None:
    _write(docker / "config.json", {"auths": {"hub": {"auth": "docker"}}})
    access = RegistryAccess("registry.invalid")
    assert _config(access) == {"auths": {"hub": {"auth": "docker"}}}


@pytest.mark.usefixtures("machine")
def test_docker_hub_has_its_own_key() -> None:
    config = _config(RegistryAccess("docker.io", "me", Secret("x" * 8)))
    assert list(config["auths"]) == ["https://index.docker.io/v1/"]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"auths": []}', '{"auths": null}'])
def test_a_broken_file_of_the_users_counts_as_empty(docker: Path, content: str) -> None:
    docker.mkdir()
    (docker / "config.json").write_text(content)
    assert _config()["auths"] == {ROBOT.host: ENTRY}


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


def test_docker_does_not_prefer_the_variable_to_the_private_folder() -> None:
    invocation = Invocation("docker", LEGACY)
    assert environment(invocation, Path("/private"))["DOCKER_AUTH_CONFIG"] == ""
    assert "DOCKER_AUTH_CONFIG" not in environment(invocation, None)
