"""SIGKILL in the midst of a build: ``keynet clean`` and the next push remove all that stays.

Kills at many other moments are in test_sudden_death.py.
"""

import os

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.program import HostSetup

from .engines import crossed
from .interrupting import (
    processes,
    remains,
    settled,
    sign_in,
    started,
    until,
    with_temporary_folder,
)
from .pushing import NEWER, OLDER, marked, small_context, write

OFTEN = ("docker-legacy", "rootless-buildah", "newer-docker", "newer-podman", "newer-buildah")


@pytest.fixture
def setup(request: pytest.FixtureRequest, host_setups: HostSetups) -> HostSetup:
    """Every setup, with a folder for temporary files of its own."""
    return with_temporary_folder(host_setups.named(request.param))


@pytest.mark.parametrize(
    ("setup", "then"),
    [
        *crossed(marked(OLDER, often=OFTEN), ["clean", "build"]),
        *crossed(marked(NEWER, pytest.mark.newer, often=OFTEN), ["build", "clean"]),
    ],
    indirect=["setup"],
)
def test_what_a_killed_push_left_is_removed(
    setup: HostSetup, unused_platform: str, then: str
) -> None:
    # A number of seconds that no other process sleeps.
    mark = str(100_000 + int.from_bytes(os.urandom(3)))
    context = small_context(setup, f"killed-{os.urandom(4).hex()}")
    write(setup, context / "Recipe", f"FROM busybox\nCOPY . /workspace\nRUN sleep {mark}\n")
    write(setup, context / "Quick", "FROM busybox\nCOPY . /workspace\n")
    sign_in(setup, unused_platform)
    quick = ("build", "train.py", "--builder", setup.builder, "-f", "Quick")
    temporary = {"TMPDIR": str(setup.home / "tmp")}
    first = setup.keynet(*quick, cwd=context, env=temporary)
    assert first.returncode == 0, first.stderr
    before = remains(setup)
    with started(setup, context, "--dockerfile", "Recipe") as process:
        until(lambda: processes(f"sleep {mark}") != [], process)
        # keynet alone, not its programs.
        process.kill()
        process.communicate()
    assert remains(setup) != before
    if then == "clean":
        done = setup.keynet("clean", "--yes", env=temporary)
    else:
        done = setup.keynet(*quick, cwd=context, env=temporary)
    assert done.returncode == 0, done.stderr
    until(lambda: not processes(f"sleep {mark}"))
    # A program that was killed may take a moment to end.
    until(lambda: remains(setup)["programs"] == before["programs"])
    assert settled(setup, lambda: remains(setup), before) == before, done.stderr
