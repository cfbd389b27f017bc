"""Building alone: into a file, into a store, or not at all."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from keynet import settings
from keynet.errors import EngineError, KeynetError
from keynet.events import Emit, Event, Notice, ignore
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, RegistryAccess
from keynet.runtime.engine import LayerStore, LocalImage, LoginStore, Saver
from keynet.steps.build import BuildResult, build
from keynet.steps.preparing.request import Request
from tests.fakes.builder import ArchiveBuilder, Archived, Offered


class SavingBuilder(ArchiveBuilder):
    """One that keeps its image in a cache of its own, and writes archives."""

    fails = False

    @property
    def formats(self) -> frozenset[str]:
        return frozenset({"docker-archive"})

    def local(self, built: Archived) -> LocalImage:
        return LocalImage("the image", "0" * 64, stored=False)

    def save(self, built: Archived, format: str, path: Path, emit: Emit) -> None:  # noqa: A002
        if self.fails:
            raise EngineError("it is full")
        path.write_bytes(built.file.read_bytes())


@pytest.fixture
def request_(tmp_path: Path) -> Request:
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text("print(1)\n")
    merged = settings.merge({}, {}, {}, None)
    return Request(project / "train.py", project, merged, environment={})


def _built(
    request: Request, builder: ArchiveBuilder, output: str | None, emit: Emit = ignore
) -> BuildResult:
    return build(request, output, emit, [Offered(lambda: builder)])


@pytest.mark.slow
def test_a_builder_that_keeps_no_image_is_refused_before_it_builds(
    request_: Request, tmp_path: Path
) -> None:
    builder = ArchiveBuilder(tmp_path)
    assert not isinstance(builder, Saver | LayerStore | LoginStore)
    with pytest.raises(EngineError, match="archive does not keep images"):
        _built(request_, builder, None)
    assert not list(tmp_path.glob("*.tar"))


@pytest.mark.medium
def test_an_image_is_written_whole_and_what_made_it_released(
    request_: Request, tmp_path: Path
) -> None:
    builder = SavingBuilder(tmp_path)
    saver: Saver[Archived] = builder
    assert isinstance(saver, Saver)
    output = f"docker-archive:{tmp_path}/image.tar"
    result = _built(request_, builder, output)
    assert (result.image, result.image_id) == (output, "0" * 64)
    assert (tmp_path / "image.tar").stat().st_size > 0
    assert not list(tmp_path.glob("built.tar"))
    assert {"build", "save", "total"} <= set(result.seconds)


def test_a_form_that_it_does_not_write_is_refused_before_it_builds(
    request_: Request, tmp_path: Path
) -> None:
    with pytest.raises(EngineError, match="archive cannot write oci, only docker-archive"):
        _built(request_, SavingBuilder(tmp_path), f"oci:{tmp_path}/image")
    assert not list(tmp_path.glob("*.tar"))


def test_an_image_that_no_store_has_is_a_notice(request_: Request, tmp_path: Path) -> None:
    events: list[Event] = []
    result = _built(request_, SavingBuilder(tmp_path), None, events.append)
    assert result.image == "the image"
    assert any(isinstance(event, Notice) and "--output" in event.text for event in events)
    assert not list(tmp_path.glob("built.tar"))


def test_a_build_that_cannot_be_saved_is_released(request_: Request, tmp_path: Path) -> None:
    builder = SavingBuilder(tmp_path)
    builder.fails = True
    with pytest.raises(KeynetError, match="it is full"):
        _built(request_, builder, f"docker-archive:{tmp_path}/image.tar")
    assert not list(tmp_path.glob("*.tar"))


class RecordingBuilder(SavingBuilder):
    """One that writes down which files the image would have."""

    files: ClassVar[list[list[str]]] = []

    def build(
        self,
        plan: BuildPlan,
        access: RegistryAccess | None,
        emit: Emit,
        target: Reference | None,
    ) -> Archived:
        self.files.append([file.path for file in plan.files])
        files = tuple(file for file in plan.files if not file.is_folder)
        return super().build(replace(plan, files=files), access, emit, target)


@pytest.mark.medium
def test_an_output_in_the_project_is_not_in_the_next_image(
    request_: Request, tmp_path: Path
) -> None:
    RecordingBuilder.files.clear()
    events: list[Event] = []
    output = f"docker-archive:{request_.context}/image.tar"
    for _time in range(2):
        events.clear()
        _built(request_, RecordingBuilder(tmp_path), output, events.append)
    assert RecordingBuilder.files == [["train.py"], ["train.py"]]
    (said,) = [each.text for each in events if isinstance(each, Notice) and "--output" in each.text]
    assert said.startswith("image.tar is not copied into the image")
    assert said.endswith("add it to .dockerignore.")
    # Who has done so is told nothing.
    (request_.context / ".dockerignore").write_text("*.tar\n")
    events.clear()
    _built(request_, RecordingBuilder(tmp_path), output, events.append)
    assert not [each for each in events if isinstance(each, Notice) and "--output" in each.text]


@pytest.mark.parametrize("output", [".", "sub", "../elsewhere"])
def test_a_folder_with_the_script_is_copied_also_if_it_is_the_output(
    request_: Request, output: str, tmp_path: Path
) -> None:
    script = request_.context / "sub/train.py"
    script.parent.mkdir()
    (tmp_path / "elsewhere").mkdir()
    script.write_text("print()\n")
    asked = replace(
        request_, entrypoint=script, outputs=(request_.context / output,), context=request_.context
    )
    RecordingBuilder.files.clear()
    events: list[Event] = []
    _built(asked, RecordingBuilder(tmp_path), None, events.append)
    assert RecordingBuilder.files == [["sub", "sub/train.py", "train.py"]]
    assert not [each for each in events if isinstance(each, Notice) and "writes there" in each.text]
