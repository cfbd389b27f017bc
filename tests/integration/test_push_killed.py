"""SIGKILL in the midst of a build: ``keynet clean`` and the next push remove all that stays.

Kills at many other moments are in test_sudden_death.py.
"""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.program import HostSetup

from .interrupting import platform_of, processes, remains, sign_in, started, until
from .pushing import NEWER, OLDER, marked, small_context, write
from .scripted_registry import scripted_registry

OFTEN = ("docker-legacy", "rootless-buildah", "newer-docker", "newer-podman", "newer-buildah")


@pytest.fixture(
    params=[*marked(OLDER, often=OFTEN), *marked(NEWER, pytest.mark.newer, often=OFTEN)]
)
def setup(request: pytest.FixtureRequest, host_setups: HostSetups) -> HostSetup:
    """Every setup, with a folder for temporary files of its own."""
    made = host_setups.named(request.param)
    subprocess.run(made.command("mkdir", "-p", str(made.home / "tmp")), check=True)
    return made


@pytest.fixture
def unused_platform(tmp_path: Path) -> Iterator[str]:
    """A platform whose registry is asked for its account only: the build never ends."""
    with scripted_registry(hangs=True) as registry, platform_of(registry.host, tmp_path) as url:
        yield url


@pytest.mark.parametrize("then", ["clean", "build"])
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
    assert remains(setup) == before, done.stderr
