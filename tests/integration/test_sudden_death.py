"""SIGKILL at many moments of a push: the next push or ``keynet clean`` removes all of it."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed.host_setups import HostSetups
from tests.testbed.platform import Platform
from tests.testbed.program import HostSetup

from .interrupting import remains
from .pushing import (
    NEWER,
    OLDER,
    marked,
    push,
    push_arguments,
    sign_in,
    small_context,
    write,
)

RECIPE = "FROM busybox\nCOPY . /workspace\nRUN sleep 0.3\nRUN sleep 0.4\n"
# Each kill takes seconds and depends on its moment.
pytestmark = pytest.mark.matrix
# In parts of the time that a whole push takes.
MOMENTS = (0.3, 0.5, 0.6, 0.7)


@pytest.fixture(params=[*marked(OLDER), *marked(NEWER, pytest.mark.newer)])
def setup(request: pytest.FixtureRequest, host_setups: HostSetups, platform: Platform) -> HostSetup:
    """Every setup, logged in, with a folder for temporary files of its own."""
    made = host_setups.named(request.param)
    subprocess.run(made.command("mkdir", "-p", str(made.home / "tmp")), check=True)
    sign_in(made, platform)
    return made


@pytest.mark.parametrize("then", ["clean", "push"])
def test_nothing_stays_of_pushes_that_were_killed(setup: HostSetup, then: str) -> None:
    context = small_context(setup, f"killed-{then}-{os.urandom(4).hex()}")
    write(setup, context / "Recipe", RECIPE)
    temporary = {"TMPDIR": str(setup.home / "tmp")}
    for text in ("first", "with the engine known"):
        write(setup, context / "train.py", f"print('{text}')\n")
        started = time.monotonic()
        done = push(setup, context, "--dockerfile", "Recipe", env=temporary)
        assert done.returncode == 0, done.stderr
        whole = time.monotonic() - started
    before = remains(setup)
    stayed, killed = [], 0
    for moment in MOMENTS:
        write(setup, context / "train.py", f"print({moment})\n")
        with _started(setup, context) as process:
            time.sleep(moment * whole)
        stayed.append(remains(setup) != before)
        if then == "push":
            write(setup, context / "train.py", f"print({moment}, 'again')\n")
            done = push(setup, context, "--dockerfile", "Recipe", env=temporary)
        else:
            done = setup.keynet("clean", "--yes", env=temporary)
        assert done.returncode == 0, done.stderr
        killed += process.returncode == -signal.SIGKILL
        assert remains(setup) == before, f"{moment}: {done.stderr}"
    assert killed >= len(MOMENTS) - 2
    assert any(stayed), "no kill left anything: the test shows nothing"


def test_clean_spares_a_push_that_runs(setup: HostSetup) -> None:
    context = small_context(setup, f"running-{os.urandom(4).hex()}")
    write(setup, context / "Recipe", "FROM busybox\nCOPY . /workspace\nRUN sleep 3\n")
    arguments = push_arguments(setup, "--dockerfile", "Recipe", base="busybox")
    process = subprocess.Popen(
        setup.argv(*arguments, cwd=context),
        env=setup.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    seen: set[str] = set()
    while process.poll() is None:
        listed = setup.keynet("ps", "--json")
        assert listed.returncode == 0, listed.stderr
        found = json.loads(listed.stdout)
        seen |= {each["kind"] for each in found if each["state"] == "in use"}
        cleaned = setup.keynet("clean", "--all", "--yes")
        assert cleaned.returncode == 0, cleaned.stderr
    output, log = process.communicate()
    assert process.returncode == 0, log
    assert json.loads(output)["digest"]
    assert {"process", "folder", "cache"} <= seen


@contextlib.contextmanager
def _started(setup: HostSetup, context: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a push, and kill it at the end of the block: keynet alone, not its programs."""
    process = subprocess.Popen(
        setup.argv(*push_arguments(setup, "--dockerfile", "Recipe", base="busybox"), cwd=context),
        env={**setup.environment, "TMPDIR": str(setup.home / "tmp")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
