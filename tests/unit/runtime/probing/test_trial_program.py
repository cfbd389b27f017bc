"""The program that a trial runs."""

import platform
import subprocess
from pathlib import Path

import pytest

from keynet.runtime.probing.trial_program import exit_program, write_context


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_program_is_a_tiny_elf(architecture: str) -> None:
    content = exit_program(architecture)
    assert content[:5] == b"\x7fELF\x02"
    assert len(content) < 140


def test_program_ends_with_status_0(tmp_path: Path) -> None:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    program = tmp_path / "program"
    program.write_bytes(exit_program(machine))
    program.chmod(0o755)
    assert subprocess.run([program], check=False).returncode == 0


def test_an_architecture_without_a_program_is_tried_by_copy_alone(tmp_path: Path) -> None:
    assert write_context(tmp_path, "amd64", run=True)
    assert "RUN" in (tmp_path / "Containerfile").read_text()
    assert not write_context(tmp_path, "s390x", run=True)
    assert "RUN" not in (tmp_path / "Containerfile").read_text()
    assert (tmp_path / "program").read_bytes()
