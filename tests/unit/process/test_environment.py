"""How the environment of the engines differs from this process's own."""

import os
from pathlib import Path

import pytest

from keynet.process.environment import for_programs
from tests.unit.conftest import Machine


def test_an_environment_in_order_stays_as_it_is(machine: Machine) -> None:
    own = {"HOME": str(machine.home), "TMPDIR": str(machine.home), "A": "b"}
    assert for_programs(own) == own


def test_a_folder_for_temporary_files_that_is_not_there_is_left_out(machine: Machine) -> None:
    assert for_programs({"TMPDIR": "/no/such/folder", "A": "b"}) == {"A": "b"}
    assert for_programs({"TMPDIR": ""}) == {}


def test_another_users_runtime_folder_is_left_out(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {"XDG_RUNTIME_DIR": str(machine.home)}
    assert for_programs(own) == own
    monkeypatch.setattr(os, "geteuid", lambda: 54_321)
    assert for_programs(own) == {}


def test_a_home_that_cannot_be_written_is_replaced_and_its_settings_are_kept(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (machine.home / ".docker").mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "kept"))
    real, home = os.access, machine.home
    monkeypatch.setattr(
        os, "access", lambda path, mode: real(path, mode) and not (mode & os.W_OK and path == home)
    )
    replaced = for_programs({"HOME": str(home)})
    assert replaced == {
        "HOME": str(tmp_path / "kept/keynet/home"),
        "DOCKER_CONFIG": str(home / ".docker"),
    }
    assert Path(replaced["HOME"]).is_dir()
