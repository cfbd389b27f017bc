"""Write a script into a folder and read its hyperparameters."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

from keynet.script.extraction import Argument, Extraction, extract

__all__ = ["Read", "arguments", "write"]

Read = Callable[..., Extraction]


def write(folder: Path, script: str, files: Mapping[str, str] | None = None) -> Path:
    """Write ``train.py`` and the files of its project; give the script's path."""
    for name, text in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
    path = folder / "train.py"
    path.write_text(dedent(script), encoding="utf-8")
    return path


def arguments(folder: Path, script: str, files: Mapping[str, str] | None = None) -> list[Argument]:
    """Give what is read from a script that must not leave anything unknown."""
    found = extract(write(folder, script, files))
    assert found.notes == ()
    return list(found.arguments)
