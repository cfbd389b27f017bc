"""An interrupt at any moment of a program's start, of its run and of a loop's start."""

import signal
import subprocess
import sys

import pytest

from keynet.process import shell, signals
from keynet.process.shell import Command
from tests.unit.interrupts import children, each_interrupt

SLEEP = Command(("/bin/sleep", "60"))


@pytest.mark.slow
def test_an_interrupt_at_any_moment_leaves_no_program() -> None:
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    before = children()

    def run() -> None:
        shell.run(Command(("/bin/sleep", "0.01")))

    lines = 0
    for lines in each_interrupt(run, shell, signals):
        assert children() == before, lines
        now = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
        assert now == handlers, lines
    assert lines > 100


@pytest.mark.medium
def test_a_loop_that_nobody_closes_does_not_keep_the_process() -> None:
    text = "from keynet.process.event_loop import EventLoop; EventLoop(); print('done')"
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, timeout=20, check=False, text=True
    )
    assert (done.returncode, done.stdout) == (0, "done\n")
