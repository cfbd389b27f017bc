"""Requirements from git repositories, before the upload key."""

from pathlib import Path

import pytest

from keynet.errors import BuildFailed
from keynet.events import Event, Notice
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Dependencies, Recipe
from keynet.steps.checking import git_check
from tests.tables import table


def _said(line: str, base: str) -> list[str]:
    dependencies = Dependencies(files={"requirements.txt": f"six\n{line}\n".encode()})
    recipe = Recipe(Reference.parse(base), ("python", "x.py"), dependencies=dependencies)
    events: list[Event] = []
    plan = BuildPlan(context=Path(), files=(), recipe=recipe, platforms=())
    git_check.check(plan, events.append)
    return [event.text for event in events if isinstance(event, Notice)]


@table(
    "line",
    [
        "git+https://git.example.com/team/own.git",
        "own @ git+https://git.example.com/team/own.git@v1",
        "-e git+ssh://git@git.example.com/team/own.git#egg=own",
    ],
)
@table("base", ["python:3.11-slim", "python:3.12-alpine", "python:3.9-slim-bookworm"])
def test_they_are_refused_where_the_base_has_no_git(line: str, base: str) -> None:
    with pytest.raises(BuildFailed, match="own comes from a git repository") as caught:
        _said(line, base)
    assert "has no git" in caught.value.message
    assert "--base-image python:3.11" in (caught.value.hint or "")


def test_a_mirrors_image_may_have_it_so_that_it_is_a_warning() -> None:
    base = "harbor.example.com/hub/library/python:3.11-slim"
    (said,) = _said("git+https://git.example.com/own.git", base)
    assert "has no git" in said


@table(
    ("line", "base"),
    [
        ("git+https://git.example.com/own.git", "python:3.11"),
        ("git+https://git.example.com/own.git", "pytorch/pytorch:2.4.0"),
        ("git+https://git.example.com/own.git ; sys_platform == 'win32'", "python:3.11-slim"),
        ("gitpython", "python:3.11-slim"),
        ("# git+https://git.example.com/own.git", "python:3.11-slim"),
    ],
)
def test_nothing_is_said_of_others(line: str, base: str) -> None:
    assert _said(line, base) == []


def test_a_constraint_asks_for_nothing() -> None:
    files: dict[str, bytes | Path] = {
        "requirements.txt": b"six\n-c requirements-1.txt\n",
        "requirements-1.txt": b"own @ git+https://git.example.com/own.git\n",
    }
    base = Reference.parse("python:3.11-slim")
    recipe = Recipe(base, ("python", "x.py"), dependencies=Dependencies(files=files))
    plan = BuildPlan(context=Path(), files=(), recipe=recipe, platforms=())
    events: list[Event] = []
    git_check.check(plan, events.append)
    assert events == []


@pytest.mark.parametrize(
    "line",
    [
        "git+ssh://git@git.example.com/team/own.git",
        "own @ git+ssh://git@git.example.com/team/own.git@v1",
        "git+git@git.example.com:team/own.git",
    ],
)
def test_what_needs_a_key_of_ssh_is_refused_where_the_base_has_git(line: str) -> None:
    with pytest.raises(BuildFailed, match="own comes from a git repository over ssh") as caught:
        _said(line, "python:3.11")
    assert "git+https://" in (caught.value.hint or "")
    (said,) = _said(line, "harbor.example.com/hub/library/python:3.11")
    assert "over ssh" in said
