"""What podman reports about its host is asked once for many runs."""

import json
import os
import time

import pytest

from keynet.files import places
from keynet.runtime.engines.podman_like.containers import remembered_host
from keynet.runtime.engines.podman_like.dialect import Invocation
from keynet.runtime.engines.podman_like.podman import PODMAN
from keynet.runtime.engines.podman_like.podman_engine import PodmanEngine
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


def engine(machine: Machine, *, remote: bool = False) -> PodmanEngine:
    return PodmanEngine(PODMAN, Invocation(str(machine.programs / "podman"), remote=remote))


def test_the_answer_is_kept_whole(machine: Machine, podman: EngineProgram) -> None:
    first = remembered_host.system(engine(machine))
    assert remembered_host.system(engine(machine)) == first
    assert first.limits == {"cpus", "memory"}
    assert first.security == ("seccomp",)
    assert len(podman.calls) == 1


def test_a_remote_host_is_always_asked(machine: Machine, podman: EngineProgram) -> None:
    for _turn in range(2):
        remembered_host.system(engine(machine, remote=True))
    assert len(podman.calls) == 2


def test_an_old_or_damaged_answer_is_asked_again(machine: Machine, podman: EngineProgram) -> None:
    remembered_host.system(engine(machine))
    (kept,) = (places.cache() / "hosts").iterdir()
    os.utime(kept, (time.time() - 700,) * 2)
    remembered_host.system(engine(machine))
    for text in ("", "[]", "{}", '{"engine": 1, "limits": 3}', '{"limits": [], "x": 1}'):
        kept.write_text(text)
        assert remembered_host.system(engine(machine)).memory == 1024
    assert len(podman.calls) == 7


def test_other_settings_of_podman_are_asked_again(
    machine: Machine, podman: EngineProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    remembered_host.system(engine(machine))
    monkeypatch.setenv("CONTAINERS_CONF", "/other/containers.conf")
    remembered_host.system(engine(machine))
    assert len(podman.calls) == 2
