"""SIGKILL and hasty Ctrl-C at many moments, with every engine: nothing with a password stays."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.program import HostSetup

from .interrupting import WITHIN_S, left, lines, records, running
from .pushing import NEWER, OLDER, marked, small_context, write

# Each kill takes seconds and depends on its moment.
pytestmark = pytest.mark.matrix
MOMENTS = int(os.environ.get("KEYNET_TEST_MOMENTS", "4"))


@pytest.fixture(params=[*marked(OLDER), *marked(NEWER, pytest.mark.newer)])
def setup(request: pytest.FixtureRequest, host_setups: HostSetups) -> Iterator[HostSetup]:
    made = host_setups.named(request.param)
    subprocess.run(made.command("mkdir", "-p", str(made.home / "tmp")), check=True)
    yield made
    # The mounts of containers that were killed would keep the store from being removed.
    if made.builder != "docker":
        made.run(made.command("buildah", "rm", "--all"))


@pytest.fixture
def context(setup: HostSetup) -> Path:
    folder = small_context(setup, f"sudden-{os.urandom(4).hex()}")
    write(setup, folder / "Recipe", "FROM busybox\nCOPY . /workspace\nRUN sleep 0.5\n")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "gap_s",
    [0.0, 0.1, 0.4],
)
def test_a_second_ctrl_c_leaves_as_little_as_the_first(
    setup: HostSetup, context: Path, gap_s: float
) -> None:
    longest = _duration_s(setup, context)
    before = left(setup)
    known = [] if setup.builder == "docker" else records(setup)
    chance = random.Random(gap_s)
    for _moment in range(MOMENTS):
        with running(setup, context, *_arguments(setup, "--no-cache")) as process:
            time.sleep(chance.uniform(0.1, longest))
            for _press in range(2):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGINT)
                time.sleep(gap_s)
            told, _ = process.communicate(timeout=WITHIN_S)
        # On a busy machine the signal may come before the interpreter has begun.
        unbegun = process.returncode == -signal.SIGINT and not told
        assert unbegun or process.returncode in {0, 130}, told
        assert _without_images(left(setup)) == _without_images(before), told
        assert setup.builder == "docker" or records(setup) == known, told
        assert not _temporary_names(setup), told


@pytest.mark.slow
def test_the_next_build_removes_the_folders_of_a_killed_one(
    setup: HostSetup, context: Path
) -> None:
    # The context holds the folder for temporary files.
    write(setup, context / "tmp/keep", "")
    temporary = {"TMPDIR": str(context / "tmp")}
    longest = _duration_s(setup, context)
    for moment in range(MOMENTS):
        with running(setup, context, *_arguments(setup, "--no-cache"), env=temporary) as process:
            time.sleep(longest * (moment + 0.5) / MOMENTS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=WITHIN_S)
    done = setup.keynet(*_arguments(setup), cwd=context, env=temporary)
    assert done.returncode == 0, done.stderr
    assert lines(setup, "sh", "-c", 'cd "$1"; ls', "-", context / "tmp") == ["keep"]
    assert lines(setup, "sh", "-c", 'ls "$1"', "-", setup.home / ".cache/keynet/staging") == []


def _arguments(setup: HostSetup, *flags: str) -> list[str]:
    return ["build", "train.py", "--builder", setup.builder, "--dockerfile", "Recipe", *flags]


def _duration_s(setup: HostSetup, context: Path) -> float:
    """Build once, which also probes the engine, and return how long the next build takes."""
    for _time in range(2):
        began = time.monotonic()
        done = setup.keynet(*_arguments(setup, "--no-cache"), cwd=context)
        assert done.returncode == 0, done.stderr
    return time.monotonic() - began


def _without_images(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: each for name, each in found.items() if "images" not in name}


def _temporary_names(setup: HostSetup) -> list[str]:
    field = "Name" if setup.builder == "buildah" else "Repository"
    listed = lines(setup, setup.builder, "images", "--format", f"{{{{.{field}}}}}:{{{{.Tag}}}}")
    return [name for name in listed if ":build-" in name]
