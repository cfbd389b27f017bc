"""Build the image of a training script, push it, and attach its hyperparameters."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from keynet import credentials
from keynet.backend import client as backend_client
from keynet.backend.client import BackendClient
from keynet.backend.models import Project, UploadKey
from keynet.errors import MetadataNotAttached, RegistryError
from keynet.events import Emit, Event
from keynet.files.uninterrupted import uninterrupted
from keynet.frozen import frozen
from keynet.net import trust
from keynet.oci import platform as platforms
from keynet.oci.descriptor import Digest
from keynet.oci.reference import Reference
from keynet.plan import Pushed, RegistryAccess
from keynet.process.background import background
from keynet.runtime.engine import Candidate, Documented, Documenting, WorkingEngine
from keynet.script.arguments import Extraction
from keynet.settings import BackendAccess, Settings
from keynet.steps import projects
from keynet.steps.explaining import last_image
from keynet.steps.preparing import harbor_project
from keynet.steps.preparing.prepare import Prepared, prepare
from keynet.steps.preparing.request import Request
from keynet.steps.stages import Stages
from keynet.steps.verified_login import VerifiedLogin
from keynet.text import _, fill

if TYPE_CHECKING:
    from keynet.steps.metadata import PlatformRegistry

__all__ = ["ChooseProject", "PushResult", "push"]

# Called only if no flag, variable, [tool.keynet] or saved choice names a project.
ChooseProject = Callable[[BackendClient], Project]
_Connect = Callable[[], "PlatformRegistry"]
_TAG: Final = "latest"


@frozen
class PushResult:
    """A pushed image with its metadata.

    ``seconds`` has the duration of each stage by name, and ``total``; ``bytes_pushed`` is None if
    the engine does not report it.
    """

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
        """Return the object of ``keynet push --json`` (docs/reference/command-line.md)."""
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


def push(
    request: Request,
    *,
    choose: ChooseProject,
    emit: Emit,
    candidates: Sequence[Candidate] | None = None,
    sbom: bool = True,
) -> PushResult:
    """Check, build and push one training script, and attach its hyperparameters.

    Args:
        choose: Chooses a project if the settings name none.
        candidates: The builders to choose from; None for docker, podman and buildah.
        sbom: Attach also the lock and the bill of materials, where the builder knows them.

    Raises:
        KeynetError: A stage failed; the class decides the exit status.
        MetadataNotAttached: The image was pushed, but what belongs to it was not attached.
    """
    stages = Stages(emit)
    settings = request.settings
    access = settings.backend_access(config_path=credentials.path())
    registry = settings.registry_access()
    harbor_project.check(settings.harbor_project, registry.host)
    own = platforms.for_cluster(sys.platform)
    with background(partial(_read_trust, access)):
        prepared = prepare(request, stages, emit, candidates, own, meanwhile=backend_client.preload)
    with _lazy_connection(registry, emit) as connect:
        verified = _check_account(registry, request.environment, connect, stages)
        with projects.client(access) as backend:
            project = _project(settings, backend, choose, stages)
            model_name = _model_name(prepared, settings)
            key = _upload_key(backend, project, prepared, model_name, registry, stages)
        target = _target(key, settings, registry)
        with _forget_on_failure(verified):
            pushed, attached = _build_and_push(
                prepared, target, registry, connect, stages, emit, sbom=sbom
            )
    last_image.remember_image(str(target.with_digest(pushed.digest)))
    return PushResult(
        image=target,
        digest=pushed.digest,
        upload_key=key.key,
        project_id=project.id,
        model_name=model_name,
        engine=prepared.builder.engine,
        extraction=prepared.script.extraction,
        artifact_digest=attached,
        seconds={"total": stages.total, **stages.seconds},
        bytes_pushed=pushed.bytes_sent,
    )


def _read_trust(access: BackendAccess) -> None:
    """Read the machine's CAs while the script is read: 25 ms, without Python's lock."""
    if access.server_url.lower().startswith("https:"):
        trust.context(() if access.ca_cert is None else (access.ca_cert,))


def _build_and_push(
    prepared: Prepared,
    target: Reference,
    registry: RegistryAccess,
    connect: _Connect,
    stages: Stages,
    emit: Emit,
    *,
    sbom: bool,
) -> tuple[Pushed, Digest]:
    """Build and push; then attach the metadata while the builder cleans up."""
    builder = prepared.builder
    working = threading.Event()

    def heard(event: Event) -> None:
        working.set()
        emit(event)

    with (
        stages.stage("build", _("Building image"), builder.engine.how),
        background(partial(_load_metadata, working)),
    ):
        try:
            built = builder.build(prepared.plan, registry, heard, target)
        finally:
            working.set()
    try:
        with stages.stage("push", _("Pushing"), str(target)):
            pushed = builder.push(built, target, registry, emit)
    except BaseException:
        with uninterrupted():
            builder.release(built)
        raise
    documents: Sequence[Documented] = ()
    if sbom and isinstance(builder, Documenting):
        documents = builder.documents(built)
    with background(partial(builder.release, built)):
        attached = _attach(prepared, pushed, documents, connect, stages)
    return pushed, attached


@contextmanager
def _lazy_connection(registry: RegistryAccess, emit: Emit) -> Iterator[_Connect]:
    """Yield a function that connects to the registry at its first call.

    The connection is needed before the build or only after it, and is closed with the block.
    """
    with ExitStack() as connections:

        @cache
        def connect() -> "PlatformRegistry":
            from keynet.steps.metadata import PlatformRegistry

            return connections.enter_context(PlatformRegistry(registry, emit))

        yield connect


def _check_account(
    registry: RegistryAccess, environment: Mapping[str, str], connect: _Connect, stages: Stages
) -> VerifiedLogin:
    """Check the account before an upload key and a build are spent on it."""
    given = environment.get("KEYNET_HARBOR_PASSWORD", "").strip()
    verified = VerifiedLogin(registry, None if given else credentials.path())
    with stages.stage("registry", _("Checking registry")) as stage:
        if verified.still_valid():
            stage.detail = fill(
                _("{host} (login verified within the last {minutes} minutes)"),
                host=registry.host,
                minutes=verified.VALID_MINUTES,
            )
        else:
            connect().ping()
            verified.remember()
            stage.detail = registry.host
    return verified


@contextmanager
def _forget_on_failure(verified: VerifiedLogin) -> Iterator[None]:
    """Forget the verified login if the registry fails in the block."""
    try:
        yield
    except (RegistryError, MetadataNotAttached):
        verified.forget()
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
            project = projects.with_title(backend, settings.project_id)
        stage.detail = f"#{project.id} {project.title}".rstrip()
    return project


def _upload_key(
    backend: BackendClient,
    project: Project,
    prepared: Prepared,
    model_name: str,
    registry: RegistryAccess,
    stages: Stages,
) -> UploadKey:
    arguments = [argument.to_json() for argument in prepared.script.extraction.arguments]
    with stages.stage("upload_key", _("Requesting upload key")) as stage:
        key = backend.request_upload_key(
            project.id, model_name, arguments, harbor_host=registry.host
        )
        stage.detail = key.key
    return key


def _model_name(prepared: Prepared, settings: Settings) -> str:
    script = prepared.script
    return settings.model_name or script.model_name or script.path.stem


def _target(key: UploadKey, settings: Settings, registry: RegistryAccess) -> Reference:
    """Return the image named by the platform, else one named by the upload key.

    Source: docs/reference/backend.md.
    """
    if key.image is not None:
        return key.image.with_tag(key.image.tag or _TAG)
    return Reference(registry.host, f"{settings.harbor_project}/{key.key}", _TAG)


def _load_metadata(working: threading.Event) -> None:
    """Import the modules that attach the metadata, once the engine works.

    Before that keynet itself is busy, and each of its small files would wait for this thread.
    """
    working.wait()
    from keynet.steps import metadata

    metadata.preload()


def _attach(
    prepared: Prepared,
    pushed: Pushed,
    documents: Sequence[Documented],
    connect: _Connect,
    stages: Stages,
) -> Digest:
    from keynet.steps import metadata

    with stages.stage("metadata", _("Attaching metadata")) as stage:
        content = metadata.payload(
            prepared.script.name, prepared.script.digest, prepared.script.extraction
        )
        image = pushed.reference.with_digest(pushed.digest)
        digest = connect().attach(image, content, documents, pushed.manifest)
        stage.detail = str(digest)
    return digest
