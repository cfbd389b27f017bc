"""The training script, read once: all results are of the same bytes."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keynet.script import collector
from keynet.script.files import source
from keynet.script.files.source import Source

if TYPE_CHECKING:
    from keynet.oci.descriptor import Digest

__all__ = ["TrainingScript", "load"]


@dataclass(frozen=True, slots=True)
class TrainingScript:
    """A script as it was when it was loaded; its file is not read again."""

    path: Path
    content: bytes = field(repr=False)
    source: Source = field(repr=False)

    @property
    def digest(self) -> "Digest":
        """Return the SHA-256 of the file's bytes."""
        # Reading a script's arguments needs no hash, and OpenSSL takes 5 ms to load.
        from keynet.oci.descriptor import Digest

        return Digest.of(self.content)


def load(path: Path) -> TrainingScript:
    """Read and parse a training script; its file is opened once.

    Raises:
        ScriptInvalid: The file is missing, unreadable, too large or not Python.
    """
    with collector.paused():
        content = source.read(path)
        return TrainingScript(path, content, source.from_bytes(path, content))
