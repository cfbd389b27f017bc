"""What is read of a script depends on the script and its project alone, not on who asks."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from keynet.errors import ScriptInvalid
from keynet.script.arguments import Extraction
from keynet.script.extraction import extract
from tests.tables import table

SCRIPT = """\
import argparse
from options import add

parser = argparse.ArgumentParser()
add(parser)
parser.parse_args()
"""
OPTIONS = "def add(parser):\n    parser.add_argument('--rate', type=float, default=0.5)\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with a script in a folder of its own."""
    folder = tmp_path / "real" / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("")
    (folder / "src" / "options.py").write_text(OPTIONS)
    (folder / "src" / "train.py").write_text(SCRIPT)
    return folder


def assert_read(found: Extraction) -> None:
    assert [one.name for one in found.arguments] == ["rate"]
    assert found.notes == ()


def test_a_link_to_a_folder_of_another_project_leads_to_the_same_result(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pyproject.toml").write_text("")
    (tmp_path / "other" / "linked").symlink_to(project / "src")
    assert_read(extract(tmp_path / "other" / "linked" / "train.py"))
    (tmp_path / "other" / "all").symlink_to(project.parent)
    assert_read(extract(tmp_path / "other" / "all" / "project" / "src" / "train.py"))


def test_a_link_to_a_script_imports_from_where_it_leads(project: Path) -> None:
    (project / "runs").mkdir()
    (project / "runs" / "linked.py").symlink_to("../src/train.py")
    assert_read(extract(project / "runs" / "linked.py"))


def test_a_link_to_a_script_outside_of_the_project_reads_nothing_else_there(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "pyproject.toml").write_text("")
    (tmp_path / "other" / "train.py").symlink_to(project / "src" / "train.py")
    assert extract(tmp_path / "other" / "train.py").arguments == ()


@pytest.mark.parametrize("path", ["train.py", "../src/train.py", "../../project/src/train.py"])
def test_a_relative_path_leads_to_the_same_result(
    path: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project / "src")
    assert_read(extract(Path(path)))
    assert_read(extract(Path(os.path.abspath(path))))  # noqa: PTH100


def at_depth(depth: int, function: Callable[[], Extraction]) -> Extraction:
    return function() if depth <= 0 else at_depth(depth - 1, function)


PARSER = "import argparse\np = argparse.ArgumentParser()\n"
CALLS = "".join(f"def f{i}(p):\n    return f{i + 1}(p)\n\n\n" for i in range(20))
NESTED = {
    "sum": f"{PARSER}p.add_argument('--x', default={'1+' * 150}1)\np.parse_args()\n",
    "lists": f"{PARSER}p.add_argument('--x', default={'[' * 60}1{']' * 60})\np.parse_args()\n",
    "calls": f"{PARSER}{CALLS}def f20(p):\n    p.add_argument('--x')\n\n\nf0(p)\np.parse_args()\n",
    "blocks": f"{PARSER}{''.join('    ' * i + 'if 1:' + chr(10) for i in range(60))}"
    f"{'    ' * 60}p.add_argument('--x')\np.parse_args()\n",
}  # fmt: skip


@table("script", NESTED.values())
def test_a_deep_caller_and_a_thread_read_the_same(script: str, tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(script)
    expected = extract(path)
    assert [one.name for one in expected.arguments] == ["x"]
    for depth in (300, 600, 850):
        assert at_depth(depth, lambda: extract(path)) == expected
    found: list[Extraction] = []
    thread = threading.Thread(target=lambda: found.append(extract(path)))
    thread.start()
    thread.join()
    assert found == [expected]


def test_what_is_raised_on_another_stack_reaches_the_caller(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import (\n")
    with pytest.raises(ScriptInvalid):
        extract(tmp_path / "train.py")
    assert threading.active_count() < 10
