"""What a script declares where it imports a library that the image may not have."""

from pathlib import Path

from keynet.script.arguments import Extraction
from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import write

SCRIPT = """
import argparse
try:
    import {0}
    found = True
except ImportError:
    found = False
p = argparse.ArgumentParser()
p.add_argument("--x", default="with" if found else "without")
if found:
    p.add_argument("--y")
p.parse_args()
"""


def read(folder: Path, library: str, files: dict[str, str] | None = None) -> Extraction:
    return extract(write(folder, SCRIPT.format(library), {".git/HEAD": "", **(files or {})}))


@table("library", ["torch", "transformers", "wandb", "sklearn.svm", "tomllib"])
def test_a_library_that_nothing_requires_may_be_there_or_not(tmp_path: Path, library: str) -> None:
    found = read(tmp_path, library)
    assert [one.default for one in found.arguments] == [None, None]
    assert [note.line for note in found.notes] == [9, 11]


@table(
    ("library", "files"),
    [
        ("json", {}),
        ("torch", {"requirements.txt": "numpy\ntorch==2.1  # GPU\n"}),
        ("wandb", {"requirements.txt": "Wandb[media] >= 0.15\n"}),
        ("sklearn.svm", {"requirements.txt": "scikit_learn\n"}),
        ("yaml", {"pyproject.toml": '[project]\nname = "x"\ndependencies = ["PyYAML"]\n'}),
    ],
)
def test_a_library_that_the_project_requires_is_there(
    tmp_path: Path, library: str, files: dict[str, str]
) -> None:
    found = read(tmp_path, library, files)
    assert [(one.name, one.default) for one in found.arguments] == [("x", "with"), ("y", None)]
    assert found.notes == ()


@table(
    "files",
    [
        {"requirements.txt": 'torch; sys_platform == "win32"\n# torch\n-r torch\n'},
        {"pyproject.toml": "[project.optional-dependencies]\ngpu = ['torch']\n"},
        {"pyproject.toml": "[project]\ndependencies = 'torch'\n"},
        {"pyproject.toml": "[project\n"},
    ],
)
def test_what_is_required_on_a_condition_may_be_there_or_not(
    tmp_path: Path, files: dict[str, str]
) -> None:
    assert len(read(tmp_path, "torch", files).notes) == 2
