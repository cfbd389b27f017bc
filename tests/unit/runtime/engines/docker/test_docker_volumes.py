"""The volumes of a run whose image has a user who is not root: made, opened, removed."""

import io
import tarfile
from pathlib import Path

import pytest

from keynet.errors import EngineError, EngineUnavailable
from keynet.runtime.engines.docker.docker_host import GUIDE
from keynet.runtime.engines.docker.docker_volumes import opened
from keynet.runtime.engines.questions import Questions
from keynet.runtime.workspace.container_args import ContainerRun, run_arguments
from keynet.runtime.workspace.labels import Labels
from tests.fakes.engine import Answer, EngineProgram
from tests.tables import table

NO_DAEMON = "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?\n"
HOLDER = "workspace_x_volumes"
REMOVED = f"rm --force --volumes {HOLDER}"


def _docker(folder: Path, *answers: Answer) -> tuple[EngineProgram, Questions]:
    program = EngineProgram(
        folder, "docker", [*answers, Answer("create *"), Answer("cp *"), Answer("rm *")]
    )
    return program, Questions(GUIDE, (str(program.install()),))


def _run(**more: str) -> ContainerRun:
    labels = Labels.now("x", "image:1")
    return ContainerRun("image:1", "workspace_x", labels, owner="me", **more)  # type: ignore[arg-type]


@table("user", ["", "root", "0", "0:0", "root:users"])
def test_root_needs_nothing(tmp_path: Path, user: str) -> None:
    program, questions = _docker(tmp_path)
    run = _run(user=user, output="/output")
    with opened(questions, run) as prepared:
        assert prepared == run
    assert program.verbs == []


@pytest.mark.medium
def test_the_folders_are_opened_in_a_container_that_holds_them(tmp_path: Path) -> None:
    program, questions = _docker(tmp_path)
    with opened(questions, _run(user="1000", output="/workspace/out")) as prepared:
        arguments = " ".join(run_arguments(prepared))
        assert f"--volumes-from={HOLDER}" in arguments
        assert "--volume=" not in arguments
        create, copy = program.calls
        assert REMOVED not in program.verbs
    made = " ".join(create.arguments)
    for part in (
        f"create --name {HOLDER} ",
        "--label=keynet.owner=me",
        "--label=keynet.managed=true",
        "--pull never --network none",
        "--volume=/tmp --volume=/workspace --volume=/workspace/out -- image:1",
    ):
        assert part in made
    assert copy.arguments == ["cp", "-", f"{HOLDER}:/"]
    with tarfile.open(fileobj=io.BytesIO(copy.stdin)) as archive:
        assert {each.name: (each.mode, each.isdir()) for each in archive} == {
            "tmp": (0o1777, True),
            "workspace": (0o1777, True),
            "workspace/out": (0o1777, True),
        }
    assert program.verbs[-1] == REMOVED


@pytest.mark.medium
def test_a_folder_that_the_image_has_keeps_its_rights(tmp_path: Path) -> None:
    program, questions = _docker(tmp_path)
    with opened(questions, _run(user="app", working_folder="/workspace/src")):
        pass
    with tarfile.open(fileobj=io.BytesIO(program.calls[1].stdin)) as archive:
        assert archive.getnames() == ["tmp"]


@pytest.mark.medium
@pytest.mark.parametrize("verb", ["create", "cp"])
def test_what_fails_is_named_and_nothing_is_left(tmp_path: Path, verb: str) -> None:
    full = Answer(f"{verb} *", stderr="Error: no space left on device\n", status=1)
    program, questions = _docker(tmp_path, full)
    with (
        pytest.raises(EngineError, match=f"docker {verb} failed: .*no space left"),
        opened(questions, _run(user="1000")),
    ):
        raise AssertionError("the block runs")
    assert program.verbs[-1] == REMOVED


@pytest.mark.medium
def test_a_daemon_that_has_gone_is_named(tmp_path: Path) -> None:
    gone = Answer("*", stderr=NO_DAEMON, status=1)
    _program, questions = _docker(tmp_path, gone)
    with (
        pytest.raises(EngineUnavailable, match="Cannot connect"),
        opened(questions, _run(user="1000")),
    ):
        raise AssertionError("the block runs")
