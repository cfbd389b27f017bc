"""What is published: the wheel as a user gets it, and the script that makes a release."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from uv import find_uv_bin

CHECKOUT = Path(__file__).parent.parent
VERSION = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
DATED = f"## {VERSION} (2026-12-01)\n\n"

pytestmark = pytest.mark.packages


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    # scripts/release, below, builds with pip, and installs with it.
    build = [sys.executable, "-m", "build", "--installer", "uv", "--wheel"]
    argv = [*build, "--outdir", str(target), str(CHECKOUT)]
    subprocess.run(argv, check=True, capture_output=True, timeout=300)
    [built] = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment")
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(folder)], check=True, timeout=120)
    python = str(folder / "bin" / "python")
    subprocess.run([uv, "pip", "install", "-q", "-p", python, str(wheel)], check=True, timeout=600)
    return folder


def test_the_wheel_carries_template_catalogue_and_type_marker(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"keynet/Containerfile.template", "keynet/py.typed"} <= names
    assert "keynet/locale/ko/LC_MESSAGES/keynet.mo" in names
    assert not any(name.startswith(("tests/", "scripts/")) for name in names)


def test_the_distribution_is_keynet_cli_and_names_no_address_of_its_own(wheel: Path) -> None:
    assert wheel.name.startswith("keynet_cli-")
    with zipfile.ZipFile(wheel) as archive:
        [name] = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        headers = Parser().parsestr(archive.read(name).decode(), headersonly=True)
    assert headers["Name"] == "keynet-cli"
    assert headers.get_all("Project-URL", []) == []


def test_the_import_name_is_keynet(environment: Path, tmp_path: Path) -> None:
    code = (
        "import keynet; from importlib.metadata import version;"
        "print(version('keynet-cli') == keynet.__version__)"
    )
    done = subprocess.run(
        [str(environment / "bin" / "python"), "-c", code],
        check=True, capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert done.stdout == "True\n"


@pytest.mark.parametrize("name", ["keynet", "keynet-train"])
def test_both_programs_answer(environment: Path, name: str) -> None:
    done = subprocess.run(
        [str(environment / "bin" / name), "--version"],
        check=True, capture_output=True, text=True, timeout=300,
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
        check=True, capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert '"lr"' in shown.stdout
    planned = subprocess.run(
        [program, "build", "--dry-run", str(script)],
        check=True, capture_output=True, text=True, timeout=300, cwd=tmp_path,
    )  # fmt: skip
    assert "FROM docker.io/library/python:3.10-slim" in planned.stdout


# scripts/release


def release(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(tree / "scripts" / "release"), *arguments],
        check=False, capture_output=True, text=True, timeout=600,
    )  # fmt: skip


def test_this_tree_could_be_released() -> None:
    before = set(CHECKOUT.iterdir())
    done = release(CHECKOUT, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "could be released" in done.stderr
    assert set(CHECKOUT.iterdir()) == before


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A committed tree with what is checked before anything is built."""
    for name in ("pyproject.toml", "keynet/__init__.py", "scripts/release"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{DATED}* First.\n")
    for command in (["init"], ["add", "."], ["commit", "--message", "all"]):
        identity = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
        argv = ["git", "-C", str(tmp_path), *identity, *command]
        subprocess.run(argv, check=True, capture_output=True)
    return tmp_path


@pytest.mark.parametrize("flags", [[], ["--dry-run"]])
@pytest.mark.parametrize(
    "entries", ["", "## 0.0.9 (2026-01-01)\n\n* Old.\n", f"{DATED}## 0.0.9 (2026-01-01)\n"]
)
def test_a_version_without_an_entry_in_the_changelog_is_refused(
    tree: Path, entries: str, flags: list[str]
) -> None:
    (tree / "CHANGELOG.md").write_text(f"# Changelog\n\n{entries}")
    done = release(tree, *flags)
    assert (done.returncode, done.stderr) == (
        1,
        f"release: CHANGELOG.md has no entry for {VERSION}\n",
    )


def test_an_unreleased_entry_is_refused(tree: Path) -> None:
    (tree / "CHANGELOG.md").write_text(f"# Changelog\n\n## {VERSION} (unreleased)\n\n* First.\n")
    done = release(tree)
    assert done.returncode == 1
    assert f"CHANGELOG.md has {VERSION} as 'unreleased'" in done.stderr


def test_what_is_not_committed_is_refused(tree: Path) -> None:
    (tree / "new.py").touch()
    done = release(tree)
    assert done.returncode == 1
    assert "not everything is committed" in done.stderr
    assert "new.py" in done.stderr


def test_two_versions_are_refused(tree: Path) -> None:
    (tree / "keynet/__init__.py").write_text('__version__ = "99"\n')
    done = release(tree, "--dry-run")
    assert done.returncode == 1
    assert f"pyproject.toml has version {VERSION}" in done.stderr
