"""What ``keynet --help`` must not load: start-up is what users wait for every time."""

import json
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

ROOT = Path(__file__).parent.parent

HEAVY = [
    "httpx",
    "pydantic",
    "rich",
    "sh",
    "oras",
    "asyncio",
    "platformdirs",
    "starlette",
    "ssl",
]

PROGRAM = """
import sys
from keynet.cli.main import run
status = run({arguments!r})
loaded = [name for name in {heavy!r} if name in sys.modules]
print("LOADED", *loaded)
sys.exit(status)
"""


def loaded_by(*arguments: str, heavy: list[str] = HEAVY) -> list[str]:
    program = PROGRAM.format(arguments=list(arguments), heavy=heavy)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    last = done.stdout.splitlines()[-1]
    assert last.startswith("LOADED")
    return last.split()[1:]


@pytest.mark.medium
def test_help_loads_click_and_nothing_of_weight() -> None:
    assert loaded_by("--help") == []


@pytest.mark.medium
def test_version_loads_nothing_of_weight() -> None:
    assert loaded_by("--version") == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    ["build", "clean", "completion", "config", "doctor", "image", "login", "logout", "params",
     "project", "ps", "push", "registry", "sandbox"],
)  # fmt: skip
def test_the_help_of_a_command_loads_nothing_of_weight(command: str) -> None:
    assert loaded_by(command, "--help") == []


@pytest.mark.medium
def test_a_program_that_uses_httpx_is_spared_its_command_line() -> None:
    program = (
        "import sys; from keynet.cli.main import run; run(['--version']); import httpx;"
        "print('LOADED', *{'rich', 'pygments', 'httpx._main'} & {n for n in sys.modules"
        " if sys.modules[n]})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.splitlines()[-1] == "LOADED"


def _program(*arguments: str, stdout: int | IO[bytes]) -> subprocess.CompletedProcess[bytes]:
    argv = [sys.executable, "-m", "keynet", *arguments]
    return subprocess.run(
        argv, stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=300, cwd=ROOT
    )


@pytest.mark.slow
def test_all_is_written_and_the_status_kept_at_the_end() -> None:
    many = _program("params", "examples/digits/train.py", "--json", stdout=subprocess.PIPE)
    assert many.returncode == 0
    assert json.loads(many.stdout)["parser_type"] == "argparse"
    assert _program("params", "no-such.py", stdout=subprocess.PIPE).returncode == 3
    assert _program("no-such-command", stdout=subprocess.PIPE).returncode == 2


@pytest.mark.medium
def test_a_full_disk_is_told_and_no_bug() -> None:
    with Path("/dev/full").open("wb") as full:
        done = _program("params", "examples/digits/train.py", "--json", stdout=full)
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: Cannot write the output: No space left on device.")


@pytest.mark.medium
def test_importing_keynet_loads_no_library() -> None:
    program = "import sys, keynet; print(sorted(set(sys.modules) & {'click', 'httpx', 'pydantic'}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout == "[]\n"
