"""How the environment of the engines differs from this process's own."""

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import keynet
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


def _starts(tree: ast.AST) -> Iterator[ast.Call]:
    """Iterate over the calls that start a program, or replace this one by it."""
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            name, owner = call.func.attr, ast.unparse(call.func.value)
            started = owner == "subprocess" and name in ("Popen", "run", "call", "check_call")
            started = started or (owner == "subprocess" and name.startswith(("check", "get")))
            started = started or name.startswith("create_subprocess_")
            if started or (owner == "os" and name.startswith(("exec", "spawn", "system", "popen"))):
                yield call


@pytest.mark.slow
def test_every_program_is_given_an_environment_without_keynets_own() -> None:
    """What runs inside a build has the build's environment."""
    package = Path(keynet.__file__).parent
    checked = 0
    for file in package.rglob("*.py"):
        if "runtime/build/inside" in file.as_posix():
            continue
        source = file.read_text(encoding="utf-8")
        for call in _starts(ast.parse(source)):
            assert any(each.arg == "env" for each in call.keywords), (file, call.lineno)
            assert "without_own(" in source or "for_programs(" in source, file
            checked += 1
    assert checked >= 2
