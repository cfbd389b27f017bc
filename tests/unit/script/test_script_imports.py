"""What a script imports for certain, through the files of its project."""

import textwrap
import time
from pathlib import Path

import pytest

from keynet.script import imports, training_script
from keynet.script.imports import Import, Imports


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


def _read(project: Path, text: str, name: str = "train.py") -> Imports:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(text))
    return imports.read(training_script.load(path))


def _tops(found: Imports) -> list[str]:
    return [each.top for each in found.modules]


def test_each_module_is_listed_once_with_its_line(project: Path) -> None:
    found = _read(project, "import os, cv2\nfrom sklearn.svm import SVC\nimport sklearn.tree\n")
    assert found.modules == (
        Import("os", "train.py", 1),
        Import("cv2", "train.py", 1),
        Import("sklearn.svm", "train.py", 2),
    )


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import wandb\nexcept ImportError:\n    wandb = None\n",
        "try:\n    import wandb\nexcept (ModuleNotFoundError, OSError):\n    pass\n",
        "try:\n    import wandb\nexcept:\n    pass\n",
        "try:\n    import json\nexcept ImportError:\n    import wandb\n",
        "import sys\nif sys.platform == 'win32':\n    import wandb\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import wandb\n",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import wandb\n",
        "from lib import try_import\nwith try_import() as imports:\n    import wandb\n",
        "import torch\nwith torch.no_grad(), optional:\n    import wandb\n",
        "def plot():\n    import wandb\n",
        "for _ in ():\n    import wandb\n",
    ],
)
def test_what_may_not_run_or_may_fail_is_left_out(project: Path, text: str) -> None:
    assert "wandb" not in _tops(_read(project, text))


@pytest.mark.parametrize(
    "text",
    [
        "if __name__ == '__main__':\n    import wandb\n",
        "def main():\n    import wandb\n",
        "try:\n    import wandb\nfinally:\n    pass\n",
        "try:\n    import wandb\nexcept KeyError:\n    pass\n",
        "class A:\n    import wandb\n",
        "import warnings\nwith warnings.catch_warnings():\n    import wandb\n",
    ],
)
def test_what_runs_whenever_the_script_does_is_listed(project: Path, text: str) -> None:
    assert "wandb" in _tops(_read(project, text))


def test_imports_are_followed_through_the_project(project: Path) -> None:
    (project / "models").mkdir()
    (project / "models" / "__init__.py").write_text("import einops\n")
    (project / "models" / "net.py").write_text(
        "import torchvision\nfrom . import losses\nfrom .heads import Head\n"
        "def later():\n    import wandb\nif __name__ == '__main__':\n    import fire\n"
    )
    (project / "models" / "losses.py").write_text("import kornia\n")
    (project / "models" / "heads.py").write_text("import timm\nfrom models import net\n")
    (project / "unused.py").write_text("import xgboost\n")
    found = _read(project, "from models.net import Net\n")
    assert found.modules == (
        Import("einops", "models/__init__.py", 1),
        Import("torchvision", "models/net.py", 1),
        Import("kornia", "models/losses.py", 1),
        Import("timm", "models/heads.py", 1),
    )


def test_a_broken_file_of_the_project_is_passed_over(project: Path) -> None:
    (project / "broken.py").write_text("import cv2\ndef (:\n")
    assert _tops(_read(project, "import broken\nimport yaml\n")) == ["yaml"]


@pytest.mark.medium
def test_a_large_project_is_read_in_bounds(project: Path) -> None:
    for number in range(500):
        (project / f"m{number}.py").write_text(f"import m{number + 1}\nimport other{number}\n")
    assert 10 < len(_read(project, "import m0\n").modules) < 500


@pytest.mark.parametrize(
    "call",
    [
        "os.system('pip install -q wandb')",
        "subprocess.check_call([sys.executable, '-m', 'pip', 'install', 'wandb'])",
        "subprocess.run(f'{sys.executable} -m pip install wandb', shell=True)",
        "def install():\n    subprocess.run(('pip3', 'install', 'wandb'))\ninstall()",
    ],
)
def test_nothing_is_certain_of_a_script_that_installs_packages(project: Path, call: str) -> None:
    assert _tops(_read(project, f"import os, subprocess, sys\n{call}\nimport wandb\n")) == []


def test_a_message_that_names_pip_changes_nothing(project: Path) -> None:
    text = "# pip install wandb\nprint('use pip install wandb')\nimport wandb\n"
    assert _tops(_read(project, text)) == ["wandb"]


def test_modules_that_the_script_stands_in_for_are_left_out(project: Path) -> None:
    text = "import sys, types\nsys.modules['apex.amp'] = sys.modules['wandb'] = types\n"
    assert _tops(_read(project, f"{text}import apex, wandb, torch\n")) == ["sys", "types", "torch"]


@pytest.mark.medium
def test_own_modules_are_found_among_many_imports(project: Path) -> None:
    (project / "own.py").write_text("import wandb\n")
    (project / "package").mkdir()
    (project / "package" / "__init__.py").write_text("import torch\n")
    many = "".join(f"import module_{number}\n" for number in range(1_000))
    tops = _tops(_read(project, f"{many}import own, package, other\n"))
    assert tops[-3:] == ["other", "wandb", "torch"]
    assert len(tops) == 1_003


@pytest.mark.slow
def test_fifty_thousand_imports_are_read_in_little_time(project: Path) -> None:
    text = "".join(f"import module_{number}\n" for number in range(50_000))
    began = time.process_time()
    assert len(_read(project, text).modules) == 50_000
    assert time.process_time() - began < 2
