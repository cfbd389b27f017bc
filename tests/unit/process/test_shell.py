"""Running programs: output, secrets, time, signals."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from keynet.errors import EngineError, EngineUnavailable, Interrupted
from keynet.files import owners
from keynet.files.uninterrupted import uninterrupted
from keynet.process import descendants, shell, signals
from keynet.process.shell import Command
from keynet.secret import Secret
from tests.unit.process.waiting import gone, until


def _sh(script: str, **options: Any) -> Command:
    return Command(("/bin/sh", "-c", script), **options)


def test_status_and_both_streams_are_given() -> None:
    finished = shell.run(_sh("echo out; echo err >&2; exit 3"))
    assert (finished.status, finished.stdout, finished.stderr) == (3, "out", "err")


def test_a_program_that_a_signal_ended_has_a_negative_status() -> None:
    assert shell.run(_sh("kill -9 $$")).status == -9


@pytest.mark.medium
def test_lines_come_while_the_program_runs(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    seen: list[str] = []

    def on_line(line: str) -> None:
        seen.append(line)
        if line == "first":
            gate.write_text("go")

    shell.run(_sh(f"echo first; cat {gate} > /dev/null; echo last"), on_stdout=on_line)
    assert seen == ["first", "last"]


@pytest.mark.medium
def test_carriage_returns_and_broken_utf8_do_not_split_or_stop() -> None:
    finished = shell.run(_sh(r"printf '1\r2\r3\n\377x\nend'"))
    assert finished.stdout == "1\r2\r3\n\ufffdx\nend"


def test_a_terminal_shows_each_line_as_it_was_drawn() -> None:
    seen: list[str] = []
    draw = r"test -t 2 && stty size <&1; printf 'a 1\r\033[Ka 2\n\n\033[1Aend'; echo e >&2"
    finished = shell.run(_sh(draw, terminal=True), on_stdout=seen.append)
    assert seen == ["500 200", "a 1", "a 2", "end"]
    assert (finished.stdout, finished.stderr) == ("\n".join(seen), "e")


def test_a_secret_that_is_drawn_in_colours_is_hidden() -> None:
    drawn = _sh(r"printf 'pass\033[1mword\033[0m!\n'", terminal=True, secrets=(Secret("password"),))
    assert shell.run(drawn).stdout == "***!"


@pytest.mark.medium
def test_a_callback_that_raises_ends_the_program() -> None:
    def on_line(line: str) -> None:
        raise EngineError("stop")

    with pytest.raises(EngineError, match="stop"):
        shell.run(_sh("echo x; exec sleep 60"), on_stdout=on_line)


@pytest.mark.medium
def test_a_secret_is_typed_in_and_replaced_in_the_output() -> None:
    finished = shell.run(
        _sh("read x; echo got $x $PROXY $(printf $x | base64)", stdin=Secret("hunter22"))
    )
    assert finished.stdout == "got *** ***"
    proxied = shell.run(_sh("echo $PROXY >&2", environment={"PROXY": Secret("http://u:p@h")}))
    assert proxied.stderr == "***"
    hidden = shell.run(_sh("echo abc-xyz", secrets=(Secret("xyz"),)))
    assert hidden.stdout == "abc-***"


@pytest.mark.medium
def test_an_observer_sees_each_command_without_secrets() -> None:
    seen: list[str] = []
    password = Secret("hunter2hunter2")
    with shell.observed(seen.append):
        shell.run(Command(("cat",), stdin=password))
        shell.run(
            Command(("true", "a b", "K=hunter2hunter2", "http://u:p@proxy:1"), secrets=(password,))
        )
    shell.run(Command(("true",)))
    assert seen == ["cat", "true 'a b' K=*** http://***@proxy:1"]


@pytest.mark.medium
def test_secrets_reach_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        shell.run(_sh("cat", stdin=Secret("hunter22")))
    assert "hunter22" not in caplog.text


def test_no_secret_is_in_the_repr() -> None:
    command = Command(("x",), environment={"A": "value-of-a"}, stdin=Secret("hunter22"))
    assert "hunter22" not in repr(command)
    assert "value-of-a" not in repr(command)


def test_a_variable_can_be_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OF_THE_TEST", "here")
    command = _sh("echo ${OF_THE_TEST-gone}", environment={"OF_THE_TEST": None})
    assert shell.run(command).stdout == "gone"


@pytest.mark.medium
def test_a_writer_feeds_standard_input() -> None:
    def write(pipe: BinaryIO) -> None:
        pipe.write(b"x" * 1_000_000)

    assert shell.run(_sh("wc -c", stdin=write)).stdout.strip() == "1000000"


def test_a_program_that_does_not_read_its_input_is_no_failure() -> None:
    def write(pipe: BinaryIO) -> None:
        pipe.write(b"x" * 10_000_000)

    assert shell.run(_sh("exit 4", stdin=write)).status == 4


@pytest.mark.medium
def test_a_writer_that_fails_is_heard() -> None:
    def write(pipe: BinaryIO) -> None:
        raise FileNotFoundError(2, "gone")

    with pytest.raises(FileNotFoundError):
        shell.run(_sh("cat", stdin=write))


def test_a_missing_program_is_named() -> None:
    with pytest.raises(EngineUnavailable, match="keynet-no-such-program"):
        shell.run(Command(("keynet-no-such-program",)))


@pytest.mark.slow
def test_a_program_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"setsid sleep 600 & echo $! > {pids}; echo $$ >> {pids}; wait"
    with pytest.raises(EngineError, match="did not answer"):
        # Enough for both programs to have begun on a busy machine.
        shell.run(_sh(script), timeout_s=3)
    gone([int(pid) for pid in pids.read_text().split()])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_and_what_it_started(
    tmp_path: Path, number: signal.Signals
) -> None:
    pids = tmp_path / "pids"
    # The child in a session of its own is not reached by the group's signal.
    script = f"setsid sleep 600 & echo $! > {pids}; echo $$ >> {pids}; echo ready; wait"

    def on_line(line: str) -> None:
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    with pytest.raises(Interrupted):
        shell.run(_sh(script), on_stdout=on_line)
    assert signal.getsignal(number) is before
    gone([int(pid) for pid in pids.read_text().split()])


@pytest.mark.slow
def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        finished = shell.run(
            _sh("echo; sleep 0.2; echo end"),
            on_stdout=lambda _: os.kill(os.getpid(), signal.SIGHUP),
        )
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert finished.stdout == "\nend"


@pytest.mark.medium
def test_status_0_after_a_signal_is_no_success() -> None:
    def on_line(line: str) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted):
        shell.run(_sh("trap 'exit 0' TERM; echo ready; read x"), on_stdout=on_line)


@pytest.mark.medium
def test_a_second_signal_does_not_wait() -> None:
    def on_line(line: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted):
        shell.run(
            _sh("trap 'echo again' INT; echo ready; while :; do sleep 1; done"), on_stdout=on_line
        )


@pytest.mark.slow
@pytest.mark.parametrize("presses", [1, 2, 3])
def test_what_tidies_comes_to_its_end_whatever_is_pressed(tmp_path: Path, presses: int) -> None:
    file = tmp_path / "file"

    def on_line(line: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    script = f"for each in $(seq {presses}); do echo ready; sleep 0.2; done; echo tidied > {file}"
    with pytest.raises(Interrupted):
        shell.run(shell.in_turn([("sh", "-c", script)], tidying=True), on_stdout=on_line)
    assert file.read_text() == "tidied\n"


@pytest.mark.medium
def test_a_step_that_no_signal_divides_runs_all_its_programs(tmp_path: Path) -> None:
    """The signal is heard afterwards, by the handler that the caller has."""

    def press(_line: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    def steps() -> None:
        for name in ("first", "second"):
            script = f"echo; sleep 0.05; touch {tmp_path / name}"
            shell.run(shell.Command(("sh", "-c", script), tidying=True), on_stdout=press)

    with pytest.raises(KeyboardInterrupt), uninterrupted():
        steps()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["first", "second"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_a_step_that_hangs_ends_some_seconds_after_a_signal() -> None:
    def press(_line: str) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    began = time.monotonic()
    command = _sh("trap '' INT; echo; exec sleep 600", tidying=True)
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        shell.run(command, on_stdout=press)
    assert time.monotonic() - began < 120


@pytest.fixture
def command_line() -> Iterator[None]:
    """The handlers of the command line."""
    before = signal.signal(signal.SIGINT, signals.interrupting)
    signals.reset()
    yield
    signals.reset()
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("command_line")
def test_a_command_line_is_interrupted_once() -> None:
    cleaned = []

    def work() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            for _press in range(3):
                signal.raise_signal(signal.SIGINT)
            cleaned.append("all")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert cleaned == ["all"]


@pytest.mark.usefixtures("command_line")
def test_a_signal_while_a_program_runs_counts_as_the_first() -> None:
    with pytest.raises(Interrupted):
        shell.run(
            Command(("sh", "-c", "echo; exec sleep 600")),
            on_stdout=lambda _line: signal.raise_signal(signal.SIGINT),
        )
    signal.raise_signal(signal.SIGINT)
    signals.reset()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.medium
def test_a_thread_runs_a_program() -> None:
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(shell.run(_sh("echo x")).stdout))
    thread.start()
    thread.join()
    assert found == ["x"]


@pytest.mark.slow
def test_a_daemon_that_keeps_the_pipes_open_does_not_hold_us() -> None:
    finished = shell.run(_sh("setsid sleep 30 & echo $!"), timeout_s=120)
    os.kill(int(finished.stdout), signal.SIGKILL)


@pytest.mark.medium
def test_a_program_runs_while_its_caller_goes_on(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with shell.start(_sh(f"read x < {gate}; echo $x; exit 3")) as running:
        gate.write_text("go\n")
        finished = running.finish()
    assert (finished.status, finished.stdout) == (3, "go")


def test_programs_run_in_turn_whatever_their_statuses_are() -> None:
    command = shell.in_turn([("false",), ("echo", "a b; $HOME 'x'"), ("no-such-program",)])
    finished = shell.run(command)
    assert (finished.status, finished.stdout) == (127, "a b; $HOME 'x'")


@pytest.mark.medium
def test_a_program_that_nobody_waits_for_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    with shell.start(_sh(f"setsid sleep 600 & echo $! $$ > {pids}; wait")):
        started = [int(pid) for pid in pids.read_text().split()]
    gone(started)


@pytest.mark.medium
def test_descriptors_are_closed() -> None:
    shell.run(_sh("true"))
    before = sorted(Path("/proc/self/fd").iterdir())
    for _ in range(3):
        shell.run(_sh("cat", stdin=Secret("x" * 8)))
    assert sorted(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.medium
def test_descendants_are_found_by_their_parents() -> None:
    child = os.spawnv(
        os.P_NOWAIT,
        sys.executable,
        [sys.executable, "-c", "import os,time; os.fork(); time.sleep(60)"],
    )
    until(lambda: bool(descendants.descendants(child)))
    found = descendants.descendants(child)
    assert child not in {process.pid for process in found}
    assert child in {process.pid for process in descendants.descendants(os.getpid())}
    descendants.end(descendants.descendants(os.getpid()), patience_s=0)
    os.waitpid(child, 0)
    gone([process.pid for process in found])


def test_a_program_inherits_none_of_keynets_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYNET_API_TOKEN", "token-of-the-platform")
    monkeypatch.setenv("KEYNET_HARBOR_PASSWORD", "password-of-the-robot")
    monkeypatch.setenv("OF_THE_TEST", "here")
    seen = shell.run(_sh("env")).stdout
    # The token by which keynet finds the program if it outlives this process.
    own = [line for line in seen.splitlines() if "KEYNET_" in line]
    assert own == [f"{owners.VARIABLE}={owners.token()}"]
    assert "OF_THE_TEST=here" in seen
