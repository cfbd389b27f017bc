"""A program is stopped where it may end: it never dies half way, whenever it is interrupted."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keynet.errors import EngineTimeout, Interrupted
from keynet.process import halting, orphans, shell
from keynet.process.descendants import Process, look, states

# Makes a file in two steps, again and again, as a builder makes a container.
_TWO_STEPS = """
import os, sys, time
half, whole = sys.argv[1:]
while True:
    open(half, "w").close()
    time.sleep(0.03)
    open(whole, "w").close()
    time.sleep(0.03)
    os.unlink(whole)
    os.unlink(half)
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "half", tmp_path / "whole"


def _argv(files: tuple[Path, Path]) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", _TWO_STEPS, *map(str, files))


def _may_end(files: tuple[Path, Path]) -> Callable[[], bool]:
    half, whole = files
    return lambda: whole.exists() or not half.exists()


def _wait_for(fact: Callable[[], bool]) -> None:
    until = time.monotonic() + 120
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.005)


@contextlib.contextmanager
def _program(argv: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(argv, process_group=0) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.slow
@pytest.mark.parametrize("presses", [1, 3])
def test_a_signal_ends_it_where_it_may_end(files: tuple[Path, Path], presses: int) -> None:
    def press() -> None:
        _wait_for(files[0].exists)
        for _press in range(presses):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

    for _time in range(5):
        thread = threading.Thread(target=press)
        thread.start()
        with pytest.raises(Interrupted):
            shell.run(shell.Command(_argv(files), may_end=_may_end(files)), timeout_s=120)
        thread.join()
        assert _may_end(files)()
        for file in files:
            file.unlink(missing_ok=True)


@pytest.mark.slow
def test_what_takes_too_long_ends_where_it_may_end(files: tuple[Path, Path]) -> None:
    with pytest.raises(EngineTimeout):
        shell.run(shell.Command(_argv(files), may_end=_may_end(files)), timeout_s=0.3)
    assert _may_end(files)()


@pytest.mark.slow
def test_what_may_never_end_is_ended_after_some_seconds(files: tuple[Path, Path]) -> None:
    # By itself it never ends.
    with pytest.raises(EngineTimeout):
        shell.run(shell.Command(_argv(files), may_end=lambda: False), timeout_s=0.1)


@pytest.mark.medium
def test_all_of_a_group_stands_still_while_it_is_asked() -> None:
    seen: list[set[str]] = []

    def may_end() -> bool:
        seen.append(states(process.pid))
        return len(seen) == 2

    with _program(("/bin/sh", "-c", "while :; do :; done & wait")) as process:
        halting.halt(process.pid, may_end)
        assert seen == [{"T"}, {"T"}]
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.medium
def test_what_has_ended_is_stopped_at_once() -> None:
    with _program(("/bin/true",)) as process:
        process.wait()
        halting.halt(process.pid, lambda: False)


@pytest.mark.medium
def test_the_programs_of_a_dead_owner_end_where_they_may(files: tuple[Path, Path]) -> None:
    with _program(_argv(files)) as process:
        _wait_for(files[0].exists)
        orphan = orphans.Orphan(_process(process.pid), "owner", "program", 0.0)
        orphans.end([orphan], lambda _owner: _may_end(files))
        assert process.wait() == -signal.SIGTERM
    assert _may_end(files)()


def _process(pid: int) -> Process:
    found = look(pid)
    assert found is not None
    return found
