"""The training script, read once: all results are of the same bytes."""

from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from keynet.errors import ScriptInvalid
from keynet.frozen import frozen
from keynet.script import collector, own_stack
from keynet.script.files import other_kinds, source
from keynet.script.files.source import Source

if TYPE_CHECKING:
    from keynet.oci.descriptor import Digest

__all__ = ["TrainingScript", "load"]


@frozen
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
        ScriptInvalid: The file is missing, unreadable, too large or not Python; or it is a
            notebook, JSON or a list that only parses as Python.
    """
    return own_stack.run(lambda: _load(path))


def _load(path: Path) -> TrainingScript:
    with collector.paused():
        other_kinds.check_name(path)
        content = source.read(path)
        try:
            parsed = source.from_bytes(path, content)
        except ScriptInvalid as error:
            text = content.decode("utf-8-sig", "replace")
            line = getattr(error.__cause__, "lineno", None) or 0
            raise other_kinds.other_kind(path, text, parsed=False, line=line) or error from error
        other_kinds.check_tree(path, parsed.text, parsed.tree)
        return TrainingScript(path, content, parsed)
