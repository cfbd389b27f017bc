"""Terminals whose encoding lacks what is to be shown, as EUC-KR lacks ✨."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1, help="학습률 ✨ 🎉")
parser.parse_args()
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


@pytest.mark.medium
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "euc-kr", "utf-8"])
def test_json_stays_json_in_every_encoding(script: Path, encoding: str) -> None:
    shown = _params(script, encoding, "--json").decode(encoding if encoding != "ascii" else "utf-8")
    assert json.loads(shown)["arguments"][0]["help"] == "학습률 ✨ 🎉"


@pytest.mark.slow
def test_a_table_escapes_only_what_the_encoding_lacks(script: Path) -> None:
    shown = _params(script, "euc-kr").decode("euc-kr")
    assert "학습률 \\u2728 \\ud83c\\udf89" in shown
    assert "학습률 ✨ 🎉" in _params(script, "utf-8").decode()


def _params(script: Path, encoding: str, *flags: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "keynet", "params", str(script), *flags],
        env={**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "120"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
