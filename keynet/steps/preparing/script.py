"""Parse the training script and read its hyperparameters, as two stages."""

from dataclasses import field
from pathlib import Path

from keynet.events import Emit, Notice
from keynet.frozen import frozen
from keynet.oci.descriptor import Digest
from keynet.recipe.dependencies.default_python import Constraint, inline_constraint
from keynet.script.arguments import Extraction
from keynet.script.entry_imports import EntryImports
from keynet.script.training_script import TrainingScript
from keynet.steps.stages import Stages
from keynet.text import _, fill, ngettext

__all__ = ["Script", "read"]


@frozen
class Script:
    """A valid training script.

    ``digest``, ``extraction`` and ``imports`` are of the same bytes. ``model_name`` and
    ``base_image`` come from its decorator, None if it does not set them. ``unknown_base_line`` is
    the line of a decorator whose base image cannot be known without running it, else 0;
    ``python`` is what the script's inline metadata requires.
    """

    path: Path
    loaded: TrainingScript = field(repr=False)
    digest: Digest
    extraction: Extraction
    model_name: str | None
    base_image: str | None
    unknown_base_line: int = 0
    python: Constraint | None = None
    imports: EntryImports = field(default_factory=EntryImports)

    @property
    def name(self) -> str:
        """Return the file's name, without its folder."""
        return self.path.name


def read(path: Path, stages: Stages, emit: Emit) -> Script:
    """Parse the script and read its hyperparameters, without running it.

    Raises:
        ScriptInvalid: The script is missing, not a file or not valid Python (with line and
            caret).
    """
    # Importing these takes 30 ms, which --help and other commands do not need.
    from keynet.script import entry_imports, training_script
    from keynet.script.decorators import traced
    from keynet.script.extraction import extract

    with stages.stage("entrypoint", _("Validating entrypoint")) as stage:
        loaded = training_script.load(path)
        named = traced(loaded)
        stage.detail = str(path)
    with stages.stage("hyperparameters", _("Extracting hyperparameters")) as stage:
        extraction = extract(loaded)
        stage.detail = _summary(extraction)
    _emit_notices(extraction, emit)
    return Script(
        path,
        loaded,
        loaded.digest,
        extraction,
        named.model_name,
        named.base_image,
        named.unknown_base_line,
        inline_constraint(loaded.content, path.name),
        entry_imports.read(loaded.source.tree),
    )


def _summary(extraction: Extraction) -> str:
    if extraction.parser_type is None:
        return _("none found")
    count = len(extraction.arguments)
    counted = fill(ngettext("{count} argument", "{count} arguments", count), count=count)
    return f"{extraction.parser_type}, {counted}"


def _emit_notices(extraction: Extraction, emit: Emit) -> None:
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
                        "{count} part of the script could not be read. Details: keynet params",
                        "{count} parts of the script could not be read. Details: keynet params",
                        count,
                    ),
                    count=count,
                ),
                "note",
            )
        )
