"""A signal during a build or a push: status 130, and no process, container or file is left."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.integration.engines import (
    Host,
    answer_of,
    engine_command,
    in_turn,
    make_host,
    marked,
    staged,
)
from tests.integration.scripted_registry import scripted_registry

pytestmark = pytest.mark.registry
# Ends what hangs; whatever is slow is done long before.
WITHIN_S = 300.0


def _signals() -> list[Any]:
    """Return each kind with one signal in turn; then the rest, for the matrix."""
    numbers = [pytest.param(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    marks = {kind.values[0]: kind.marks for kind in marked()}
    return [
        pytest.param(*pair.values, marks=[*pair.marks, *marks[pair.values[1]]])
        for pair in in_turn(numbers, [*marks])
    ]


@pytest.fixture(params=marked())
def host(request: pytest.FixtureRequest) -> Host:
    return make_host(request.param, request)


@pytest.fixture
def context(host: Host) -> Path:
    folder = host.home / f"interrupt-{os.urandom(4).hex()}"
    folder.mkdir(mode=0o755)
    (folder / "train.py").write_text(os.urandom(8).hex())
    return host.own(folder)


@pytest.mark.parametrize(("number", "host"), _signals(), indirect=["host"])
def test_a_signal_during_run_leaves_nothing(
    host: Host, context: Path, number: signal.Signals
) -> None:
    before = _containers(host)
    # A number of seconds that no other process sleeps.
    mark = str(100_000 + int.from_bytes(os.urandom(3)))
    process = host.start(
        context=str(context),
        text=f'FROM busybox\nCOPY . /w/\nRUN ["sh", "-c", "sleep {mark} & sleep {mark}"]\n',
    )
    _wait_until(lambda: len(_processes(mark)) >= 2)
    os.kill(process.pid, number)
    answer = answer_of(process)
    assert answer.status == 130, answer.json
    assert answer.error["type"] == "Interrupted"
    _wait_until(lambda: not _processes(mark))
    if host.engine == "docker":
        # Its daemon removes the container by itself, once the client has gone.
        _wait_until(lambda: _containers(host) == before)
    assert _containers(host) == before
    assert staged(host) == []
    assert not list(host.temporary.glob("keynet-*"))


def test_a_signal_during_push_leaves_nothing(host: Host, context: Path) -> None:
    with scripted_registry(hangs=True) as server:
        name = f"{server.host}/kitech-model/x:latest"
        process = host.start(
            context=str(context),
            text="FROM busybox\nCOPY . /w/\n",
            access={
                "host": server.host,
                "username": "robot$x",
                "password": "p" * 20,
                "insecure": True,
            },
            target=name,
        )
        assert server.uploading.wait(WITHIN_S)
        os.kill(process.pid, signal.SIGINT)
        answer = answer_of(process)
    assert answer.status == 130, answer.json
    _wait_until(lambda: not _processes(name))
    assert not list(host.temporary.glob("keynet-*"))
    assert server.host not in host.run(*engine_command(host), "images")


def _wait_until(fact: Callable[[], bool]) -> None:
    until = time.monotonic() + WITHIN_S
    while not fact():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.05)


def _processes(mark: str) -> list[str]:
    """List command lines with this mark, keynet's own and this test's excepted."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):
                line = (
                    (folder / "cmdline")
                    .read_bytes()
                    .replace(b"\0", b" ")
                    .decode("utf-8", "replace")
                )
                if mark in line and "engine_driver" not in line:
                    found.append(line)
    return found


def _containers(host: Host) -> list[str]:
    """List every container of the engine, also those of unfinished builds."""
    command = engine_command(host)
    if host.engine == "buildah":
        return host.run(*command, "containers", "--quiet").split()
    external = ["--external"] if host.engine == "podman" else []
    return host.run(*command, "ps", "--all", *external, "--quiet").split()
