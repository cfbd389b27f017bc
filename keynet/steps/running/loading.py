"""Build without an engine, and load the image into the engine that runs it."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from keynet.errors import EngineError
from keynet.events import Emit
from keynet.files import places
from keynet.files.living_folders import living
from keynet.plan import BuildPlan
from keynet.runtime.build import layer_cache
from keynet.runtime.build.layer_cache import CachedImage
from keynet.runtime.engine import AnyBuilder, Candidate, LocalImage, Saver
from keynet.runtime.probing import choosing
from keynet.runtime.workspace.container_run import ContainerCommands
from keynet.runtime.workspace.runtime_settings import RuntimeSettings
from keynet.steps.preparing.built import built_image
from keynet.steps.preparing.prepare import Prepared
from keynet.steps.running import run_engines
from keynet.steps.running.run_engines import Chosen
from keynet.steps.stages import Stages
from keynet.text import _, fill

__all__ = ["build_and_load", "running_engine"]

_TIMEOUT_S: Final = 3600.0
_FORMAT: Final = "docker-archive"
_ID: Final = re.compile(r"sha256:([0-9a-f]{64})")


def running_engine(candidates: Sequence[Candidate], emit: Emit) -> AnyBuilder:
    """Return the engine that is to run an image that was built without one.

    Raises:
        EngineUnavailable: No engine that runs containers works here.
    """
    offered = run_engines.only_running(candidates)
    return choosing.choose(choosing.AUTO, offered, emit=emit, needs_run=False)


def build_and_load(
    prepared: Prepared, engine: AnyBuilder, settings: RuntimeSettings, stages: Stages, emit: Emit
) -> tuple[Chosen, LocalImage]:
    """Build a script's image and load it, unless the engine has it already.

    Args:
        settings: Of the run that is to follow.

    Returns:
        The engine with the image's config, and the image.

    Raises:
        KeynetError: The build failed, or the engine did not load the image.
    """
    builder = prepared.builder
    assert isinstance(builder, Saver)
    with built_image(builder, prepared, stages, emit) as built:
        image = builder.local(built).id
        chosen = run_engines.ask(engine, image, settings)
        if chosen.config is None:
            with (
                stages.stage("load", _("Loading image"), engine.engine.how),
                living("load", places.plain_temporary()) as folder,
            ):
                file = folder / "image.tar"
                builder.save(built, _FORMAT, file, emit)
                image = _load(chosen.commands, file, prepared.plan)
            chosen = run_engines.ask(engine, image, settings)
    return chosen, LocalImage(layer_cache.project_name(prepared.plan), image)


def _load(commands: ContainerCommands, file: Path, plan: BuildPlan) -> str:
    """Load an archive, and name its image as the project's, for ``keynet clean``."""
    finished = commands.questions.run("load", "--input", str(file), timeout_s=_TIMEOUT_S)
    found = _ID.findall(finished.stdout)
    if finished.status != 0:
        raise commands.questions.failure(finished, "load")
    if not found:
        raise EngineError(
            fill(_("{engine} loaded an image, and did not name it."), engine=commands.name),
            _("Build with an engine (--builder), or push the image and run it by its name."),
        )
    project = layer_cache.project_name(plan)
    named = CachedImage(found[-1], layer_cache.build_name(project), project)
    layer_cache.release(commands.questions.prefix, named)
    return str(found[-1])
