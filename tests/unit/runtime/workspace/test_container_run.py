"""A run with an engine that misbehaves: nothing is left, and each fault has its own words."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keynet.errors import EngineError, EngineUnavailable
from keynet.runtime.abilities import SystemFacts
from keynet.runtime.engines.docker.docker_engine import DockerEngine
from keynet.runtime.engines.docker.docker_host import GUIDE
from keynet.runtime.engines.docker.docker_run import gpu_flags
from keynet.runtime.engines.podman_like.containers import podman_run
from keynet.runtime.engines.questions import Questions
from keynet.runtime.workspace.container_args import ContainerRun
from keynet.runtime.workspace.container_run import ContainerCommands, Outcome, execute
from keynet.runtime.workspace.labels import Labels
from tests.fakes.engine import Answer, EngineProgram

ENDED = '{"StartedAt": "2026-11-28T10:00:00Z", "Running": false, "OOMKilled": %s, "ExitCode": %d}'
CREATED = '{"StartedAt": "0001-01-01T00:00:00Z", "Running": false, "ExitCode": 0}'
KNOWN = (("no driver", "install the driver"),)
NO_DAEMON = "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?\n"


@pytest.fixture
def streams(tmp_path: Path) -> Iterator[tuple[int, int]]:
    descriptors = [os.open(tmp_path / name, os.O_CREAT | os.O_RDWR) for name in ("out", "err")]
    yield descriptors[0], descriptors[1]
    for each in descriptors:
        os.close(each)


def _engine(
    folder: Path, *answers: Answer, timeout_s: float = 30
) -> tuple[EngineProgram, ContainerCommands]:
    program = EngineProgram(folder, "docker", [*answers, Answer("rm *"), Answer("cp *")])
    path = program.install()
    commands = ContainerCommands(
        Questions(replace(GUIDE, known=KNOWN), (str(path),), timeout_s=timeout_s),
        DockerEngine(str(path)),
        pull=lambda image, access, on_line: "",
        gpu_flags=gpu_flags,
        system=lambda: SystemFacts("docker", "20.10"),
    )
    return program, commands


def _execute(commands: ContainerCommands, streams: tuple[int, int], **more: str) -> Outcome:
    run = ContainerRun("image:1", "workspace_x", Labels.now("x"), **more)  # type: ignore[arg-type]
    output = Path("results") if run.output else None
    return execute(
        commands, run, attached=streams, enforced=frozenset({"cpus", "memory"}), output=output
    )


@pytest.mark.medium
def test_the_container_goes_whatever_the_status_is(
    tmp_path: Path, streams: tuple[int, int]
) -> None:
    for status in (0, 3):
        program, commands = _engine(
            tmp_path,
            Answer("run *", "hello\n", status=status),
            Answer("container inspect *", ENDED % ("false", status)),
        )
        assert _execute(commands, streams) == Outcome(status)
        assert program.verbs[-1] == "rm --force --volumes workspace_x"
    assert (tmp_path / "out").read_text() == "hello\nhello\n"


@pytest.mark.medium
def test_a_process_that_was_killed_for_its_memory_is_known(
    tmp_path: Path, streams: tuple[int, int]
) -> None:
    _program, commands = _engine(
        tmp_path,
        Answer("run *", status=1),
        Answer("container inspect *", ENDED % ("true", 1)),
    )
    assert _execute(commands, streams) == Outcome(1, out_of_memory=True)


@pytest.mark.medium
def test_a_container_that_did_not_start_has_the_engines_words(
    tmp_path: Path, streams: tuple[int, int]
) -> None:
    _program, commands = _engine(
        tmp_path,
        Answer("run *", stderr="Error: no driver\n", status=125),
        Answer("container inspect *", CREATED),
    )
    outcome = _execute(commands, streams, gpus="all")
    assert (outcome.started, outcome.status) == (False, 125)
    assert "no driver" in outcome.said
    assert outcome.hint == "install the driver"
    assert (tmp_path / "err").read_text() == "Error: no driver\n"


@pytest.mark.medium
def test_a_program_with_status_125_of_its_own_was_started(
    tmp_path: Path, streams: tuple[int, int]
) -> None:
    _program, commands = _engine(
        tmp_path,
        Answer("run *", status=125),
        Answer("container inspect *", ENDED % ("false", 125)),
    )
    assert _execute(commands, streams) == Outcome(125)


@pytest.mark.medium
def test_a_daemon_that_has_gone_is_named_with_what_to_do(
    tmp_path: Path, streams: tuple[int, int]
) -> None:
    program, commands = _engine(
        tmp_path,
        Answer("run *", stderr="unexpected EOF\n", status=125),
        Answer("*", stderr=NO_DAEMON, status=1),
    )
    with pytest.raises(EngineUnavailable, match="stopped answering") as caught:
        _execute(commands, streams)
    assert "keynet clean" in caught.value.hint
    assert program.verbs[-1].startswith("rm ")


@pytest.mark.medium
def test_a_container_that_stays_does_not_hide_the_status(
    tmp_path: Path, streams: tuple[int, int]
) -> None:
    _program, commands = _engine(
        tmp_path, Answer("run *"), Answer("rm *", stderr="Error: device busy\n", status=1)
    )
    outcome = _execute(commands, streams)
    assert outcome.status == 0
    assert outcome.left is not None
    assert "device busy" in outcome.left.message
    assert "keynet clean" in outcome.left.hint


@pytest.mark.medium
def test_a_container_that_stays_is_named_with_what_lets_it_go(
    tmp_path: Path, streams: tuple[int, int]
) -> None:
    full = Answer("rm *", stderr="Error: database or disk is full: no driver\n", status=1)
    _program, commands = _engine(tmp_path, full, Answer("run *"))
    left = _execute(commands, streams).left
    assert left is not None
    assert "could not remove the container workspace_x" in left.message
    assert left.hint == "install the driver\nThen remove the container with: keynet clean"


@pytest.mark.medium
def test_output_that_cannot_be_copied_stays_in_the_container(
    tmp_path: Path, streams: tuple[int, int]
) -> None:
    program, commands = _engine(
        tmp_path,
        Answer("run *"),
        Answer("cp *", stderr="write big: no space left on device\n", status=1),
    )
    with pytest.raises(EngineError, match="no space left") as caught:
        _execute(commands, streams, output="/output")
    assert f"cp workspace_x:/output/. {Path('results').absolute()}\n" in caught.value.hint
    assert not any(verb.startswith("rm ") for verb in program.verbs)


@pytest.mark.medium
def test_a_container_that_is_gone_already_is_no_error(
    tmp_path: Path, streams: tuple[int, int]
) -> None:
    _program, commands = _engine(
        tmp_path, Answer("run *"), Answer("rm *", stderr="Error: No such container: x", status=1)
    )
    assert _execute(commands, streams).left is None


def test_each_engine_has_its_own_flags_for_gpus() -> None:
    assert gpu_flags("all") == ("--gpus", "all")
    assert gpu_flags("0,1") == ("--gpus", '"device=0,1"')
    assert podman_run.gpu_flags("all") == ("--device=nvidia.com/gpu=all",)
    assert podman_run.gpu_flags("0,1") == ("--device=nvidia.com/gpu=0", "--device=nvidia.com/gpu=1")
