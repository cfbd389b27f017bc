"""What docker says of itself, and a daemon that hangs or is not there."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from keynet.runtime.engine import Unusable
from keynet.runtime.engines.docker import docker_report
from keynet.runtime.probing.engine_report import EngineReport
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine

INFO = (Path(__file__).parents[4] / "fakes/engine_output/info-debian-12-docker.json").read_text()
VERSIONS = json.dumps({"Client": {"Version": "20.10.1"}, "Server": {"Version": "20.10.24"}})


def _docker(machine: Machine, endpoint: str, *answers: Answer) -> None:
    context = Answer("context inspect *", f"{endpoint}\n")
    machine.install("docker", Answer("--version", "Docker version 26.1.5, build 1"), context,
                    *answers)  # fmt: skip


@pytest.fixture
def listening(short_runtime: Path) -> Iterator[str]:
    path = short_runtime / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield f"unix://{path}"


@pytest.mark.medium
def test_client_and_daemon_are_asked(machine: Machine, listening: str) -> None:
    _docker(machine, listening, Answer("version *", VERSIONS), Answer("info *", INFO))
    found = docker_report.report()
    assert isinstance(found, EngineReport)
    assert (found.client, found.server) == ("20.10.1", "20.10.24")
    assert found.endpoint == listening
    assert not found.remote
    assert found.store == json.loads(INFO)["DockerRootDir"]
    assert found.cgroups == json.loads(INFO)["CgroupVersion"]


def test_a_daemon_that_does_not_run_is_not_asked(machine: Machine, tmp_path: Path) -> None:
    _docker(machine, f"unix://{tmp_path}/no.sock")
    found = docker_report.report()
    assert isinstance(found, Unusable)
    assert "not running" in found.reason
    assert "systemctl start docker" in found.fix


@pytest.mark.slow
def test_a_daemon_that_hangs_is_named(machine: Machine, listening: str) -> None:
    _docker(machine, listening, Answer("version *", also="exec /bin/sleep 9"))
    found = docker_report.report(timeout_s=2)
    assert isinstance(found, Unusable)
    assert listening in found.reason
    assert "did not answer" in found.reason
    assert "systemctl restart docker" in found.fix


@pytest.mark.slow
def test_a_client_that_asks_the_daemon_for_everything(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///hangs.sock")
    machine.install("docker", Answer("*", also="exec /bin/sleep 9"))
    found = docker_report.report(timeout_s=1)
    assert isinstance(found, Unusable)
    assert "unix:///hangs.sock accepts connections" in found.reason


def test_a_missing_program_is_not_started(machine: Machine) -> None:
    del machine
    found = docker_report.report()
    assert isinstance(found, Unusable)
    assert "not installed" in found.reason


def test_a_remote_builder_needs_no_daemon(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BUILDX_BUILDER", "cluster")
    _docker(machine, "unix:///no/daemon.sock")
    assert docker_report.report() == EngineReport("26.1.5", remote=True)
