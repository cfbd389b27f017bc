"""What an engine reports about its host is asked once for many runs."""

import json
import os
import socket
import time
from pathlib import Path

import pytest

from keynet.files import places
from keynet.runtime.abilities import SystemFacts
from keynet.runtime.engines.docker import docker_args, docker_run
from keynet.runtime.engines.podman_like.containers import podman_run
from keynet.runtime.engines.podman_like.dialect import Invocation
from keynet.runtime.engines.podman_like.podman import PODMAN
from tests.fakes.engine import Answer, EngineProgram
from tests.unit.conftest import Machine

INFO = {
    "host": {
        "cgroupVersion": "v2",
        "cgroupControllers": ["cpu", "memory"],
        "memTotal": 1024,
        "security": {"rootless": True, "seccompEnabled": True},
    },
    "version": {"Version": "4.3.1"},
}


@pytest.fixture
def podman(machine: Machine) -> EngineProgram:
    return machine.install("podman", Answer("info *", json.dumps(INFO)))


def system(machine: Machine, *, remote: bool = False) -> SystemFacts:
    invocation = Invocation(str(machine.programs / "podman"), remote=remote)
    commands = podman_run.container_commands(PODMAN, invocation, 30)
    assert commands is not None
    return commands.system()


@pytest.mark.medium
def test_the_answer_is_kept_whole(machine: Machine, podman: EngineProgram) -> None:
    first = system(machine)
    assert system(machine) == first
    assert first.limits == {"cpus", "memory"}
    assert first.security == ("seccomp",)
    assert len(podman.calls) == 1


@pytest.mark.medium
def test_a_remote_host_is_always_asked(machine: Machine, podman: EngineProgram) -> None:
    for _turn in range(2):
        system(machine, remote=True)
    assert len(podman.calls) == 2


@pytest.mark.medium
def test_an_old_or_damaged_answer_is_asked_again(machine: Machine, podman: EngineProgram) -> None:
    system(machine)
    (kept,) = (places.cache() / "hosts").iterdir()
    os.utime(kept, (time.time() - 700,) * 2)
    system(machine)
    for text in ("", "[]", "{}", '{"engine": 1, "limits": 3}', '{"limits": [], "x": 1}'):
        kept.write_text(text)
        assert system(machine).memory == 1024
    assert len(podman.calls) == 7


@pytest.mark.medium
def test_other_settings_of_podman_are_asked_again(
    machine: Machine, podman: EngineProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    system(machine)
    monkeypatch.setenv("CONTAINERS_CONF", "/other/containers.conf")
    system(machine)
    assert len(podman.calls) == 2


@pytest.mark.medium
def test_docker_is_asked_again_when_its_daemon_was_started_again(
    machine: Machine, short_runtime: Path
) -> None:
    info = json.dumps({"MemTotal": 1024, "MemoryLimit": True, "CgroupVersion": "2"})
    docker = machine.install("docker", Answer("info *", info))
    path = short_runtime / "docker.sock"
    invocation = docker_args.Invocation(str(machine.programs / "docker"), docker_args.LEGACY)
    asked = []
    for _daemon in range(2):
        with socket.socket(socket.AF_UNIX) as daemon:
            daemon.bind(str(path))
            for _run in range(2):
                found = docker_run.container_commands(invocation, 30, f"unix://{path}").system()
                assert (found.memory, found.remote) == (1024, False)
                assert found.limits == {"memory"}
                asked.append(len(docker.calls))
        path.unlink()
        # The next one may get the same number.
        time.sleep(0.02)
    assert asked == [1, 1, 2, 2]
    for _run in range(2):
        docker_run.container_commands(invocation, 30, "tcp://192.0.2.1:2375").system()
    assert len(docker.calls) == 4
