"""``keynet run`` with every engine that runs containers: the setups, and what a run leaves."""

import contextlib
import subprocess
from collections.abc import Callable, Iterator, Sequence

import pytest
from _pytest.mark import ParameterSet

from tests.testbed.newer import NewerRoot
from tests.testbed.processes import Place, here
from tests.testbed.program import HostSetup

__all__ = [
    "IMAGE",
    "KINDS",
    "NEWER",
    "OLDER",
    "ONCE",
    "RARELY",
    "ROOTLESS",
    "SLEEPER",
    "WITHIN_S",
    "Runner",
    "left",
    "placed",
    "run",
    "started",
]

# Ends what hangs; a program that is waited for sleeps longer.
WITHIN_S = 300
IMAGE = "python:3.11-slim"
SLEEPER = "import time; print('up', flush=True); time.sleep(900)"


def _in_matrix(setup: ParameterSet) -> ParameterSet:
    return pytest.param(*setup.values, marks=[*setup.marks, pytest.mark.matrix])


OLDER = [
    # Daemons with networks, as other tests have them, share docker0 and break each other's bridge.
    pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.matrix]),
    pytest.param("podman", marks=pytest.mark.podman),
]
NEWER = [
    pytest.param("newer-docker", marks=[pytest.mark.docker, pytest.mark.newer]),
    pytest.param("newer-podman", marks=[pytest.mark.podman, pytest.mark.newer]),
]
KINDS = [*OLDER, *NEWER]
# Each engine once in CI, where both generations behave alike: docker's newer, podman's older one.
ONCE = [*OLDER, NEWER[0], _in_matrix(NEWER[1])]
# Where each repetition waits.
RARELY = [*OLDER, *map(_in_matrix, NEWER)]
ROOTLESS = [
    pytest.param("rootless-podman", marks=[pytest.mark.podman, pytest.mark.rootless]),
    pytest.param(
        "newer-rootless-podman", marks=[pytest.mark.podman, pytest.mark.rootless, pytest.mark.newer]
    ),
]

Runner = Callable[[str], HostSetup]


def run(setup: HostSetup, *arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    return setup.keynet("run", "--builder", setup.builder, *arguments, **more)  # type: ignore[arg-type]


def left(setup: HostSetup) -> str:
    """Return the containers and volumes that the engine has."""
    command = setup.command(setup.builder, "ps", "--all", "--quiet")
    volumes = setup.command(setup.builder, "volume", "ls", "--quiet")
    return setup.run(command).stdout + setup.run(volumes).stdout


@contextlib.contextmanager
def started(
    setup: HostSetup, *arguments: str, flags: Sequence[str] = ()
) -> Iterator[subprocess.Popen[str]]:
    """Start ``keynet run`` and wait for the program's first line."""
    own = ("--quiet", "--builder", setup.builder, *flags)
    process = subprocess.Popen(
        setup.argv("run", *own, IMAGE, "--", *arguments),
        env=dict(setup.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "up\n"
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=WITHIN_S)


def placed(setup: HostSetup, request: pytest.FixtureRequest) -> Place:
    """Return where a setup's own programs run."""
    if setup.name.startswith("newer"):
        newer: NewerRoot = request.getfixturevalue("newer")
        return newer.argv
    return here
