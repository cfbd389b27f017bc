"""Steps 2 and 3, and all of the build that can fail cheaply: a script becomes a plan."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from keynet.errors import EngineUnavailable, UsageError, ValidationError
from keynet.events import Emit, Notice
from keynet.files import places
from keynet.oci.descriptor import Digest
from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BuildPlan, BuildSecret, GeneratedContainerfile, UserContainerfile
from keynet.recipe import buildargs, containerfile, context, dependencies, hostnetwork, ignore
from keynet.runtime.engine import Builder, WorkingEngine
from keynet.runtime.probing import choosing
from keynet.script.arguments import Extraction
from keynet.settings import Settings
from keynet.steps.script import Reading
from keynet.steps.stages import Stages
from keynet.text import _, fill, ngettext

__all__ = ["Prepared", "Request", "Script", "find_engine", "plan_build", "prepare", "read_script"]

_DEFAULT_BASE: Final = "python:3.10-slim"
_MANAGED: Final = {"keynet.managed": "true"}


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for: paths as given, everything else in ``settings``.

    ``reading`` is at work on the script since the command began.
    """

    reading: Reading
    context: Path
    settings: Settings
    secrets: tuple[BuildSecret, ...] = ()
    no_cache: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)

    @property
    def entrypoint(self) -> Path:
        """The training script."""
        return self.reading.path


@dataclass(frozen=True, slots=True)
class Script:
    """A training script that parses: its name, digest, model name and hyperparameters."""

    path: Path
    digest: Digest
    extraction: Extraction
    model_name: str
    base_image: str | None

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self.path.name


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a build needs, checked, and the engine that will do it."""

    script: Script
    plan: BuildPlan
    builder: Builder
    engine: WorkingEngine


def prepare(request: Request, stages: Stages, emit: Emit) -> Prepared:
    """Check script, context and engine, cheaply and before anything is asked of the platform.

    Raises:
        ScriptInvalid, ContextInvalid, UsageError, ValidationError, EngineUnavailable
    """
    script = read_script(request, stages, emit)
    with stages.stage("context", _("Checking context")) as stage:
        plan = plan_build(request, script, emit)
        stage.detail = fill(
            ngettext("{count} file", "{count} files", len(plan.files)), count=len(plan.files)
        )
    with stages.stage("engine", _("Choosing engine")) as stage:
        builder, engine = find_engine(request.settings.builder, plan, emit)
        stage.detail = engine.how
    return Prepared(script, plan, builder, engine)


def read_script(request: Request, stages: Stages, emit: Emit) -> Script:
    """Parse the entrypoint and read its hyperparameters, without running it.

    Raises:
        ScriptInvalid: Missing, no file, not Python; with line and caret.
    """
    path = request.entrypoint
    with stages.stage("entrypoint", _("Validating entrypoint")) as stage:
        content = request.reading.content()
        stage.detail = str(path)
    with stages.stage("hyperparameters", _("Extracting hyperparameters")) as stage:
        stage.detail = _described(content.extraction)
    _warn_about(content.extraction, emit)
    return Script(
        path=path,
        digest=Digest.parse(content.digest),
        extraction=content.extraction,
        model_name=request.settings.model_name or content.model_name or path.stem,
        base_image=content.base_image,
    )


def plan_build(request: Request, script: Script, emit: Emit) -> BuildPlan:
    """Decide everything about the image and do nothing; once for each reading.

    Raises:
        ContextInvalid: The context, its ignore file, requirements or Containerfile.
        ValidationError: The base image is none.
        UsageError: The platform is none.
    """
    settings = request.settings
    base_text = settings.base_image or script.base_image or _DEFAULT_BASE
    user_file = containerfile.read(settings.dockerfile) if settings.dockerfile else None
    rules = ignore.load(request.context, settings.dockerfile)
    scanned = context.scan(request.context, rules)
    entrypoint = context.locate_entrypoint(request.context, script.path, rules)
    detected = hostnetwork.detect(request.environment, places.home())
    recipe: GeneratedContainerfile | UserContainerfile
    notices: tuple[Notice, ...] = scanned.notices
    if user_file is not None:
        base, recipe = None, user_file
    else:
        base = Reference.parse(base_text)
        needed = dependencies.find(request.context, settings.requirements, request.environment)
        template = request.reading.template()
        recipe = containerfile.generate(base, entrypoint, needed, detected.network, template)
        notices += needed.notices
        if needed.files:
            notices += detected.notices
    for notice in notices:
        emit(notice)
    return BuildPlan(
        context=request.context,
        files=scanned.files,
        recipe=recipe,
        base=base,
        platform=_platform(settings.platform),
        labels={**settings.labels, **_MANAGED},
        # Those of [tool.keynet] too: a secret among them would stay in the image's history.
        build_args=buildargs.parse(
            (f"{name}={value}" for name, value in settings.build_args.items()),
            request.environment,
        ),
        secrets=request.secrets,
        no_cache=request.no_cache,
        host_network=detected.network,
    )


def find_engine(name: str, plan: BuildPlan, emit: Emit) -> tuple[Builder, WorkingEngine]:
    """Give an engine that works here and can do this plan.

    Raises:
        EngineUnavailable: With each engine's reason, or what of the plan it cannot do.
    """
    builder, engine = choosing.choose(
        name, emit=emit, needs_run=containerfile.has_run(plan.recipe.text)
    )
    lacking = builder.unsupported(plan)
    if lacking:
        raise EngineUnavailable(
            fill(
                _("{engine} cannot build this: {reasons}."),
                engine=engine.how,
                reasons="; ".join(lacking),
            ),
            _("Choose another engine with --builder; keynet doctor shows which ones work."),
        )
    return builder, engine


def _platform(text: str | None) -> Platform | None:
    try:
        return Platform.parse(text) if text else None
    except ValidationError as error:
        raise UsageError(error.message, error.hint) from error


def _described(extraction: Extraction) -> str:
    if extraction.parser_type is None:
        return _("none found")
    count = len(extraction.arguments)
    counted = fill(ngettext("{count} argument", "{count} arguments", count), count=count)
    return f"{extraction.parser_type}, {counted}"


def _warn_about(extraction: Extraction, emit: Emit) -> None:
    if extraction.parser_type is None:
        emit(
            Notice(
                _(
                    "The script has no hyperparameters. To let the platform set them, add for "
                    "example: parser = argparse.ArgumentParser(); "
                    'parser.add_argument("--lr", type=float, default=0.001)'
                )
            )
        )
    if extraction.notes:
        count = len(extraction.notes)
        emit(
            Notice(
                fill(
                    ngettext(
                        "{count} thing in the script could not be read; see keynet params.",
                        "{count} things in the script could not be read; see keynet params.",
                        count,
                    ),
                    count=count,
                ),
                "note",
            )
        )
