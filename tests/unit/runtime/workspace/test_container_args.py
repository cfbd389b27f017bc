"""The argv of one run, and how mounts are read."""

from pathlib import Path

from keynet.runtime.workspace.container_args import (
    ContainerRun,
    is_read_by_clients,
    run_arguments,
)
from keynet.runtime.workspace.labels import Labels
from keynet.runtime.workspace.limits import Limits
from tests.tables import table

HERE = Path("/here")


def _run(**more: object) -> ContainerRun:
    return ContainerRun("image:1", "workspace_x", Labels.now("x", "image:1"), **more)  # type: ignore[arg-type]


def test_the_defaults_separate_the_container_from_its_host() -> None:
    arguments = " ".join(run_arguments(_run()))
    for part in (
        "--network none",
        "--cpus 1",
        "--memory 536870912b",
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--volume=/tmp --volume=/workspace",
        "--label=keynet.managed=true",
        "--label=keynet.workspace.id=x",
        "--no-healthcheck",
    ):
        assert part in arguments
    assert arguments.endswith("-- image:1")


def test_privileged_takes_nothing_away() -> None:
    arguments = run_arguments(_run(limits=Limits(privileged=True)))
    assert "--privileged" in arguments
    assert "--cap-drop" not in arguments
    assert "--security-opt" not in arguments


def test_limits_that_the_host_does_not_know_are_left_out() -> None:
    arguments = run_arguments(_run(), enforced=())
    assert "--cpus" not in arguments
    assert "--memory" not in arguments


def test_values_of_variables_are_not_in_the_arguments() -> None:
    run = _run(environment={"TOKEN": "hidden", "HOME": "hidden"})
    arguments = run_arguments(run, env_file=HERE / "file")
    assert "hidden" not in " ".join(arguments)
    assert "hidden" not in repr(run)
    assert arguments[-6:-4] == ("--env-file", "/here/file")
    assert arguments[-4:-2] == ("--env", "TOKEN")


@table("name", ["PATH", "DOCKER_HOST", "https_proxy", "XDG_RUNTIME_DIR", "HOME"])
def test_variables_of_the_engines_programs_are_known(name: str) -> None:
    assert is_read_by_clients(name)


@table("name", ["EPOCHS", "PYTHONPATH", "HF_TOKEN", "CUDA_VISIBLE_DEVICES"])
def test_other_variables_are_passed_by_name(name: str) -> None:
    assert not is_read_by_clients(name)


def test_a_mount_takes_the_place_of_the_folder_that_is_thrown_away() -> None:
    run = _run(mounts=("type=bind,source=/a,target=/workspace/",), output="/output")
    assert run.volumes == ["/tmp", "/output"]
