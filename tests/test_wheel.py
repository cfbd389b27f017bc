"""The wheel as a user gets it: built, installed into an empty environment and used."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parent.parent

pytestmark = pytest.mark.packages


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(target), str(CHECKOUT)],
        check=True, capture_output=True, timeout=300,
    )  # fmt: skip
    [built] = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=120)
    subprocess.run(
        [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", str(wheel)],
        check=True, timeout=600,
    )  # fmt: skip
    return folder


def test_the_wheel_carries_template_catalogue_and_type_marker(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"keynet/Containerfile.template", "keynet/py.typed"} <= names
    assert not any(name.startswith(("tests/", "scripts/")) for name in names)


@pytest.mark.parametrize("name", ["keynet", "keynet-train"])
def test_both_programs_answer(environment: Path, name: str) -> None:
    done = subprocess.run(
        [str(environment / "bin" / name), "--version"],
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.startswith("keynet, version ")


def test_the_installed_program_plans_a_build(environment: Path, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--lr', type=float, default=0.1)\nparser.parse_args()\n"
    )
    program = str(environment / "bin" / "keynet")
    shown = subprocess.run(
        [program, "params", "--json", str(script)],
        check=True, capture_output=True, text=True, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert '"lr"' in shown.stdout
    planned = subprocess.run(
        [program, "build", "--dry-run", str(script)],
        check=True, capture_output=True, text=True, timeout=60, cwd=tmp_path,
    )  # fmt: skip
    assert "FROM docker.io/library/python:3.10-slim" in planned.stdout
