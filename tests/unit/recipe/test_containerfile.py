"""The user's own Containerfile: read, refused, and searched for RUN."""

from pathlib import Path

import pytest

from keynet.errors import ContextInvalid
from keynet.plan import BuildPlan
from keynet.recipe import containerfile
from tests.tables import table


def test_users_file_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "Containerfile"
    file.write_bytes(b"\xef\xbb\xbfARG X=1\r\nFROM base\r\n")
    read = containerfile.read(file)
    assert read.text == "ARG X=1\r\nFROM base\r\n"
    assert read.path == file
    assert [(each.name, each.arguments, each.line) for each in read.instructions] == [
        ("ARG", "X=1", 1),
        ("FROM", "base", 2),
    ]


def test_unusable_users_files_are_refused_as_given_and_as_resolved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContextInvalid, match=rf"absent \({tmp_path}/absent\) .* does not exist"):
        containerfile.read(Path("absent"))
    for content, message in (
        (b"# FROM x\n", "no FROM"),
        (b"", "no FROM"),
        (b"FROM \xff\n", "not UTF-8"),
        (b"#" * 1_000_001, "larger than"),
    ):
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(ContextInvalid, match=message):
            containerfile.read(tmp_path / "file")
    with pytest.raises(ContextInvalid, match="is a directory"):
        containerfile.read(tmp_path)
    with pytest.raises(ContextInvalid, match="cannot be used"):
        containerfile.read(tmp_path / "file" / "below")


@table(
    ("text", "expected"),
    [
        ("FROM a\nCOPY . .\n", False),
        ("FROM a\nrun x\n", True),
        ("FROM a\n# RUN x\nLABEL y=RUN\n", False),
        ("FROM a\nLABEL a=b \\\n# note\n\n  RUN x\n", False),
        ("FROM a\nCOPY <<EOF /x\nRUN y\nEOF\n", False),
        ("FROM a\nCOPY <<-'E' /x\n\tRUN y\n\tE\nRUN z\n", True),
        ("# escape=`\nFROM a\nCOPY a `\n RUN\n", False),
        ("# syntax=docker/dockerfile:1\n# escape=`\nFROM a\nCOPY a\\\nRUN b\n", True),
        ("FROM a\nRUN\tx\n", True),
        ("FROM a\nCOPY a b \\", False),
        ("FROM a\nLABEL a=b\\\\\nRUN x\n", True),
        ("FROM a\nLABEL a=b\\\\ \nRUN x\n", True),
    ],
)
def test_run_is_found_where_it_is_an_instruction(
    tmp_path: Path, text: str, *, expected: bool
) -> None:
    file = tmp_path / "Containerfile"
    file.write_text(text)
    assert BuildPlan(tmp_path, (), containerfile.read(file)).needs_run is expected


@table(
    ("text", "expected"),
    [
        ("# syntax=docker/dockerfile:1\nFROM a\n", "docker/dockerfile:1"),
        ("# escape=`\n#SYNTAX = mine/frontend \nFROM a\n", "mine/frontend"),
        ("# note\n# syntax=mine/frontend\nFROM a\n", ""),
        ("FROM a\n# syntax=mine/frontend\n", ""),
    ],
)
def test_the_frontend_is_named_before_everything_else(
    tmp_path: Path, text: str, expected: str
) -> None:
    file = tmp_path / "Containerfile"
    file.write_text(text)
    assert containerfile.read(file).syntax == expected


def test_a_file_that_the_context_names_must_lie_in_it(tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "docker").mkdir(parents=True)
    (tmp_path / "secret").write_text("FROM password\n")
    (context / "docker" / "File").write_text("FROM base\n")
    (context / "inside").symlink_to("docker/File")
    (context / "outside").symlink_to("../secret")
    assert containerfile.read(context / "docker/File", context).text == "FROM base\n"
    assert containerfile.read(context / "inside", context).text == "FROM base\n"
    for path in (context / "outside", context / ".." / "secret", tmp_path / "secret"):
        with pytest.raises(ContextInvalid, match="leads out of the context") as caught:
            containerfile.read(path, context)
        assert "password" not in str(caught.value)
    assert containerfile.read(context / "outside").text == "FROM password\n"


@pytest.mark.medium
def test_continued_lines_take_linear_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("FROM base\nRUN " + "a\\\n" * 330_000)
    [_base, run] = containerfile.read(tmp_path / "file").instructions
    assert run.arguments == "a" * 330_000
