"""Output that is passed on byte by byte, and programs whose own end counts after a signal."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from keynet.process import shell
from keynet.process.attached_output import Copy
from keynet.process.shell import Command

PROGRAM = """\
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
open(sys.argv[1], 'w').close()
time.sleep(600)
"""


def test_bytes_arrive_as_they_are(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out, (tmp_path / "err").open("wb") as err:
        done = shell.run(
            Command(
                ("/bin/sh", "-c", r"printf 'a\rb\377'; printf why >&2; exit 3"),
                attached=(out.fileno(), err.fileno()),
            )
        )
    assert (done.status, done.stderr, done.interrupted) == (3, "why", False)
    assert (tmp_path / "out").read_bytes() == b"a\rb\xff"
    assert (tmp_path / "err").read_bytes() == b"why"


@pytest.mark.medium
def test_more_than_a_pipe_holds_is_passed_on(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as out:
        argv = ("/bin/sh", "-c", "head -c 300000 /dev/zero")
        shell.run(Command(argv, attached=(out.fileno(), out.fileno())))
    assert (tmp_path / "out").stat().st_size == 300_000


@pytest.mark.medium
def test_a_reader_who_has_gone_does_not_end_the_program() -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        argv = ("/bin/sh", "-c", "echo lost; echo lost; exit 4")
        done = shell.run(Command(argv, attached=(write, write)))
        assert (done.status, done.unwritten) == (4, "")
    finally:
        os.close(write)


@pytest.mark.medium
def test_a_disk_that_takes_no_output_does_not_end_the_program() -> None:
    with Path("/dev/full").open("wb") as full:
        argv = ("/bin/sh", "-c", "echo lost; exit 4")
        done = shell.run(Command(argv, attached=(full.fileno(), full.fileno())))
    assert (done.status, done.unwritten) == (4, "No space left on device")


@pytest.mark.medium
def test_after_a_signal_a_reader_who_does_not_read_holds_up_nothing() -> None:
    read, write = os.pipe()
    try:
        copy = Copy(write, [signal.SIGTERM])
        copy.feed(b"x" * 200_000)
        assert copy.text.endswith("x")
    finally:
        os.close(read)
        os.close(write)


@pytest.mark.medium
def test_the_end_after_a_signal_is_the_programs_own(tmp_path: Path) -> None:
    ready = tmp_path / "ready"

    def interrupt() -> None:
        while not ready.exists():
            time.sleep(0.005)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=interrupt)
    thread.start()
    done = shell.run(
        Command((sys.executable, "-c", PROGRAM, str(ready)), attached=(1, 2)), timeout_s=120
    )
    thread.join()
    assert (done.status, done.interrupted) == (9, True)
