import os
import pty
import subprocess
import sys
from pathlib import Path

import click
import pytest

from keynet.cli.render import Verbosity, show
from keynet.events import (
    BlobAdvanced,
    BlobFinished,
    BlobMounted,
    BlobRewound,
    BlobSkipped,
    BlobStarted,
    Event,
    LogLine,
    Notice,
    StepFinished,
    StepStarted,
)
from keynet.process import shell

PUSH: list[Event] = [
    StepStarted("script", "Validating entrypoint"),
    StepFinished("script", "train.py", 0.1),
    StepStarted("build", "이미지 빌드", "buildah 1.28.2"),
    LogLine("STEP 1/5: FROM \x1b[31mpython\x1b[0m", "build"),
    LogLine("  nested", "build"),
    Notice("The context holds .env."),
    Notice("One project.", "note"),
    StepFinished("build", "", 2.0),
    StepStarted("push", "Pushing", "registry.example.com/a/b"),
    BlobStarted("sha256:1", 1000),
    BlobAdvanced("sha256:1", 600),
    BlobRewound("sha256:1", 0),
    BlobAdvanced("sha256:1", 1000),
    BlobFinished("sha256:1"),
    BlobSkipped("sha256:2", 2000),
    BlobMounted("sha256:3", 3000),
    BlobStarted("config", None),
    BlobFinished("config"),
    StepFinished("push", "", 1.0),
]


def lines(verbosity: Verbosity, capsys: pytest.CaptureFixture[str]) -> list[str]:
    with show(verbosity) as emit:
        for event in PUSH:
            emit(event)
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err.splitlines()


def test_a_pipe_gets_plain_aligned_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(Verbosity.NORMAL, capsys) == [
        "Validating entrypoint       train.py",
        "이미지 빌드                 buildah 1.28.2",
        "  STEP 1/5: FROM python",
        "    nested",
        "Warning: The context holds .env.",
        "Note: One project.",
        "Pushing                     registry.example.com/a/b",
        "                            1.0 kB sent, 2 of 4 already present",
    ]


def test_quiet_shows_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(Verbosity.QUIET, capsys) == ["Warning: The context holds .env."]


@pytest.mark.medium
def test_verbose_adds_the_engines_commands(capsys: pytest.CaptureFixture[str]) -> None:
    for verbosity, shown in ((Verbosity.NORMAL, ""), (Verbosity.VERBOSE, "  $ true 'a b'\n")):
        with show(verbosity):
            shell.run(shell.Command(("true", "a b")))
        assert capsys.readouterr().err == shown


def test_quiet_and_verbose_contradict() -> None:
    with pytest.raises(click.UsageError):
        Verbosity.of(quiet=True, verbose=True)
    assert Verbosity.of(quiet=True, verbose=False) is Verbosity.QUIET
    assert Verbosity.of(quiet=False, verbose=True) is Verbosity.VERBOSE
    assert Verbosity.of(quiet=False, verbose=False) is Verbosity.NORMAL


SILENT_PUSH: list[Event] = [
    StepStarted("push", "Pushing", "registry.example.com/a/b"),
    BlobStarted("sha256:1", None),
    BlobStarted("sha256:2", None),
    BlobSkipped("sha256:3", None),
    BlobFinished("sha256:1"),
]
# docker names all layers first, then says one by one how large they are.
LATE_SIZES: list[Event] = [
    StepStarted("push", "Pushing", "registry.example.com/a/b"),
    BlobStarted("sha256:1", None),
    BlobSkipped("sha256:2", None),
    BlobStarted("sha256:1", 5000),
    BlobAdvanced("sha256:1", 4000),
]


def on_terminal(environment: dict[str, str], events: str = "PUSH") -> str:
    """Show the events on a pseudo-terminal and give what it received."""
    program = (
        f"from tests.unit.cli.test_render import {events}\n"
        "from keynet.cli.render import show\n"
        "with show() as emit:\n"
        f"    for event in {events}: emit(event)\n"
    )
    leader, follower = pty.openpty()
    base = {k: v for k, v in os.environ.items() if k not in {"NO_COLOR", "TERM", "CI"}}
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=follower,
        cwd=Path(__file__).parents[3], env=base | {"TERM": "xterm-256color"} | environment,
    )  # fmt: skip
    os.close(follower)
    received = b""
    while True:
        try:
            block = os.read(leader, 65536)
        except OSError:  # Linux reports the closed other end so.
            break
        if not block:
            break
        received += block
    os.close(leader)
    assert child.wait(timeout=120) == 0
    return received.decode()


@pytest.mark.medium
def test_a_terminal_gets_a_bar_and_colours() -> None:
    received = on_terminal({})
    assert "━" in received
    assert "\x1b[1m" in received
    assert "6.0 kB" in received


@pytest.mark.medium
def test_an_engine_that_reports_no_bytes_gets_a_bar_of_layers() -> None:
    received = on_terminal({}, "SILENT_PUSH")
    assert "2 of 3 layers" in received
    assert "bytes" not in received
    # The cursor, hidden for the bar, is back at the end.
    assert received.rindex("\x1b[?25h") > received.rindex("\x1b[?25l")


@pytest.mark.slow
def test_the_bar_counts_bytes_as_soon_as_a_size_is_known() -> None:
    received = on_terminal({}, "LATE_SIZES")
    assert "4.0/5.0 kB" in received


@pytest.mark.medium
def test_no_color_leaves_colours_out() -> None:
    received = on_terminal({"NO_COLOR": "1"})
    assert "\x1b[1m" not in received
    assert "\x1b[33m" not in received


@pytest.mark.medium
def test_a_dumb_terminal_gets_no_bar() -> None:
    assert "━" not in on_terminal({"TERM": "dumb"})
