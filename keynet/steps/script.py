"""Steps 2 and 3 of a push: the script is parsed, and its hyperparameters are read."""

from dataclasses import dataclass
from pathlib import Path

from keynet.events import Emit, Notice
from keynet.oci.descriptor import Digest
from keynet.script.arguments import Extraction
from keynet.steps.stages import Stages
from keynet.text import _, fill, ngettext

__all__ = ["Script", "read"]


@dataclass(frozen=True, slots=True)
class Script:
    """A training script that parses; names are None where it does not have them.

    ``digest`` and ``extraction`` are of the same bytes.
    """

    path: Path
    digest: Digest
    extraction: Extraction
    model_name: str | None
    base_image: str | None

    @property
    def name(self) -> str:
        """The file's name, without its folder."""
        return self.path.name


def read(path: Path, stages: Stages, emit: Emit) -> Script:
    """Parse the script and read its hyperparameters, without running it.

    Raises:
        ScriptInvalid: Missing, not a file, not Python; with line and caret.
    """
    # Loading these takes 30 ms, which --help and other commands do not need.
    from keynet.script import training_script
    from keynet.script.decorators import traced
    from keynet.script.extraction import extract

    with stages.stage("entrypoint", _("Validating entrypoint")) as stage:
        loaded = training_script.load(path)
        named = traced(loaded)
        stage.detail = str(path)
    with stages.stage("hyperparameters", _("Extracting hyperparameters")) as stage:
        extraction = extract(loaded)
        stage.detail = _described(extraction)
    _warn_about(extraction, emit)
    return Script(path, loaded.digest, extraction, named.model_name, named.base_image)


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
