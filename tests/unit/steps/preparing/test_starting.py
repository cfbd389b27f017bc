"""What a script imports, against what the context and its repository have."""

from pathlib import Path

import pytest

from keynet.recipe import context, ignore
from keynet.recipe.start import Start
from keynet.script.entry_imports import EntryImports
from keynet.steps.preparing import starting


def _decided(folder: Path, entrypoint: str, *names: str, level: int = 0) -> Start:
    files = context.scan(folder, ignore.load(folder)).files
    return starting.decide(folder, entrypoint, EntryImports(frozenset(names), level), files)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "repository"
    (folder / "part/scripts").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "part/scripts/train.py").touch()
    (folder / "common.py").touch()
    return folder


def test_modules_next_to_the_script_count_too(repository: Path) -> None:
    (repository / "part/lib").mkdir()
    (repository / "part/lib/x.py").touch()
    (repository / "part/scripts/helper.py").write_text("def f():\n    from lib import x\n")
    found = _decided(repository / "part", "scripts/train.py", "helper")
    assert found.import_paths == (".",)


def test_links_out_of_the_context_are_not_read(repository: Path) -> None:
    (repository / "part/lib.py").touch()
    (repository / "outside.py").write_text("import lib\n")
    (repository / "part/scripts/helper.py").symlink_to("../../outside.py")
    found = _decided(repository / "part", "scripts/train.py", "helper")
    assert found.import_paths == ()


def test_modules_above_the_context_are_named_once_with_the_flag(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository / "part")
    found = _decided(repository / "part", "scripts/train.py", "common", "torch")
    [notice] = found.notices
    assert f"scripts/train.py imports common from {repository}, which is above" in notice.text
    assert notice.text.endswith("--context ..")
    (repository / "part/common").mkdir()
    (repository / "part/common/__init__.py").touch()
    assert _decided(repository / "part", "scripts/train.py", "common").notices == ()


def test_a_package_without_init_above_the_context_is_named_too(repository: Path) -> None:
    (repository / "shared").mkdir()
    (repository / "results").mkdir()
    (repository / "shared/x.py").touch()
    (repository / "results/x.csv").touch()
    found = _decided(repository / "part", "scripts/train.py", "shared", "results")
    assert len(found.notices) == 1
    assert f"imports shared from {repository}" in found.notices[0].text


def test_without_a_repository_nothing_above_the_context_is_looked_at(repository: Path) -> None:
    (repository / ".git").rmdir()
    assert _decided(repository / "part", "scripts/train.py", "common").notices == ()


def test_a_package_that_begins_above_the_context_is_named(repository: Path) -> None:
    [notice] = _decided(repository / "part/scripts", "train.py", level=2).notices
    assert "imports relatively" in notice.text
    assert notice.text.endswith(f"--context {repository}")
