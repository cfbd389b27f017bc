"""Build the image of a training script, without a login."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from keynet.events import Emit, Notice
from keynet.frozen import frozen
from keynet.runtime.engine import Candidate, WorkingEngine
from keynet.script.arguments import Extraction
from keynet.steps.explaining import last_image
from keynet.steps.preparing import output as outputs
from keynet.steps.preparing.built import built_image
from keynet.steps.preparing.prepare import prepare
from keynet.steps.preparing.request import Request
from keynet.steps.stages import Stages
from keynet.text import _

__all__ = ["BuildResult", "build", "writing_to"]


@frozen
class BuildResult:
    """A built image.

    ``image`` is the output as it was given, or the image's name in the engine's store;
    ``seconds`` has the duration of each stage by name, and ``total``.
    """

    image: str
    image_id: str
    engine: WorkingEngine
    extraction: Extraction
    seconds: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the object of ``keynet build --json`` (docs/reference/command-line.md)."""
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


def build(
    request: Request,
    output: str | None,
    emit: Emit,
    candidates: Sequence[Candidate] | None = None,
) -> BuildResult:
    """Check and build one training script.

    Args:
        output: ``oci:DIR``, ``oci-archive:FILE`` or ``docker-archive:FILE``; None leaves the
            image in the engine's store.
        candidates: The builders to choose from; None for docker, podman and buildah.

    Raises:
        KeynetError: A stage failed; the class decides the exit status.
    """
    stages = Stages(emit)
    destination = _destination(output)
    prepared = prepare(writing_to(request, output), stages, emit, candidates)
    builder = prepared.builder
    saver = outputs.check(destination, builder, prepared.plan.platforms)
    with built_image(builder, prepared, stages, emit) as built:
        image = saver.local(built)
        if destination is not None:
            with stages.stage("save", _("Saving"), destination.text):
                outputs.save(saver, built, destination, emit)
        elif not image.stored:
            emit(
                Notice(_("The image is only in the builder's cache. Use --output to download it."))
            )
    if output is not None:
        last_image.remember_image(output)
    elif image.stored:
        last_image.remember_in_store(image.name, builder.engine.name)
    return BuildResult(
        image=output or image.name,
        image_id=image.id,
        engine=builder.engine,
        extraction=prepared.script.extraction,
        seconds={"total": stages.total, **stages.seconds},
    )


def writing_to(request: Request, output: str | None) -> Request:
    """Return the request whose context leaves the output out.

    Raises:
        UsageError: See ``output.parse``.
    """
    destination = _destination(output)
    return request if destination is None else replace(request, outputs=(destination.path,))


def _destination(output: str | None) -> outputs.Output | None:
    return outputs.parse(output) if output is not None else None
