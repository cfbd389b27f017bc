"""From a request to a plan and a builder, with nothing done."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keynet import settings
from keynet.errors import (
    ContextInvalid,
    EngineUnavailable,
    ScriptInvalid,
    UsageError,
    ValidationError,
)
from keynet.events import Event, Notice, StepFinished, ignore
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Dependencies, Recipe, UserContainerfile
from keynet.script import training_script
from keynet.script.arguments import Extraction
from keynet.steps.preparing import script as scripts
from keynet.steps.preparing.planning import plan_build
from keynet.steps.preparing.prepare import find_builder, prepare
from keynet.steps.preparing.request import Request, make
from keynet.steps.preparing.script import Script
from keynet.steps.stages import Stages
from tests.fakes.builder import ArchiveBuilder, Offered


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text("print(1)\n")
    return folder


def _request(project: Path, script: str = "train.py", **flags: object) -> Request:
    given: Mapping[str, Any] = flags
    return Request(project / script, project, settings.merge(given, {}, {}, None), environment={})


def _script(request: Request, base_image: str | None = None) -> Script:
    loaded = training_script.load(request.entrypoint)
    return Script(request.entrypoint, loaded, loaded.digest, Extraction(None, ()), None, base_image)


def _plan(request: Request, base_image: str | None = None) -> BuildPlan:
    return plan_build(request, _script(request, base_image), ignore)


def _recipe(request: Request, base_image: str | None = None) -> Recipe:
    recipe = _plan(request, base_image).recipe
    assert isinstance(recipe, Recipe)
    return recipe


def _content(found: Dependencies) -> bytes:
    content = found.files["requirements.txt"]
    assert isinstance(content, bytes)
    return content


def test_a_plan_holds_facts(project: Path) -> None:
    (project / "data.csv").write_text("1,2\n")
    plan = _plan(_request(project))
    assert plan.context == project
    assert [entry.path for entry in plan.files] == ["data.csv", "train.py"]
    assert plan.recipe == Recipe(Reference.parse("python:3.10-slim"), ("python", "train.py"))
    assert plan.base == Reference.parse("python:3.10-slim")
    assert plan.platforms == ()
    assert plan.labels == {"keynet.managed": "true"}
    assert not plan.needs_run


@pytest.mark.parametrize(
    ("script", "argument"),
    [("train.py", "train.py"), ("sub dir/train.py", "sub dir/train.py"), ("-c.py", "./-c.py")],
)
def test_command_is_the_script_and_never_an_option(
    project: Path, script: str, argument: str
) -> None:
    path = project / script
    path.parent.mkdir(exist_ok=True)
    path.write_text("print(1)\n")
    assert _recipe(_request(project, script)).command == ("python", argument)


def test_the_settings_base_comes_before_the_scripts(project: Path) -> None:
    assert str(_recipe(_request(project), "a:1").base) == "docker.io/library/a:1"
    chosen = _recipe(_request(project, base_image="b:2"), "a:1")
    assert str(chosen.base) == "docker.io/library/b:2"
    with pytest.raises(ValidationError):
        _plan(_request(project, base_image="Not A Reference"))


def test_dependencies_make_it_run(project: Path) -> None:
    (project / "requirements.txt").write_text("numpy\n")
    plan = _plan(_request(project))
    assert isinstance(plan.recipe, Recipe)
    assert plan.recipe.dependencies.files == {"requirements.txt": b"numpy\n"}
    assert plan.recipe.dependencies.source == project / "requirements.txt"
    assert plan.needs_run


def test_what_the_dependencies_warn_of_is_told(project: Path) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "t"\ndependencies = ["numpy"]\n')
    (project / "requirements.txt").write_text("-e .\n")
    events: list[Event] = []
    request = _request(project)
    plan_build(request, _script(request), events.append)
    assert any(
        isinstance(event, Notice) and "only its build backend knows the version" in event.text
        for event in events
    )


def test_the_users_own_containerfile_is_taken_as_it_is(project: Path) -> None:
    file = project / "Dockerfile"
    file.write_text("# syntax=docker/dockerfile:1\nFROM a\nRUN b\n")
    (project / "requirements.txt").write_text("-r missing.txt\n")
    plan = _plan(_request(project, dockerfile=file))
    assert isinstance(plan.recipe, UserContainerfile)
    assert plan.recipe.path == file
    assert [each.name for each in plan.recipe.instructions] == ["FROM", "RUN"]
    assert plan.recipe.syntax == "docker/dockerfile:1"
    assert plan.base is None
    assert plan.needs_run


def test_platforms_are_read_in_order(project: Path) -> None:
    plan = _plan(_request(project, platform="linux/amd64,linux/arm64"))
    assert plan.platforms == (Platform("linux", "amd64"), Platform("linux", "arm64"))
    with pytest.raises(UsageError):
        _plan(_request(project, platform="nonsense"))


def test_the_builder_is_one_of_the_candidates(project: Path, tmp_path: Path) -> None:
    builder = ArchiveBuilder(tmp_path)
    events: list[Event] = []
    stages = Stages(events.append)
    found = prepare(_request(project), stages, events.append, [Offered(lambda: builder)])
    assert found.builder is builder
    assert found.plan.files == _plan(_request(project)).files
    assert found.script.name == "train.py"
    assert list(stages.seconds) == [
        "entrypoint",
        "hyperparameters",
        "context",
        "dependencies",
        "engine",
        "base",
    ]


def test_a_builder_that_cannot_do_the_plan_is_refused_in_its_words(
    project: Path, tmp_path: Path
) -> None:
    (project / "requirements.txt").write_text("numpy\n")
    plan = _plan(_request(project))
    candidates = [Offered(lambda: ArchiveBuilder(tmp_path))]
    with pytest.raises(
        EngineUnavailable, match=r"archive 1\.0 .* cannot build this: it runs nothing"
    ):
        find_builder("auto", candidates, plan, ignore)


def test_a_name_that_no_candidate_has_is_a_matter_of_usage(project: Path, tmp_path: Path) -> None:
    candidates = [Offered(lambda: ArchiveBuilder(tmp_path))]
    with pytest.raises(UsageError, match="buildah") as caught:
        find_builder("buildah", candidates, _plan(_request(project)), ignore)
    assert "auto, archive" in caught.value.hint


def test_the_base_is_given_to_the_engine_as_it_was_written(project: Path) -> None:
    recipe = _recipe(_request(project, base_image="mine:1"))
    assert (recipe.base_name, recipe.from_name) == ("mine:1", "mine:1")
    assert str(recipe.base) == "docker.io/library/mine:1"
    assert _recipe(_request(project)).from_name == "docker.io/library/python:3.10-slim"


@pytest.mark.parametrize(
    ("files", "python", "source"),
    [
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.12"\n'}, "3.14", "pyproject.toml"),
        ({".python-version": "3.11.4\n"}, "3.11", ".python-version"),
        ({".python-version": "3.10\n"}, "3.10", ""),
    ],
)
def test_the_default_base_has_a_python_that_the_project_admits(
    project: Path, files: Mapping[str, str], python: str, source: str
) -> None:
    for name, text in files.items():
        (project / name).write_text(text)
    request, events = _request(project), list[Event]()
    plan = plan_build(request, _script(request), events.append)
    assert str(plan.base) == f"docker.io/library/python:{python}-slim"
    notes = [event for event in events if isinstance(event, Notice) and "excludes" in event.text]
    assert len(notes) == bool(source)
    assert all(source in note.text for note in notes)
    # A choice of the user's is not questioned.
    assert str(_recipe(_request(project, base_image="a:1")).base) == "docker.io/library/a:1"


def test_inline_metadata_chooses_the_default_base(project: Path) -> None:
    script = project / "train.py"
    script.write_text('# /// script\n# requires-python = "==3.12.*"\n# ///\nx = 1\n')
    request = _request(project)
    read = scripts.read(script, Stages(ignore), ignore)
    plan = plan_build(request, read, ignore)
    assert str(plan.base) == "docker.io/library/python:3.12-slim"


def test_a_base_that_only_the_running_script_knows_asks_for_the_flag(project: Path) -> None:
    script = project / "train.py"
    script.write_text("@trace_pytorch(base_image=make())\ndef train(): pass\n")
    read = scripts.read(script, Stages(ignore), ignore)
    with pytest.raises(ScriptInvalid, match=r"train\.py:1") as caught:
        plan_build(_request(project), read, ignore)
    assert "--base-image" in caught.value.hint
    chosen = plan_build(_request(project, base_image="a:1"), read, ignore)
    assert str(chosen.base) == "docker.io/library/a:1"
    file = project / "Dockerfile"
    file.write_text("FROM a\n")
    assert plan_build(_request(project, dockerfile=file), read, ignore).base is None


def test_a_default_platform_is_for_settings_without_one(project: Path) -> None:
    amd64 = Platform("linux", "amd64")
    request = _request(project)
    assert plan_build(request, _script(request), ignore, amd64).platforms == (amd64,)
    other = _request(project, platform="linux/arm64")
    assert plan_build(other, _script(other), ignore, amd64).platforms == (
        Platform("linux", "arm64"),
    )


def test_a_slow_store_is_said(project: Path, tmp_path: Path) -> None:
    builder = ArchiveBuilder(tmp_path)
    builder.engine = replace(builder.engine, storage_driver="vfs")
    events: list[Event] = []
    find_builder("auto", [Offered(lambda: builder)], _plan(_request(project)), events.append)
    [note] = [event for event in events if isinstance(event, Notice)]
    assert "slow" in note.text
    assert "vfs" in note.text


def test_where_dependencies_come_from_is_a_stage(project: Path, tmp_path: Path) -> None:
    builder = ArchiveBuilder(tmp_path)
    (project / "requirements.txt").write_text("numpy\nsix\n")
    details = []
    for _turn in range(2):
        events: list[Event] = []
        candidates = [Offered(lambda: builder)]
        # This builder installs nothing.
        with contextlib.suppress(EngineUnavailable):
            prepare(_request(project), Stages(events.append), events.append, candidates)
        finished = [event for event in events if isinstance(event, StepFinished)]
        details += [event.detail for event in finished if event.step == "dependencies"]
        (project / "requirements.txt").unlink(missing_ok=True)
    assert details == ["requirements.txt, 2", "none"]


def test_requirements_of_the_context_are_not_trusted_like_a_flag(project: Path) -> None:
    (project.parent / "secret.txt").write_text("s3cret\n")
    (project / "pyproject.toml").write_text('[tool.keynet]\nrequirements = "../secret.txt"\n')
    request = make(project / "train.py", project, {})
    with pytest.raises(ContextInvalid, match="outside the build context") as caught:
        _plan(request)
    assert "s3cret" not in caught.value.message
    named = make(project / "train.py", project, {"requirements": project.parent / "secret.txt"})
    assert _recipe(named).dependencies.lines == ("s3cret",)


def test_extras_and_groups_come_from_flags_and_the_context(project: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[project]\nname = "t"\noptional-dependencies = { gpu = ["torch"], viz = ["rich"] }\n'
        '[dependency-groups]\nlog = ["mlflow"]\n[tool.keynet]\nextras = ["gpu"]\ngroups = ["log"]\n'
    )
    own = _recipe(make(project / "train.py", project, {})).dependencies
    assert own.lines == ("torch", "mlflow")
    flags = {"extras": ("viz",), "groups": ()}
    chosen = _recipe(make(project / "train.py", project, flags)).dependencies
    assert chosen.lines == ("rich", "mlflow")


def test_a_secret_goes_to_the_index_of_the_users_settings(project: Path) -> None:
    index = "https://u:${INDEX_TOKEN}@index.example.com/simple"
    (project / "requirements.txt").write_text(f"--index-url {index}\nsix\n")
    environment = {"INDEX_TOKEN": "t0ken-of-the-user"}
    with pytest.raises(ContextInvalid, match="looks like a secret"):
        _plan(replace(_request(project), environment=environment))
    environment["PIP_INDEX_URL"] = "https://me:x@index.example.com/other"
    found = _recipe(replace(_request(project), environment=environment)).dependencies
    assert b"u:t0ken-of-the-user@index.example.com" in _content(found)


@pytest.mark.medium
def test_what_only_pip_can_do_is_refused_where_uv_is_asked_for(project: Path) -> None:
    (project / "requirements.txt").write_text("six --config-settings a=b\n")
    with pytest.raises(UsageError, match=r"uv cannot install requirements\.txt") as caught:
        _plan(_request(project, installer="uv"))
    assert "--installer auto" in caught.value.hint
    assert _recipe(_request(project, installer="pip")).dependencies.pip_only
    assert _recipe(_request(project)).dependencies.pip_only


PINNED = """\
[project]
name = "own"
version = "1"
dependencies = ["six", "far-away"]
[tool.uv.sources]
far-away = { index = "far" }
[[tool.uv.index]]
name = "far"
url = "https://far.example/simple"
explicit = true
"""


def test_what_only_uv_can_do_is_refused_where_pip_would_install(project: Path) -> None:
    (project / "requirements.txt").unlink(missing_ok=True)
    (project / "pyproject.toml").write_text(PINNED)
    with pytest.raises(UsageError, match=r"pip cannot install pyproject\.toml: far-away") as caught:
        _plan(_request(project, installer="pip"))
    assert "--installer auto" in caught.value.hint
    assert _recipe(_request(project, installer="uv")).dependencies.uv_only
    assert _recipe(_request(project)).dependencies.uv_only
