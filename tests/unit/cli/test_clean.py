"""``keynet ps`` and ``keynet clean``: what is listed, asked, removed and spared."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keynet.cli.leftovers import age_of
from tests.tables import table

from .conftest import Platform, Terminal, keynet

Capture = pytest.CaptureFixture[str]

_HOLDER = """
import sys
from keynet.files import folder_parents, owners
from keynet.files.living_folders import living
with living("auth", folder_parents.runtime()) as folder:
    print(owners.token(), folder, flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_command() -> Iterator[tuple[str, Path]]:
    """Another command of keynet, with its token and a folder of its own; killed at the end."""
    argv = [sys.executable, "-c", _HOLDER]
    with subprocess.Popen(argv, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        token, _space, folder = process.stdout.readline().partition(" ")
        yield token, Path(folder.strip())
        process.kill()


def cache() -> Path:
    return Path(os.environ["XDG_CACHE_HOME"]) / "keynet"


@pytest.mark.slow
def test_clean_asks_and_removes_caches_only_if_told(
    platform: Platform, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keynet("build", "train.py", "--quiet") == 0
    # Whether images are in use depends on what else runs on this machine.
    monkeypatch.setenv("PATH", "/nonexistent")
    capsys.readouterr()
    assert keynet("clean", "--yes") == 0
    shown = capsys.readouterr().err
    assert "There is nothing to remove." in shown
    assert "keynet clean --images or --all" in shown
    assert keynet("clean", "--all") == 2
    assert "--yes" in capsys.readouterr().err
    assert keynet("clean", "--all", "--dry-run") == 0
    assert "Nothing was removed: 1 item would be" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert keynet("clean", "--all") == 0
    assert "Nothing was removed" in capsys.readouterr().err
    assert cache().exists()
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert keynet("clean", "--all") == 0
    assert "Removed 1 item" in capsys.readouterr().err
    assert not cache().exists()


@pytest.mark.medium
def test_what_runs_is_listed_and_spared_until_it_is_dead(
    platform: Platform, capsys: Capture
) -> None:
    with other_command() as (_token, folder):
        cache().mkdir(parents=True, exist_ok=True)
        assert keynet("ps", "--json") == 0
        found = json.loads(capsys.readouterr().out)
        states = {(each["kind"], each["name"]): each["state"] for each in found}
        assert states[("folder", str(folder))] == "in use"
        assert states[("cache", str(cache()))] == "in use"
        assert any(kind == "process" and "folder_parents" in name for kind, name in states)
        assert keynet("clean", "--all", "--yes") == 0
        shown = capsys.readouterr().err
        assert "in use and stay" in shown
        assert folder.exists()
        assert cache().exists()
    assert keynet("ps") == 0
    assert re.search(rf"folder +{folder} +\d+ s +\d+ B +left", capsys.readouterr().out)
    assert keynet("clean", "--yes") == 0
    assert "Removed 2 items" in capsys.readouterr().err
    assert not folder.exists()
    assert cache().exists()


@table(
    ("age", "shown"),
    [
        (timedelta(seconds=-5), "0 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=3), "3 min"),
        (timedelta(hours=23), "23 h"),
        (timedelta(days=9), "9 d"),
    ],
)
def test_ages_have_one_unit(age: timedelta, shown: str) -> None:
    now = datetime.now(UTC)
    assert age_of(now - age, now) == shown
    assert age_of(None, now) == ""
