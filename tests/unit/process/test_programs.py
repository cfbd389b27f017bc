"""A program is never taken from a folder that depends on where keynet was started."""

import asyncio
import os
from pathlib import Path

import pytest

from keynet.errors import EngineUnavailable, UsageError
from keynet.process import environment, programs, shell
from keynet.process.shell import Command
from keynet.registry.auth.credential_helper import ask_helper


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder is a repository with programs of somebody else."""
    folder = tmp_path / "repository"
    (folder / "bin").mkdir(parents=True)
    for name in ("docker", "bin/docker", "docker-credential-pass", "no-program"):
        (folder / name).write_text(f"#!/bin/sh\n: > {tmp_path}/started\n")
        (folder / name).chmod(0o755)
    monkeypatch.chdir(folder)
    return tmp_path / "started"


@pytest.mark.medium
@pytest.mark.parametrize("path", ["", ":", ".", "bin", ":/nonexistent", "/nonexistent:", "./bin"])
def test_an_empty_or_relative_entry_of_path_starts_nothing(
    trap: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("PATH", path)
    assert programs.find("docker") is None
    with pytest.raises(EngineUnavailable):
        shell.run(Command(("docker", "version")))
    done = shell.run(Command(("/bin/sh", "-c", "no-program")))
    assert done.status == 127
    assert not trap.exists()


@pytest.mark.parametrize("path", ["", ".:/usr/bin:/bin"])
def test_no_credential_helper_of_the_current_folder_is_asked(
    trap: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("PATH", path)
    for name in ("pass", "pass/../docker"):
        with pytest.raises(UsageError, match="cannot be used"):
            asyncio.run(ask_helper(name, "registry.example.com", 5))
    assert not trap.exists()


@pytest.mark.parametrize("name", ["./docker", "bin/docker", "../repository/docker"])
def test_a_relative_path_starts_nothing(trap: Path, name: str) -> None:
    assert programs.find(name) is None
    with pytest.raises(EngineUnavailable):
        shell.run(Command((name,)))
    assert not trap.exists()


def test_the_absolute_entries_are_kept_in_their_order(
    trap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "docker").write_text("#!/bin/sh\n")
    monkeypatch.setenv("PATH", f":bin:{folder}:/usr/bin::.:/bin:")
    # Not executable.
    assert programs.find("docker") != str(folder / "docker")
    (folder / "docker").chmod(0o755)
    assert programs.find("docker") == str(folder / "docker")
    assert environment.for_programs(os.environ)["PATH"] == f"{folder}:/usr/bin:/bin"
    assert not trap.exists()


def test_programs_of_the_system_are_found_without_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PATH")
    assert programs.find("sh") in {"/bin/sh", "/usr/bin/sh"}
    assert shell.run(Command(("sh", "-c", "exit 3"))).status == 3
