"""Two files of a folder that list different versions are named, once."""

from pathlib import Path

import pytest

from .projects import OWN, find, write

PINNED = "numpy==1.26.4\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", OWN + 'dependencies = ["numpy>=2"]\n'),
        ("Pipfile", '[packages]\nnumpy = "==1.25.0"\n'),
        ("environment.yml", "dependencies: [numpy=2.1]\n"),
        ("setup.py", "from setuptools import setup\nsetup(install_requires=['numpy~=2.0'])\n"),
    ],
)
def test_another_version_in_another_file_is_named(tmp_path: Path, name: str, text: str) -> None:
    _found, notices = find(write(tmp_path, {"requirements.txt": PINNED, name: text}))
    assert len(notices) == 1
    assert f"{name} is not read: it lists other versions, such as numpy" in notices[0]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", OWN + 'dependencies = ["numpy>=1.20", "scipy==9"]\n'),
        ("environment.yml", "dependencies: [numpy=1.26]\n"),
        ("Pipfile", "[packages\n"),
    ],
)
def test_files_that_agree_or_cannot_be_read_are_not(tmp_path: Path, name: str, text: str) -> None:
    assert find(write(tmp_path, {"requirements.txt": PINNED, name: text}))[1] == []
