"""An engine is tried anew where something that decides how it runs has changed, and only there."""

import hashlib
import json
import os
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from keynet.runtime.engine import Unusable, WorkingEngine
from keynet.runtime.engines.docker import docker_host
from keynet.runtime.engines.docker.docker_args import Invocation as DockerInvocation
from keynet.runtime.engines.engine_candidates import engines
from keynet.runtime.engines.podman_like import podman_host
from keynet.runtime.engines.podman_like.dialect import Invocation
from keynet.runtime.probing.candidate import EngineCandidate
from tests.unit.conftest import Machine


@dataclass
class Tried:
    """A candidate whose trial gives ``found`` and is counted."""

    name: str
    found: tuple[WorkingEngine, Any] | Unusable
    settings: Callable[[], Iterable[object]]
    trials: int = field(default=0)

    @property
    def candidate(self) -> EngineCandidate:
        real = next(each for each in engines() if each.name == self.name)
        assert isinstance(real, EngineCandidate)
        return EngineCandidate(
            self.name, self.settings, self._trial, real.restore, real.commands, real.advice
        )

    def found_again(self) -> bool:
        """Report whether what was found holds without a new trial."""
        before = self.trials
        remembered = self.candidate.remembered()
        assert self.trials == before
        if remembered is None:
            return False
        wanted = self.found if isinstance(self.found, Unusable) else self.found[0]
        found = remembered if isinstance(remembered, Unusable) else remembered.engine
        assert found == wanted
        return True

    def _trial(self) -> tuple[WorkingEngine, Any] | Unusable:
        self.trials += 1
        return self.found


def _buildah(endpoint: str = "") -> Tried:
    engine = WorkingEngine("buildah", "1.28.2", "buildah 1.28.2", endpoint=endpoint)
    invocation = Invocation("/usr/bin/buildah", isolation="chroot", ulimits=("nofile=1:1",))
    return Tried("buildah", (engine, invocation), podman_host.settings)


def _docker() -> Tried:
    engine = WorkingEngine("docker", "26.1.5", "docker 26.1.5")
    return Tried("docker", (engine, DockerInvocation("d", "buildx")), docker_host.settings)


def _entry(machine: Machine) -> Path:
    [path] = (machine.home / ".cache/keynet/engines").iterdir()
    return path


@pytest.mark.usefixtures("machine")
def test_what_was_found_is_the_same_builder_again() -> None:
    for tried in (_buildah(), _docker()):
        assert tried.candidate.remembered() is None
        first = tried.candidate.probe()
        assert tried.candidate.remembered() == first
        assert tried.trials == 1
        assert not isinstance(first, Unusable)
        assert not isinstance(tried.found, Unusable)
        assert first.engine == tried.found[0]
        assert first.invocation == tried.found[1]  # type: ignore[attr-defined]


def test_a_remembered_engine_is_forgotten_when_the_program_or_its_settings_change(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = machine.install("buildah").install()
    tried = _buildah()
    tried.candidate.probe()
    os.utime(program, (1, 1))
    assert not tried.found_again()
    tried.candidate.probe()
    monkeypatch.setenv("STORAGE_DRIVER", "vfs")
    assert not tried.found_again()
    monkeypatch.delenv("STORAGE_DRIVER")
    assert tried.found_again()


@pytest.mark.usefixtures("machine")
def test_settings_used_in_turn_are_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    works = _docker()
    refused = Tried("docker", Unusable("docker", "r", "f"), docker_host.settings)
    for host, tried in (("unix:///a", works), ("unix:///b", refused)):
        monkeypatch.setenv("DOCKER_HOST", host)
        tried.candidate.probe()
    assert refused.found_again()
    monkeypatch.setenv("DOCKER_HOST", "unix:///a")
    assert works.found_again()


def test_a_login_of_dockers_costs_no_new_trial_but_another_context_does(
    machine: Machine,
) -> None:
    config = machine.home / ".docker/config.json"
    config.parent.mkdir()
    config.write_text("{}")
    tried = _docker()
    tried.candidate.probe()
    config.write_text('{"auths": {"registry.example.com": {"auth": "x"}}}')
    assert tried.found_again()
    config.write_text('{"currentContext": "elsewhere"}')
    assert not tried.found_again()
    tried.candidate.probe()
    place = hashlib.sha256(b"elsewhere").hexdigest()
    meta = config.parent / "contexts/meta" / place / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text("another address")
    assert not tried.found_again()


def test_a_setting_in_a_file_that_a_variable_names_counts(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = machine.home / "storage.conf"
    conf.write_text('driver = "overlay"')
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(conf))
    tried = _buildah()
    tried.candidate.probe()
    assert tried.found_again()
    conf.write_text('driver = "vfs"')
    assert not tried.found_again()


def test_a_changed_builder_of_buildx_costs_a_new_trial(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDX_BUILDER", "far")
    instance = machine.home / ".docker/buildx/instances/far"
    instance.parent.mkdir(parents=True)
    instance.write_text("{}")
    tried = _docker()
    tried.candidate.probe()
    instance.write_text('{"Driver": "remote"}')
    assert not tried.found_again()


@pytest.mark.usefixtures("machine")
def test_a_daemon_that_came_or_went_costs_a_new_trial(tmp_path: Path) -> None:
    endpoint = f"unix://{tmp_path}/daemon.sock"
    works = _buildah(endpoint)
    refused = Tried("podman", Unusable("podman", "r", "f", endpoint), podman_host.settings)
    works.candidate.probe()
    refused.candidate.probe()
    assert not works.found_again()
    assert refused.found_again()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "daemon.sock"))
        server.listen()
        assert works.found_again()
        assert not refused.found_again()


@pytest.mark.parametrize("invocation", [{}, {"binary": "b", "mode": "m", "unknown": 1}, {"x": []}])
@pytest.mark.parametrize("name", ["docker", "buildah"])
def test_an_invocation_that_cannot_be_read_is_found_anew(
    machine: Machine, name: str, invocation: dict[str, object]
) -> None:
    tried = _docker() if name == "docker" else _buildah()
    tried.candidate.probe()
    path = _entry(machine)
    path.write_text(json.dumps({**json.loads(path.read_text()), "invocation": invocation}))
    assert not tried.found_again()
    tried.candidate.probe()
    assert tried.found_again()
