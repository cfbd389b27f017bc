"""The training script, read once: everything that is derived from it is of the same bytes."""

from dataclasses import dataclass
from pathlib import Path

from keynet.oci.descriptor import Digest
from keynet.script import collector
from keynet.script.files import source
from keynet.script.files.source import Source

__all__ = ["TrainingScript", "load"]


@dataclass(frozen=True, slots=True)
class TrainingScript:
    """A script as it was when it was loaded; its file is not read again.

    ``digest`` is the SHA-256 of the file's bytes; ``source`` is what they parse to.
    """

    path: Path
    digest: Digest
    source: Source


def load(path: Path) -> TrainingScript:
    """Read and parse a training script; its file is opened once.

    Raises:
        ScriptInvalid: The file is missing, unreadable, too large or not Python.
    """
    with collector.paused():
        content = source.read(path)
        return TrainingScript(path, Digest.of(content), source.from_bytes(path, content))
