"""What ``keynet --help`` must not load: start-up is what users wait for every time."""

import subprocess
import sys

import pytest

HEAVY = [
    "httpx",
    "pydantic",
    "rich",
    "sh",
    "oras",
    "jinja2",
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
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    last = done.stdout.splitlines()[-1]
    assert last.startswith("LOADED")
    return last.split()[1:]


def test_help_loads_click_and_nothing_of_weight() -> None:
    assert loaded_by("--help") == []


def test_version_loads_nothing_of_weight() -> None:
    assert loaded_by("--version") == []


@pytest.mark.parametrize(
    "command",
    ["build", "clean", "completion", "config", "doctor", "image", "login", "logout", "params",
     "project", "push", "registry", "sandbox"],
)  # fmt: skip
def test_the_help_of_a_command_loads_nothing_of_weight(command: str) -> None:
    assert loaded_by(command, "--help") == []


def test_importing_keynet_loads_no_library() -> None:
    program = "import sys, keynet; print(sorted(set(sys.modules) & {'click', 'httpx', 'pydantic'}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "[]\n"
