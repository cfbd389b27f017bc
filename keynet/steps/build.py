"""Steps 2, 3 and 6 alone: the image of a script, without a login (SPEC 9)."""

from dataclasses import dataclass
from typing import Any

from keynet.events import Emit, Notice
from keynet.runtime.engine import WorkingEngine
from keynet.script.arguments import Extraction
from keynet.steps import output as outputs
from keynet.steps.prepare import Request, prepare
from keynet.steps.stages import Stages
from keynet.text import _

__all__ = ["BuildResult", "build"]


@dataclass(frozen=True, slots=True)
class BuildResult:
    """What a build left: ``image`` is a name in the engine's store, or the output as given."""

    image: str
    image_id: str
    engine: WorkingEngine
    extraction: Extraction
    seconds: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Give the object of ``keynet build --json``."""
        return {
            "image": self.image,
            "image_id": self.image_id,
            "builder": {
                "name": self.engine.name,
                "version": self.engine.version,
                "how": self.engine.how,
                "rootless": self.engine.rootless,
            },
            "hyperparameters": self.extraction.to_json()["arguments"],
            "seconds": self.seconds,
        }


def build(request: Request, output: str | None, emit: Emit) -> BuildResult:
    """Check and build one training script.

    Args:
        output: ``oci:DIR``, ``oci-archive:FILE`` or ``docker-archive:FILE``; None leaves the
            image in the engine's store.

    Raises:
        KeynetError: The first stage that fails; its class owns the exit status.
    """
    stages = Stages(emit)
    destination = outputs.parse(output) if output is not None else None
    prepared = prepare(request, stages, emit)
    if destination is not None:
        outputs.check(destination, prepared.builder)
    with stages.stage("build", _("Building image"), prepared.engine.how):
        built = prepared.builder.build(prepared.plan, None, emit)
    try:
        if destination is not None:
            with stages.stage("save", _("Saving"), destination.text):
                outputs.save(prepared.builder, built, destination, emit)
        elif not built.stored:
            emit(Notice(_("The image stays in the builder's cache; --output fetches it.")))
    finally:
        with prepared.builder.removing(built):
            pass
    return BuildResult(
        image=output or built.project,
        image_id=built.image_id,
        engine=prepared.engine,
        extraction=prepared.script.extraction,
        seconds={"total": stages.total, **stages.seconds},
    )
