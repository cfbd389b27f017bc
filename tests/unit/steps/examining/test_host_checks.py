"""What is found on this machine."""

import os
from pathlib import Path

import pytest

from keynet.steps.examining import disks, host_checks
from keynet.steps.examining.check import Check, Group
from tests.tables import table
from tests.unit.conftest import Machine


def _shown(name: str) -> list[Check]:
    found = next(each for each in host_checks.examinations([]) if each.name == name)
    shown: list[Check] = []
    found.examine(shown.append)
    return shown


@table(
    ("files", "version"),
    [
        (["cgroup.controllers"], "2"),
        (["unified/cgroup.controllers", "memory/x"], "1 (hybrid)"),
        (["memory/x"], "1"),
        ([], ""),
    ],
)
def test_the_version_of_control_groups(tmp_path: Path, files: list[str], version: str) -> None:
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    assert host_checks.cgroup_version(tmp_path) == version


def test_a_missing_tmpdir_can_be_created(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del machine
    folder = tmp_path / "no" / "such"
    monkeypatch.setenv("TMPDIR", str(folder))
    (check,) = _shown("temporary")
    assert not check.ok
    assert str(folder) in check.fix
    assert check.repair is not None
    assert check.repair.act is not None
    check.repair.act()
    assert folder.stat().st_mode & 0o777 == 0o700
    (again,) = _shown("temporary")
    assert str(folder) in again.found


def test_a_tmpdir_that_is_a_file_is_not_repaired(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del machine
    (tmp_path / "file").touch()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "file"))
    (check,) = _shown("temporary")
    assert (check.ok, check.repair) == (False, None)


def test_the_gpu_is_the_platforms() -> None:
    (check,) = _shown("GPU")
    assert check.ok
    assert "the platform trains on its own GPU" in check.found


def test_a_disk_is_full_when_too_little_is_free(tmp_path: Path) -> None:
    def check(least: int) -> Check:
        return disks.folder_check("x", Group.MACHINE, tmp_path / "new", least=least, fix="clean")

    assert check(0).fix == ""
    assert (check(2**62).ok, check(2**62).fix) == (False, "clean")
    assert check(0).measured
    assert f"{tmp_path}/new, " in check(0).found


def test_root_needs_no_subordinate_ids() -> None:
    shown = _shown("rootless")
    assert bool(shown) == (os.geteuid() != 0)


@pytest.mark.parametrize(
    ("count", "said"), [(1, "has 1 subordinate id: "), (1000, "has 1000 subordinate ids: ")]
)
def test_too_few_subordinate_ids_are_counted(tmp_path: Path, count: int, said: str) -> None:
    files = (tmp_path / "subuid", tmp_path / "subgid")
    for file, number in zip(files, (count, 65_536), strict=True):
        file.write_text(f"{os.geteuid()}:100000:{number}\n")
    check = host_checks.subids(files)
    assert check is not None
    assert said in check.found
    assert "usermod --add-subuids" in check.fix
