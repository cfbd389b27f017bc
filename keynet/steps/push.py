"""The main job: a training script becomes an image on the platform (SPEC 2)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from keynet import credentials
from keynet.backend.client import BackendClient
from keynet.backend.models import Project, UploadKey
from keynet.errors import MetadataNotAttached, RegistryError
from keynet.events import Emit
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.plan import RegistryAccess
from keynet.process.background import background
from keynet.runtime.build.authfiles import registry_auth
from keynet.runtime.engine import WorkingEngine
from keynet.script.arguments import Extraction
from keynet.settings import Settings
from keynet.steps import projects
from keynet.steps.prepare import Prepared, Request, prepare
from keynet.steps.stages import Stages
from keynet.steps.verified_login import Acceptance
from keynet.text import _, fill

if TYPE_CHECKING:
    from keynet.steps.metadata import PlatformRegistry

__all__ = ["ChooseProject", "PushResult", "push"]

# Asked only when neither flag, variable, [tool.keynet] nor the saved choice names a project.
ChooseProject = Callable[[BackendClient], Project]
_Connect = Callable[[], "PlatformRegistry"]
_TAG: Final = "latest"


@dataclass(frozen=True, slots=True)
class PushResult:
    """What a push left on the platform; ``seconds`` by stage, ``bytes_pushed`` None if unknown."""

    image: Reference
    digest: Digest
    upload_key: str
    project_id: int
    model_name: str
    engine: WorkingEngine
    extraction: Extraction
    artifact_digest: Digest
    seconds: dict[str, float]
    bytes_pushed: int | None

    def to_json(self) -> dict[str, Any]:
        """Give the object of ``keynet push --json`` (SPEC 2)."""
        return {
            "image": str(self.image),
            "digest": str(self.digest),
            "upload_key": self.upload_key,
            "project_id": self.project_id,
            "model_name": self.model_name,
            "builder": {
                "name": self.engine.name,
                "version": self.engine.version,
                "how": self.engine.how,
                "rootless": self.engine.rootless,
                "storage_driver": self.engine.storage_driver,
            },
            "hyperparameters": self.extraction.to_json()["arguments"],
            "artifact_digest": str(self.artifact_digest),
            "seconds": self.seconds,
            "bytes_pushed": self.bytes_pushed,
        }


def push(request: Request, *, choose: ChooseProject, emit: Emit) -> PushResult:
    """Check, build, push and describe one training script.

    Args:
        choose: Asked for a project when nobody has named one.

    Raises:
        KeynetError: The first stage that fails; its class owns the exit status.
        MetadataNotAttached: The image was pushed, its hyperparameters were not attached.
    """
    stages = Stages(emit)
    settings = request.settings
    access = settings.backend_access(config_path=credentials.path())
    registry = settings.registry_access()
    prepared = prepare(request, stages, emit)
    # Beside registry and backend the engine answers what the build will ask; beside the
    # metadata it tidies up.
    with (
        prepared.builder.ahead(prepared.plan) as builder,
        _connecting(registry, emit) as connect,
        ExitStack() as tidying,
    ):
        accepted = _check_account(registry, request.environment, connect, stages)
        with projects.client(access) as backend:
            project = _project(settings, backend, choose, stages)
            key = _upload_key(backend, project, prepared, registry, stages)
        target = _target(key, settings, registry)
        with _doubting(accepted):
            with registry_auth(registry) as auth:
                with (
                    stages.stage("build", _("Building image"), prepared.engine.how),
                    background(_load_metadata),
                ):
                    built = builder.build(prepared.plan, auth, emit, target)
                try:
                    with stages.stage("push", _("Pushing"), str(target)):
                        pushed = builder.push(built, target, auth, emit)
                finally:
                    tidying.enter_context(builder.removing(built))
            attached = _attach(prepared, target.with_digest(pushed.digest), connect, stages)
    return PushResult(
        image=target,
        digest=pushed.digest,
        upload_key=key.key,
        project_id=project.id,
        model_name=prepared.script.model_name,
        engine=prepared.engine,
        extraction=prepared.script.extraction,
        artifact_digest=attached,
        seconds={"total": stages.total, **stages.seconds},
        bytes_pushed=pushed.bytes_sent,
    )


@contextmanager
def _connecting(registry: RegistryAccess, emit: Emit) -> Iterator[_Connect]:
    """Connect to the registry where that is needed first: before the build, or after it."""
    with ExitStack() as connections:

        @cache
        def connect() -> "PlatformRegistry":
            from keynet.steps.metadata import PlatformRegistry

            return connections.enter_context(PlatformRegistry(registry, emit))

        yield connect


def _check_account(
    registry: RegistryAccess, environment: Mapping[str, str], connect: _Connect, stages: Stages
) -> Acceptance:
    """See that the registry takes the account, else it would cost an upload key and a build."""
    given = environment.get("KEYNET_HARBOR_PASSWORD", "").strip()
    accepted = Acceptance(registry, None if given else credentials.path())
    with stages.stage("registry", _("Checking registry")) as stage:
        if accepted.holds():
            stage.detail = fill(
                _("{host} (took this login within the last {minutes} minutes)"),
                host=registry.host,
                minutes=accepted.MINUTES,
            )
        else:
            connect().ping()
            accepted.note()
            stage.detail = registry.host
    return accepted


@contextmanager
def _doubting(accepted: Acceptance) -> Iterator[None]:
    """Ask the registry anew next time where the block meets trouble with it."""
    try:
        yield
    except (RegistryError, MetadataNotAttached):
        accepted.forget()
        raise


def _project(
    settings: Settings, backend: BackendClient, choose: ChooseProject, stages: Stages
) -> Project:
    with stages.stage("project", _("Selecting project")) as stage:
        if settings.project_id is None:
            project = choose(backend)
        elif settings.project_title:
            project = Project(settings.project_id, settings.project_title)
        else:
            project = projects.named(backend, settings.project_id)
        stage.detail = f"#{project.id} {project.title}".rstrip()
    return project


def _upload_key(
    backend: BackendClient,
    project: Project,
    prepared: Prepared,
    registry: RegistryAccess,
    stages: Stages,
) -> UploadKey:
    arguments = [argument.to_json() for argument in prepared.script.extraction.arguments]
    with stages.stage("upload_key", _("Requesting upload key")) as stage:
        key = backend.request_upload_key(
            project.id, prepared.script.model_name, arguments, harbor_host=registry.host
        )
        stage.detail = key.key
    return key


def _target(key: UploadKey, settings: Settings, registry: RegistryAccess) -> Reference:
    """Take the image that the platform named, else put it together (SPEC 1.5, 2)."""
    if key.image is not None:
        return key.image.with_tag(key.image.tag or _TAG)
    return Reference(registry.host, f"{settings.harbor_project}/{key.key}", _TAG)


def _load_metadata() -> None:
    """Load what writes the metadata while the engine works, not after it."""
    from keynet.steps import metadata

    metadata.load()


def _attach(prepared: Prepared, image: Reference, connect: _Connect, stages: Stages) -> Digest:
    from keynet.steps import metadata

    with stages.stage("metadata", _("Attaching metadata")) as stage:
        content = metadata.payload(
            prepared.script.name, prepared.script.digest, prepared.script.extraction
        )
        digest = connect().attach(image, content)
        stage.detail = str(digest)
    return digest
