"""The image of a script is there until its run has ended."""

import contextlib
from pathlib import Path

import pytest

from keynet.files import owners
from keynet.runtime.build import layer_cache
from keynet.runtime.engine import LocalImage
from keynet.runtime.engines.docker import docker_run
from keynet.runtime.engines.docker.docker_args import LEGACY, Invocation
from keynet.steps.running.run_engines import held
from tests.fakes.engine import Answer, EngineProgram
from tests.unit.conftest import Machine


@pytest.mark.medium
@pytest.mark.parametrize("status", [0, 1])
def test_an_image_has_a_name_of_its_own_while_it_runs(
    machine: Machine, tmp_path: Path, status: int
) -> None:
    del machine
    program = EngineProgram(tmp_path, "docker", [Answer("*", status=status)])
    invocation = Invocation(binary=str(program.install()), mode=LEGACY)
    commands = docker_run.container_commands(invocation, 30.0, "unix:///x")
    with (
        contextlib.suppress(ZeroDivisionError),
        held(commands, LocalImage("localhost/keynet/p-1", "0f1e")),
    ):
        assert [each.arguments[:2] for each in program.calls] == [["tag", "0f1e"]]
        raise ZeroDivisionError
    tagged, removed = [each.arguments for each in program.calls]
    assert removed == ["rmi", tagged[2]]
    assert tagged[2].startswith("localhost/keynet/p-1:build-")
    assert layer_cache.owner_of(tagged[2]) == owners.token()
