"""Which folder becomes /workspace where none is named."""

import tempfile
from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.recipe import context_choice


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ``home/work/project/scripts/deep/train.py``, in that home."""
    folder = tmp_path.resolve()
    scripts = folder / "home/work/project/scripts/deep"
    scripts.mkdir(parents=True)
    (scripts / "train.py").write_text("pass\n")
    monkeypatch.setenv("HOME", str(folder / "home"))
    return folder


def _chosen(top: Path, current: str, script: str) -> str:
    here = top / current
    chosen = context_choice.choose(here / script, here)
    return (here / chosen).relative_to(top).as_posix()


@pytest.mark.parametrize(
    ("marks", "current", "expected"),
    [
        ("", "home/work/project", "home/work/project"),
        ("", "home/work", "home/work"),
        ("", "home", "home/work/project/scripts/deep"),
        ("", "home/other", "home/work/project/scripts/deep"),
        ("work/project/pyproject.toml", "home", "home/work/project"),
        ("work/project/pyproject.toml", "home/other", "home/work/project"),
        ("work/project/pyproject.toml", "home/work/project/other", "home/work/project"),
        ("work/project/requirements.txt work/setup.py", "home", "home/work"),
        ("work/project/requirements.txt work/setup.py", "home/work", "home/work"),
        ("work/project/requirements.txt work/setup.py", "home/work/project", "home/work/project"),
        ("work/project/.git work/setup.py", "home/work", "home/work/project"),
        ("work/project/scripts/Dockerfile", "home/work", "home/work/project/scripts"),
        ("work/project/scripts/Containerfile", "home", "home/work/project/scripts"),
        ("work/project/scripts/.containerignore", "home", "home/work/project/scripts"),
        ("work/.dockerignore work/project/scripts/setup.cfg", "home", "home/work"),
        (".git pyproject.toml", "home", "home/work/project/scripts/deep"),
        ("../pyproject.toml", "", "home/work/project/scripts/deep"),
    ],
)
def test_the_outermost_marked_folder_is_chosen(
    top: Path, marks: str, current: str, expected: str
) -> None:
    for mark in marks.split():
        (top / "home" / mark).resolve().touch()
    (top / current).mkdir(exist_ok=True)
    script = top / "home/work/project/scripts/deep/train.py"
    assert _chosen(top, current, str(script)) == expected


def test_the_current_folder_is_named_as_such(top: Path) -> None:
    project = top / "home/work/project"
    assert context_choice.choose(project / "scripts/deep/train.py", project) == Path()


def test_a_script_by_a_link_is_where_it_really_is(top: Path) -> None:
    (top / "link.py").symlink_to(top / "home/work/project/scripts/deep/train.py")
    (top / "home/work/project/setup.py").touch()
    assert _chosen(top, "home/work", str(top / "link.py")) == "home/work/project"


@pytest.mark.parametrize("marked", [False, True])
@pytest.mark.parametrize("current", ["home", "home/work"])
def test_a_script_directly_in_the_home_has_no_context(
    top: Path, current: str, marked: bool
) -> None:
    (top / "home/train.py").write_text("pass\n")
    if marked:
        (top / "home/requirements.txt").touch()
    with pytest.raises(ContextInvalid, match="directly in") as caught:
        _chosen(top, current, str(top / "home/train.py"))
    assert "--context DIR" in (caught.value.hint or "")


def test_a_folder_for_temporary_files_is_no_context_and_those_in_it_are(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(top / "temporary"))
    project = top / "temporary/project"
    project.mkdir(parents=True)
    (project / "train.py").write_text("pass\n")
    (top / "temporary/train.py").write_text("pass\n")
    assert _chosen(top, "temporary", "project/train.py") == "temporary/project"
    assert _chosen(top, "temporary/project", "train.py") == "temporary/project"
    with pytest.raises(ContextInvalid, match="temporary"):
        _chosen(top, "temporary", "train.py")


def test_a_missing_script_is_not_an_error_of_the_context(top: Path) -> None:
    assert _chosen(top, "home", "no.py") == "home"


def test_the_repository_of_a_folder_is_found_below_the_home(top: Path) -> None:
    deep = top / "home/work/project/scripts/deep"
    assert context_choice.repository(deep) is None
    (top / "home/.git").mkdir()
    assert context_choice.repository(deep) is None
    (top / "home/work/.git").write_text("gitdir: elsewhere\n")
    assert context_choice.repository(deep) == top / "home/work"
