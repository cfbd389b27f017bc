"""Flags behind the RUN steps of a user's own Containerfile."""

from pathlib import Path

import pytest

from keynet.plan import UserContainerfile
from keynet.recipe import containerfile
from keynet.recipe.instructions import with_run_flags

FLAG = "--mount=x"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("FROM a\nRUN b\n", "FROM a\nRUN --mount=x b\n"),
        ("FROM a\n  run\tb", "FROM a\n  run --mount=x\tb"),
        ('FROM a\nRUN ["b", "c"]\r\n', 'FROM a\nRUN --mount=x ["b", "c"]\r\n'),
        ("FROM a\nRUN --network=none b\n", "FROM a\nRUN --mount=x --network=none b\n"),
        ("FROM a\nRUN b \\\n# RUN c\n RUN d\n", "FROM a\nRUN --mount=x b \\\n# RUN c\n RUN d\n"),
        ("FROM a\nRUN <<EOF\nRUN b\nEOF\n", "FROM a\nRUN --mount=x <<EOF\nRUN b\nEOF\n"),
        (
            "FROM a\nCOPY <<E /b\nRUN c\nE\nRUN d\n",
            "FROM a\nCOPY <<E /b\nRUN c\nE\nRUN --mount=x d\n",
        ),
        ("# escape=`\nFROM a\nRUN b `\n c\n", "# escape=`\nFROM a\nRUN --mount=x b `\n c\n"),
        ("FROM a\nRUN \\\n  b\nRUN c\n", "FROM a\nRUN --mount=x \\\n  b\nRUN --mount=x c\n"),
        ("FROM a\nONBUILD RUN b\n", ""),
        ("FROM a\nCOPY b c\n", ""),
    ],
)
def test_each_run_of_the_file_gets_the_flags(text: str, wanted: str) -> None:
    assert with_run_flags(text, FLAG) == wanted


@pytest.mark.parametrize(
    ("syntax", "known"),
    [
        ("docker/dockerfile:1", True),
        ("docker.io/docker/dockerfile:1", True),
        ("docker/dockerfile:1.2", True),
        ("docker/dockerfile:1.10-labs", True),
        ("docker/dockerfile:1.0", False),
        ("docker/dockerfile:1.1-experimental", False),
        ("mine/frontend:latest", False),
    ],
)
def test_a_syntax_that_may_not_know_mounts_gets_none(syntax: str, known: bool) -> None:
    text = f"# syntax={syntax}\nFROM a\nRUN b\n"
    assert bool(with_run_flags(text, FLAG)) == known


def test_a_syntax_named_in_a_comment_further_down_is_none() -> None:
    assert with_run_flags("FROM a\n# syntax=mine/frontend\nRUN b\n", FLAG)


def test_a_file_that_is_read_knows_its_mounting_form(tmp_path: Path) -> None:
    path = tmp_path / "Dockerfile"
    path.write_text("FROM a\nRUN pip install b\n")
    read = containerfile.read(path)
    assert read.text == "FROM a\nRUN pip install b\n"
    assert read.mounting == f"FROM a\nRUN {UserContainerfile.MOUNTS} pip install b\n"
    path.write_text("FROM a\nRUN --mount=type=secret,id=x,target=/etc/xdg/pip/pip.conf pip\n")
    assert containerfile.read(path).mounting == ""
