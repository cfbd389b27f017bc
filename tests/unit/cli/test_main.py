import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from keynet import errors
from keynet.cli.main import cli, run
from keynet.errors import BackendError, KeynetError
from tests.tables import table


@pytest.fixture(autouse=True)
def kept_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def raising() -> Iterator[list[BaseException]]:
    """Return a list; the command ``raising`` raises its first member."""
    box: list[BaseException] = []

    @click.command()
    def command() -> None:
        raise box[0]

    cli.add_command(command, "raising")
    yield box
    del cli.commands["raising"]


def test_an_error_shows_message_and_hint_and_gives_its_status(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    raising.append(BackendError("The server failed.", "Try later.\nOr ask."))
    assert run(["raising"]) == 5
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == "Error: The server failed.\n Hint: Try later.\n       Or ask.\n"


def test_a_bug_shows_traceback_and_where_to_report(
    raising: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    raising.append(ZeroDivisionError("a bug"))
    assert run(["raising"]) == 70
    shown = capsys.readouterr().err
    assert "Traceback" in shown
    assert "ZeroDivisionError: a bug" in shown
    assert "report" in shown


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_is_130(
    raising: list[BaseException], interruption: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    raising.append(interruption)
    assert run(["raising"]) == 130
    assert "Interrupted." in capsys.readouterr().err


def test_a_wrong_flag_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--no-such-flag"]) == 2
    assert "--no-such-flag" in capsys.readouterr().err


def test_a_mistyped_command_gets_the_nearest_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["pussh", "train.py"]) == 2
    assert "No such command 'pussh'. Did you mean 'push'?" in capsys.readouterr().err


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["no-such-command"]) == 2
    assert "no-such-command" in capsys.readouterr().err


def test_help_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    assert "push" in capsys.readouterr().out


@pytest.mark.medium
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_in_130_after_the_clean_up(number: signal.Signals) -> None:
    program = (
        "import sys, time, click\n"
        "from keynet.cli.main import cli, run\n"
        "@cli.command('sleep')\n"
        "def sleep():\n"
        "    try:\n"
        "        print('ready', flush=True)\n"
        "        time.sleep(600)\n"
        "    finally:\n"
        "        print('cleaned', flush=True)\n"
        "sys.exit(run(['sleep']))\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    os.kill(child.pid, number)
    out, _err = child.communicate(timeout=120)
    assert out == "cleaned\n"
    assert child.returncode == 130


@pytest.mark.medium
def test_a_reader_that_goes_away_gives_no_traceback() -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m keynet completion bash | head -c 1; exit 0"],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert "Traceback" not in done.stderr


# In a shell, since subprocess cannot close a standard stream of its child.
@pytest.mark.slow
@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_are_no_bug(closed: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr')\np.parse_args()\n"
    )
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m keynet params train.py {closed}', sys.executable],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)


@pytest.mark.medium
def test_a_file_never_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    program = (
        "import os, sys; from keynet.__main__ import _open_closed_streams as opened; opened();"
        "number = os.open('file', os.O_CREAT | os.O_WRONLY); print('lost'); sys.stdout.flush();"
        "sys.exit(number < 3)"
    )
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" <&- >&- 2>&-', sys.executable, program],
        cwd=tmp_path, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, (tmp_path / "file").read_text()) == (0, "")


@pytest.mark.medium
def test_ctrl_c_while_modules_are_imported_is_no_bug(tmp_path: Path) -> None:
    interrupts = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "click.py").write_text(interrupts)
    path = os.pathsep.join([str(tmp_path), *(each for each in sys.path if each)])
    done = subprocess.run(
        [sys.executable, "-m", "keynet", "--version"],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("descriptors", [12, 20])
def test_too_few_descriptors_name_the_limit(descriptors: int, tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f'ulimit -n {descriptors}; "$0" -m keynet ps', sys.executable],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or "ulimit -n" in done.stderr


STATUSES = {
    "KeynetError": 1, "UsageError": 2, "ScriptInvalid": 3, "ContextInvalid": 3, "EngineError": 4,
    "EngineUnavailable": 4, "BuildFailed": 4, "BackendError": 5, "RegistryError": 5, "NotFound": 5,
    "NotAuthorised": 6, "RegistryDenied": 6, "InvalidArchive": 7, "TarReadError": 7,
    "ValidationError": 7, "MetadataNotAttached": 8, "Interrupted": 130,
}  # fmt: skip


@table(("name", "status"), STATUSES.items())
def test_each_error_owns_the_status_of_the_specification(name: str, status: int) -> None:
    assert getattr(errors, name).exit_status == status


def test_every_error_is_in_the_tree() -> None:
    for name in errors.__all__:
        assert issubclass(getattr(errors, name), KeynetError)
        assert name in (errors.__doc__ or "")
