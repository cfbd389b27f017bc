"""How a script is started so that it finds its own modules."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from keynet.plan import ContextFile
from keynet.recipe import start
from keynet.recipe.start import Start
from tests.tables import table


def _start(
    entrypoint: str, files: str, names: str = "", level: int = 0, workdir: str = "/workspace"
) -> Start:
    found = [ContextFile(path, 1) for path in sorted({entrypoint, *files.split()})]
    return start.decide(entrypoint, frozenset(names.split()), level, found, workdir)


@table(
    ("entrypoint", "files", "names"),
    [
        ("train.py", "common/a.py", "common"),
        ("scripts/train.py", "scripts/common.py", "common"),
        ("scripts/train.py", "common/data.csv", "common"),
        ("scripts/train.py", "common.py", "torch"),
        ("-dash.py", "", ""),
    ],
)
def test_an_ordinary_script_is_started_by_its_path(entrypoint: str, files: str, names: str) -> None:
    path = f"./{entrypoint}" if entrypoint.startswith("-") else entrypoint
    assert _start(entrypoint, files, names) == Start(("python", path), ("python", path))


@table(
    ("entrypoint", "files", "names", "paths"),
    [
        ("scripts/train.py", "common/util.py", "common", (".",)),
        ("scripts/train.py", "common.py", "common", (".",)),
        ("scripts/train.py", "common/deep/util.py", "common", (".",)),
        ("a/b/train.py", "a/common.py lib/x.py", "common lib torch", ("a", ".")),
        ("a/b/train.py", "a/common.py common.py", "common", ("a",)),
        ("scripts/train.py", "src/pkg/__init__.py", "pkg", ("src",)),
    ],
)
def test_a_script_in_a_sub_folder_gets_the_folders_that_it_imports_from(
    entrypoint: str, files: str, names: str, paths: tuple[str, ...]
) -> None:
    found = _start(entrypoint, files, names)
    assert found.import_paths == paths
    assert found.command == ("python", entrypoint)
    assert found.alone[:2] == ("python", "-c")
    assert found.alone[-1] == entrypoint


@table(
    ("entrypoint", "files", "level", "module", "paths"),
    [
        ("pkg/train.py", "pkg/__init__.py", 1, "pkg.train", ()),
        ("pkg/train.py", "", 1, "pkg.train", ()),
        ("pkg/sub/train.py", "pkg/__init__.py pkg/sub/__init__.py", 1, "pkg.sub.train", ()),
        ("pkg/sub/train.py", "", 2, "pkg.sub.train", ()),
        ("pkg/__main__.py", "pkg/__init__.py", 1, "pkg", ()),
        ("src/pkg/train.py", "src/pkg/__init__.py", 1, "pkg.train", ("src",)),
        ("src/my-pkg/train.py", "src/my-pkg/__init__.py", 1, "my-pkg.train", ("src",)),
    ],
)
def test_a_script_that_imports_relatively_is_started_as_a_module(
    entrypoint: str, files: str, level: int, module: str, paths: tuple[str, ...]
) -> None:
    found = _start(entrypoint, files, level=level)
    assert found.command == ("python", "-m", module)
    assert found.import_paths == paths
    assert (found.alone == found.command) is not bool(paths)
    [notice] = found.notices
    assert f"python -m {module}" in notice.text


@pytest.mark.parametrize(
    ("entrypoint", "level"), [("train.py", 1), ("pkg/train.py", 2), ("pkg.old/train.py", 1)]
)
def test_a_package_that_begins_above_the_context_is_started_by_its_path(
    entrypoint: str, level: int
) -> None:
    assert _start(entrypoint, "", level=level).command == ("python", entrypoint)


_REPORT = """
import json, multiprocessing, sys
from common import util
def child(): print("child", util.NAME)
if __name__ == "__main__":
    import sibling
    print(json.dumps([sys.argv, __file__, util.NAME, sibling.NAME]), flush=True)
    process = multiprocessing.get_context("spawn").Process(target=child)
    process.start(); process.join()
    sys.exit(process.exitcode)
"""


def _run(root: Path, command: tuple[str, ...]) -> list[str]:
    argv = [sys.executable, *command[1:], "--lr", "1"]
    done = subprocess.run(argv, cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_launcher_runs_a_script_as_python_does(tmp_path: Path) -> None:
    (tmp_path / "it's a folder").mkdir()
    (tmp_path / "common").mkdir()
    (tmp_path / "common/util.py").write_text("NAME = 'root'\n")
    (tmp_path / "it's a folder/sibling.py").write_text("NAME = 'next to it'\n")
    entrypoint = "it's a folder/train.py"
    (tmp_path / entrypoint).write_text(_REPORT)
    found = _start(entrypoint, "common/util.py", "common sibling", workdir=str(tmp_path))
    report, child = _run(tmp_path, found.alone)
    assert json.loads(report) == [
        [str(tmp_path / entrypoint), "--lr", "1"],
        str(tmp_path / entrypoint),
        "root",
        "next to it",
    ]
    assert child == "child root"


@pytest.mark.slow
def test_the_launcher_runs_a_module_of_a_source_folder(tmp_path: Path) -> None:
    package = tmp_path / "src/pkg"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "sibling.py").write_text("NAME = 'sibling'\n")
    (package / "train.py").write_text(
        "import sys\nfrom . import sibling\nprint(sibling.NAME, sys.argv[1:], __package__)\n"
    )
    found = _start("src/pkg/train.py", "src/pkg/__init__.py", level=1, workdir=str(tmp_path))
    assert _run(tmp_path, found.alone) == ["sibling ['--lr', '1'] pkg"]
