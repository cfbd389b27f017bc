"""Write a script into a folder and read its hyperparameters."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

from keynet.script.arguments import Argument, Extraction
from keynet.script.extraction import extract

__all__ = ["DIALECT_SCRIPTS", "Row", "arguments", "read", "rows", "write"]

# Scripts that the differential test also runs with their own libraries.
DIALECT_SCRIPTS = Path(__file__).parents[2] / "differential" / "dialects"
Row = tuple[object, ...]


def write(folder: Path, script: str, files: Mapping[str, str] | None = None) -> Path:
    """Write ``train.py`` and the files of its project, and return the script's path."""
    for name, text in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    path = folder / "train.py"
    path.write_text(dedent(script), encoding="utf-8")
    return path


def read(folder: Path, script: str) -> Extraction:
    """Write a script and return all that is read from it."""
    return extract(write(folder, script))


def arguments(folder: Path, script: str, files: Mapping[str, str] | None = None) -> list[Argument]:
    """Return what is read from a script that must not leave anything unknown."""
    found = extract(write(folder, script, files))
    assert found.notes == ()
    return list(found.arguments)


def rows(found: Extraction) -> list[Row]:
    """Return name, type, default, whether it is required and choices of each argument."""
    return [(a.name, a.type, a.default, a.required, a.choices) for a in found.arguments]
