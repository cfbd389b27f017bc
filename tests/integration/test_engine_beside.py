"""Builds that work on one store at the same moment, as pushes of a shared machine do."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.integration.engines import (
    Host,
    answer_of,
    make_host,
    marked,
    project_tags,
    unnamed_images,
)

BUILDS = 6
# Ends what hangs; the driver waits as long at its gate.
WITHIN_S = 600.0
# What buildah 1.28 and podman 4.3 print when another process removed an image meanwhile.
LOST = (
    "Error: checking if cached image exists from a previous build: "
    "getting top layer info: layer not known"
)


@pytest.fixture(
    params=marked(
        ("docker-legacy", "podman-root", "buildah-root"), ("docker-legacy", "podman-root")
    )
)
def host(request: pytest.FixtureRequest) -> Host:
    return make_host(request.param, request)


@pytest.fixture(params=marked(("podman-root", "buildah-root"), ("buildah-root",)))
def daemonless(request: pytest.FixtureRequest) -> Host:
    return make_host(request.param, request)


def test_one_name_stays_and_nothing_nameless(host: Host) -> None:
    context = _context(host)
    gate = host.home / f"gate-{os.urandom(4).hex()}"
    gate.mkdir()
    before = unnamed_images(host)
    request = {"context": str(context), "text": "FROM scratch\nCOPY . /\n"}
    with ExitStack() as started:
        builds = [
            started.enter_context(
                _ended(host.start(**request, labels={"own": str(number)}, gate=str(gate)))
            )
            for number in range(BUILDS)
        ]
        _until(lambda: len(list(gate.iterdir())) == BUILDS or _has_ended(builds))
        (gate / "open").touch()
        answers = [answer_of(build) for build in builds]
    assert [answer.status for answer in answers] == [0] * BUILDS, answers
    assert len({answer.json["image_id"] for answer in answers}) == BUILDS
    assert unnamed_images(host) == before
    assert project_tags(host, context) == ["latest"]


def test_a_build_that_lost_a_layer_to_another_is_done_again(
    daemonless: Host, tmp_path: Path
) -> None:
    host = _losing(daemonless, tmp_path, times=1)
    answer = host.ask(context=str(_context(host)), text="FROM scratch\nCOPY . /\n")
    assert answer.status == 0, answer
    assert LOST in answer.log
    assert answer.json["events"] == ["Notice"]
    # The trial build was disturbed once, too: that says nothing about the way it tried.
    assert answer.json["how"] == daemonless.ask().json["how"]


def test_a_build_that_loses_layers_each_time_fails_with_the_reason(
    daemonless: Host, tmp_path: Path
) -> None:
    assert daemonless.ask().status == 0
    host = _losing(daemonless, tmp_path, times=3, layers="--layers")
    answer = host.ask(context=str(_context(host)), text="FROM scratch\nCOPY . /\n")
    assert answer.status == 4
    assert answer.error["type"] == "BuildFailed"
    assert LOST in answer.error["message"]
    assert answer.json["events"] == ["Notice"] * 2


def test_a_build_that_is_done_again_leaves_no_name_of_the_first_try(
    daemonless: Host, tmp_path: Path
) -> None:
    assert daemonless.ask().status == 0
    host = _losing(daemonless, tmp_path, times=1, layers="--layers", at_the_end=True)
    context = _context(host)
    answer = host.ask(context=str(context), text="FROM scratch\nCOPY . /\n")
    assert (answer.status, answer.json["events"]) == (0, ["Notice"]), answer
    assert project_tags(host, context) == ["latest"]


def _context(host: Host) -> Path:
    context = host.home / f"beside-{os.urandom(4).hex()}"
    context.mkdir()
    (context / "train.py").write_text("print('trained')\n")
    return context


def _losing(
    host: Host, folder: Path, *, times: int, layers: str = "--layers*", at_the_end: bool = False
) -> Host:
    """Put the engine behind a script whose builds of each kind fail so many times first."""
    begins = f'/usr/bin/{host.engine} "$@"' if at_the_end else 'echo "STEP 1/2: FROM scratch"'
    program = folder / host.engine
    program.write_text(
        f"""#!/bin/sh
for argument; do
  case $argument in ({layers})
    for time in $(seq {times}); do
      if mkdir "{folder}/$argument-$time" 2>/dev/null; then
        {begins}
        echo "{LOST}" >&2
        exit 125
      fi
    done
  esac
done
exec /usr/bin/{host.engine} "$@"
"""
    )
    program.chmod(0o755)
    return host.with_environment(PATH=f"{folder}:{host.environment['PATH']}")


@contextmanager
def _ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """End the process on the way out, whatever became of it, and close its pipes."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def _has_ended(processes: list[subprocess.Popen[str]]) -> bool:
    return any(process.poll() is not None for process in processes)


def _until(fact: Callable[[], bool]) -> None:
    until = time.monotonic() + WITHIN_S
    while not fact():
        assert time.monotonic() < until, "the builds hang"
        time.sleep(0.02)
