"""Different versions of a package: in two files of a folder, or in the requirements."""

from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from tests.tables import table

from .projects import OWN, find, write

PINNED = "numpy==1.26.4\n"


@table(
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


@table(
    "files",
    [
        {"requirements.txt": "six==1.16.0\nnumpy\nSix==1.15.0\n"},
        {"requirements.txt": "-r base.txt\nsix==1.16.0\n", "base.txt": "six<1.16\n"},
        {
            "requirements.txt": "-e .\nsix==1.15\n",
            "pyproject.toml": OWN + 'dependencies=["six>1.15"]\n',
        },
        {"requirements.txt": "six==1.16.0 --hash=sha256:00\nsix==1.17.0\n"},
        {"pyproject.toml": OWN + 'dependencies = ["six==1.16.0", "six==1.*,!=1.16.0"]\n'},
    ],
)
def test_requirements_that_no_version_fits_are_refused(
    tmp_path: Path, files: dict[str, str]
) -> None:
    with pytest.raises(ContextInvalid, match=r"no version of a package is both .*six") as caught:
        find(write(tmp_path, files))
    assert str(tmp_path / next(iter(files))) in caught.value.message


@table(
    "text",
    [
        "torch==2.1.0\ntorch==2.1.0+cu121\n",
        "six>=1\nsix==1.16\nsix==1.*\n",
        "six==1.16\nsix==1.16.0\n",
        "six==1 ; python_version < '3'\nsix==2\n",
        "six==2.0rc1\nsix>=1\n",
        "six @ https://example.com/six.whl\nsix==1\n",
        "-c constraints.txt\nsix\n",
    ],
)
def test_requirements_that_one_version_fits_are_not(tmp_path: Path, text: str) -> None:
    files = {"requirements.txt": text, "constraints.txt": "six==1\n"}
    assert find(write(tmp_path, files))[0].count
