"""Completion as a person has it: a real shell on a terminal, and the Tab key."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.testbed.machine import need

PROMPT = "what now"
WITHIN_S = 180.0
# What docs/commands/completion.md says, with a prompt that a test can wait for.
STARTS = {
    "bash": (".bashrc", 'eval "$(keynet completion bash)"\nPS1="what"" now> "\n'),
    "zsh": (
        ".zshrc",
        'autoload -Uz compinit && compinit -u\neval "$(keynet completion zsh)"\n'
        'PS1="what"" now> "\n',
    ),
    "fish": (".config/fish/config.fish", "function fish_prompt\n  echo 'what now> '\nend\n"),
}


class Shell:
    """An interactive shell; ``shown`` is all that it wrote to its terminal."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self.shown = ""

    def type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode())

    def expect(self, text: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while text not in self.shown:
            ready, _, _ = select.select(
                [self._terminal], [], [], max(0, deadline - time.monotonic())
            )
            assert ready, f"{text!r} did not come: {self.shown!r}"
            self.shown += os.read(self._terminal, 65536).decode(errors="replace")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the scripts that the manual tells of, and a folder with a script in it."""
    for file, text in STARTS.values():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(text)
    completions = tmp_path / ".config/fish/completions"
    completions.mkdir()
    (completions / "keynet.fish").write_text(_keynet(tmp_path, "completion", "fish"))
    # Without this folder fish reads every manual page of the machine, in the background.
    (tmp_path / ".local/share/fish/generated_completions").mkdir(parents=True)
    # A home itself is never taken for a project.
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "training.py").write_text(
        "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--momentum', type=float)\nparser.parse_args()\n"
    )
    return tmp_path


@pytest.mark.parametrize("name", STARTS)
def test_tab_completes_commands_and_choices(home: Path, name: str) -> None:
    with _shell(name, home) as shell:
        shell.type("keynet comp\tba\t\r")
        # Only the script that the completed command prints has this in it.
        shell.expect("_KEYNET_COMPLETE=bash_complete")


@pytest.mark.parametrize("name", STARTS)
def test_tab_completes_the_name_of_a_script(home: Path, name: str) -> None:
    with _shell(name, home) as shell:
        shell.type("keynet build --dry-run trai\t\r")
        shell.expect("momentum")


def test_fish_shows_descriptions_with_commas_whole(home: Path) -> None:
    argv = [need("fish"), "-c", "complete --do-complete 'keynet '"]
    told = subprocess.run(
        argv, env=_environment(home), capture_output=True, text=True, check=True
    ).stdout
    assert "doctor\tCheck whether a push would work here" in told


@contextmanager
def _shell(name: str, home: Path) -> Iterator[Shell]:
    process, terminal = pty.fork()
    if process == 0:
        try:
            os.chdir(home / "project")
            os.execve(need(name), [name, "-i"], _environment(home))
        finally:
            os._exit(127)
    try:
        shell = Shell(terminal)
        shell.expect(PROMPT)
        yield shell
    finally:
        os.kill(process, 9)
        os.waitpid(process, 0)
        os.close(terminal)


def _keynet(home: Path, *arguments: str) -> str:
    keynet = shutil.which("keynet", path=_environment(home)["PATH"])
    assert keynet is not None
    return subprocess.run(
        [keynet, *arguments], env=_environment(home), capture_output=True, text=True, check=True
    ).stdout


def _environment(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "TERM": "xterm",
    }
