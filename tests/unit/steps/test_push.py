"""A push by a builder that the tests bring: no engine, no program, no image store."""

import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from keynet import credentials, settings
from keynet.backend.client import BackendClient
from keynet.backend.models import Project
from keynet.errors import (
    EngineUnavailable,
    KeynetError,
    MetadataNotAttached,
    RegistryDenied,
    RegistryError,
    UsageError,
)
from keynet.events import Emit, Event, LogLine, StepFinished
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, Pushed, RegistryAccess
from keynet.runtime.engine import Builder
from keynet.saved_login import HarborAccount, SavedLogin, SavedProject
from keynet.secret import Secret
from keynet.steps import metadata
from keynet.steps.preparing.request import Request
from keynet.steps.push import PushResult, push
from tests.fakes.backend import FakeBackend, Reply, running_backend
from tests.fakes.builder import ArchiveBuilder, Archived, Offered
from tests.fakes.registry import MemoryRegistry
from tests.fakes.registry import Reply as RegistryReply
from tests.unit.cli.conftest import KEY, SCRIPT, served


class Watching(MemoryRegistry):
    """A registry that tells of each request, and refuses it with the status that it is given."""

    watch: Callable[[str, str], int | None] = staticmethod(lambda _method, _target: None)

    def answer(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes,
        *,
        partial: bool = False,
    ) -> RegistryReply:
        status = self.watch(method, target)
        if status is not None:
            return RegistryReply(status, {}, b"{}")
        return super().answer(method, target, headers, body, partial=partial)


@dataclass
class Platform:
    """A backend, a registry, and somebody who is signed in to both."""

    backend: FakeBackend
    registry: Watching
    host: str
    project: Path
    events: list[Event] = field(default_factory=list)

    @property
    def access(self) -> RegistryAccess:
        return self._settings.registry_access()

    @property
    def target(self) -> Reference:
        return Reference(self.host, f"kitech-model/{KEY}", "latest")

    def push(self, builder: Builder[Archived]) -> PushResult:
        return push(
            Request(self.project / "train.py", self.project, self._settings, environment={}),
            choose=_nobody,
            emit=self.events.append,
            candidates=[Offered(lambda: builder)],
        )

    @property
    def _settings(self) -> settings.Settings:
        return settings.merge({}, {}, {}, credentials.load())


def _nobody(client: BackendClient) -> Project:
    raise AssertionError("the project is known")


@pytest.fixture
def platform(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """Give a platform to a user who has no program on PATH."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(SCRIPT)
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with (
        running_backend() as backend,
        served(Watching(auth="basic", user="robot$user")) as (registry, host),
    ):
        assert isinstance(registry, Watching)
        backend.answer(Reply.of({"id": 1, "uploadKey": KEY, "command": "python train.py"}))
        credentials.save(
            SavedLogin(
                server_url=backend.url,
                username="user@example.com",
                api_token=Secret("a-token-of-some-length"),
                harbor=HarborAccount(f"http://{host}", "robot$user", Secret(registry.password)),
                project=SavedProject(12, "객체 탐지 모델", backend.url),
            )
        )
        yield Platform(backend, registry, host, project)


@pytest.mark.medium
def test_a_builder_without_binary_or_store_pushes(platform: Platform, tmp_path: Path) -> None:
    # All that mypy asks of a builder, and all that there is of this one.
    builder: Builder[Archived] = ArchiveBuilder(tmp_path)
    assert _offered(builder) == {"engine", "unsupported", "build", "push", "release"}

    result = platform.push(builder)

    assert result.image == platform.target
    assert result.engine == builder.engine
    assert str(result.digest) == platform.registry.repository(f"kitech-model/{KEY}").tags["latest"]
    assert result.to_json()["builder"]["name"] == "archive"
    assert {"build", "push", "metadata", "total"} <= set(result.seconds)
    assert LogLine("1 files", "build") in platform.events
    assert _files(platform, result) == {"workspace/train.py": SCRIPT.encode()}
    described = metadata.read(platform.target.with_digest(result.digest), platform.access)
    assert [argument["name"] for argument in described["arguments"]] == ["lr"]
    assert described["script"]["name"] == "train.py"
    [asked] = platform.backend.seen
    assert asked.json["modelName"] == "train"
    assert not list(tmp_path.glob("built.tar")), "it was not released"


class Watched(ArchiveBuilder):
    """Write down what is asked of it; ``fails`` is where it raises."""

    def __init__(self, folder: Path, *, fails: str = "") -> None:
        super().__init__(folder)
        self.asked: list[tuple[object, ...]] = []
        self._fails = fails

    def unsupported(self, plan: BuildPlan) -> list[str]:
        self.asked.append(("unsupported",))
        return ["it does nothing"] if self._fails == "unsupported" else []

    def build(
        self, plan: BuildPlan, access: RegistryAccess | None, emit: Emit, target: Reference | None
    ) -> Archived:
        self.asked.append(("build", access, target))
        self._fail("build")
        return super().build(plan, access, emit, target)

    def push(
        self, built: Archived, target: Reference, access: RegistryAccess, emit: Emit
    ) -> Pushed:
        self.asked.append(("push", built, target, access))
        self._fail("push")
        return super().push(built, target, access, emit)

    def release(self, built: Archived) -> None:
        self.asked.append(("release", built))
        super().release(built)

    @property
    def verbs(self) -> list[object]:
        return [call[0] for call in self.asked]

    def _fail(self, where: str) -> None:
        if self._fails == where:
            raise KeynetError(f"{where} failed")


@pytest.mark.medium
def test_each_method_is_asked_once_and_in_order(platform: Platform, tmp_path: Path) -> None:
    builder = Watched(tmp_path)
    platform.push(builder)
    _unsupported, (_build, *to_build), (_push, built, *to_push), (_release, released) = (
        builder.asked
    )
    assert builder.verbs == ["unsupported", "build", "push", "release"]
    assert to_build == [platform.access, platform.target]
    assert to_push == [platform.target, platform.access]
    assert released is built


def test_what_cannot_be_built_costs_no_upload_key(platform: Platform, tmp_path: Path) -> None:
    builder = Watched(tmp_path, fails="unsupported")
    with pytest.raises(EngineUnavailable, match=r"archive 1\.0 .* it does nothing"):
        platform.push(builder)
    assert builder.verbs == ["unsupported"]
    assert platform.backend.seen == []


@pytest.mark.medium
def test_a_failed_build_leaves_nothing_to_release(platform: Platform, tmp_path: Path) -> None:
    builder = Watched(tmp_path, fails="build")
    with pytest.raises(KeynetError, match="build failed"):
        platform.push(builder)
    assert builder.verbs == ["unsupported", "build"]
    assert platform.registry.repositories == {}


@pytest.mark.medium
def test_a_failed_push_is_released_and_describes_nothing(
    platform: Platform, tmp_path: Path
) -> None:
    builder = Watched(tmp_path, fails="push")
    with pytest.raises(KeynetError, match="push failed"):
        platform.push(builder)
    assert builder.verbs == ["unsupported", "build", "push", "release"]
    assert not list(tmp_path.glob("built.tar"))
    assert platform.registry.repositories == {}
    assert "metadata" not in [
        each.step for each in platform.events if isinstance(each, StepFinished)
    ]


@pytest.mark.medium
def test_a_push_that_the_registry_refuses_is_released(platform: Platform, tmp_path: Path) -> None:
    builder = Watched(tmp_path)
    platform.registry.watch = lambda method, _target: 403 if method == "POST" else None
    with pytest.raises(RegistryDenied):
        platform.push(builder)
    assert builder.verbs[-1] == "release"
    assert not list(tmp_path.glob("built.tar"))


def test_a_registry_that_refuses_the_account_costs_no_upload_key(
    platform: Platform, tmp_path: Path
) -> None:
    builder = Watched(tmp_path)
    platform.registry.password = "another-password"
    with pytest.raises(RegistryError):
        platform.push(builder)
    assert builder.verbs == ["unsupported"]
    assert platform.backend.seen == []


@pytest.mark.parametrize("name", ["Upper", "a b", "-", "a//b"])
def test_a_harbor_project_that_is_no_name_costs_no_upload_key(
    platform: Platform, tmp_path: Path, name: str
) -> None:
    builder = Watched(tmp_path)
    flags = {"harbor_project": name}
    with pytest.raises(UsageError, match="--harbor-project"):
        push(
            Request(
                platform.project / "train.py",
                platform.project,
                settings.merge(flags, {}, {}, credentials.load()),
                environment={},
            ),
            choose=_nobody,
            emit=platform.events.append,
            candidates=[Offered(lambda: builder)],
        )
    assert builder.verbs == []
    assert platform.backend.seen == []


class Waiting(Watched):
    """Release only when the metadata is on its way: were one after the other, it would stay."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.attaching = threading.Event()
        self.met = False

    def release(self, built: Archived) -> None:
        self.met = self.attaching.wait(10)
        super().release(built)


@pytest.mark.medium
@pytest.mark.parametrize("refused", [False, True])
def test_the_builder_tidies_up_while_the_metadata_is_attached_and_is_waited_for(
    platform: Platform, tmp_path: Path, *, refused: bool
) -> None:
    builder = Waiting(tmp_path)

    def watch(method: str, target: str) -> int | None:
        if method == "PUT" and "/manifests/sha256" in target:
            builder.attaching.set()
            return 400 if refused else None
        return None

    platform.registry.watch = watch
    if refused:
        with pytest.raises(MetadataNotAttached, match=str(platform.target.name)):
            platform.push(builder)
    else:
        platform.push(builder)
    assert builder.met
    assert builder.verbs[-1] == "release"
    assert not list(tmp_path.glob("built.tar"))


def _offered(builder: object) -> set[str]:
    return {name for name in dir(builder) if not name.startswith("_")}


def _files(platform: Platform, result: PushResult) -> dict[str, bytes]:
    """Read the files of the pushed image out of the registry."""
    repository = platform.registry.repository(result.image.repository)
    _kind, manifest = repository.manifests[str(result.digest)]
    found = {}
    for layer in json.loads(manifest)["layers"]:
        with tarfile.open(fileobj=io.BytesIO(repository.blobs[layer["digest"]])) as tar:
            for member in tar:
                content = tar.extractfile(member)
                assert content is not None
                found[member.name] = content.read()
    return found
