"""``scripts/demo`` as an ordinary user runs it: Python, and no engine in PATH."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.testbed.images import Hub
from tests.testbed.machine import CHECKOUT
from tests.testbed.user import OrdinaryUser

from .direct_pushing import path_without_engines

pytestmark = pytest.mark.matrix

PARTS = ("keynet", "examples", "scripts", "docs")
FILES = ("pyproject.toml", "README.md", "LICENSE", "Containerfile.template")


@pytest.fixture
def checkout(bed: Path) -> Path:
    """A checkout that the user may read, not write."""
    folder = bed / "demo-checkout"
    folder.mkdir(mode=0o755)
    ignored = shutil.ignore_patterns("__pycache__")
    for name in PARTS:
        shutil.copytree(CHECKOUT / name, folder / name, ignore=ignored)
    for name in FILES:
        shutil.copyfile(CHECKOUT / name, folder / name)
    subprocess.run(["chmod", "-R", "a+rX,go-w", str(folder)], check=True)
    return folder


def test_an_ordinary_user_needs_python_alone(
    user_without_subids: OrdinaryUser, hub: Hub, checkout: Path, bed: Path
) -> None:
    user = user_without_subids
    tools = path_without_engines(bed / "demo-tools")
    temporary = bed / "demo-tmp"
    temporary.mkdir(mode=0o700)
    user.own(temporary)
    done = user.run(
        [str(checkout / "scripts/demo")],
        env={"PATH": str(tools), "BASE_IMAGE": hub.reference("slim"), "TMPDIR": str(temporary)},
        timeout_s=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "learning_rate" in done.stdout
    assert "keynet: context" in done.stdout
    assert "scikit-learn " in done.stdout
    assert "Left out, as it needs an engine" in done.stderr
    assert not user.processes()
    assert not list(temporary.glob("keynet-demo-*"))
