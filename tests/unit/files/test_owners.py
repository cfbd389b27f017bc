"""Tokens of processes: alive, dead, and of another place."""

import os
import re
from pathlib import Path

import pytest

from keynet.files import folder_parents, owners
from keynet.files.living_folders import living
from keynet.files.owners import PATTERN, Fate, Owners


def test_a_process_has_one_token_and_is_alive() -> None:
    token = owners.token()
    assert re.fullmatch(PATTERN, token)
    assert owners.token() == token


def test_a_token_lives_as_long_as_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with living(owners.KIND, folder_parents.runtime()) as folder:
        token = owners.of(folder)
        known = Owners.now()
        assert known.fate(token) is Fate.ALIVE
        assert token in known.others
    assert Owners.now().fate(token) is Fate.DEAD


def test_nobody_knows_the_owner_of_another_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = owners.of(tmp_path / "keynet-process-0123456789abcdef")
    assert re.fullmatch(PATTERN, elsewhere)
    assert Owners.now().fate(elsewhere) is Fate.UNKNOWN
    assert Owners.now().fate("") is Fate.UNKNOWN
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert Owners.now().fate(elsewhere) is Fate.DEAD


def test_a_place_that_only_another_environment_names_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    with living(owners.KIND, folder_parents.runtime()) as folder:
        monkeypatch.delenv("XDG_RUNTIME_DIR")
        assert Owners.now().fate(owners.of(folder)) is Fate.ALIVE


def test_notes_are_read_of_the_living_and_of_the_dead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners.note("engine image a")
    assert owners.notes()[owners.token()][-1] == "engine image a"
    tmp_path.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    dead = tmp_path / f"keynet-{owners.KIND}-0123456789abcdef"
    dead.mkdir(mode=0o700)
    (dead / "notes").write_text("engine image b\n")
    assert owners.notes()[owners.of(dead)] == ["engine image b"]


@pytest.mark.medium
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_copy_of_a_process_is_another_owner() -> None:
    read, write = os.pipe()
    mine = owners.token()
    child = os.fork()
    if not child:
        os.write(write, owners.token().encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 24).decode() != mine
    os.close(read)
    os.close(write)
