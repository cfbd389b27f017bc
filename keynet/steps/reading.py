"""Read the training script in a process of its own, while this one loads what a push needs.

What reads it takes as long to load as pydantic, and up to 0.3 s for a large script. A script
that was made to exhaust its reader's memory ends that process and not the push.
"""

import os
import signal
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from keynet.errors import KeynetError, ScriptInvalid
from keynet.script.extraction import Extraction
from keynet.text import _, printable

__all__ = ["Content", "Reading"]


@dataclass(frozen=True, slots=True)
class Content:
    """What a script says of itself; ``digest`` is its file's, names are None where it has none."""

    digest: str
    extraction: Extraction
    model_name: str | None
    base_image: str | None


class Reading:
    """A script under way through its reader; use it as ``with``: the block's end ends the reader.

    To be made before any thread: it forks.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        read, write = os.pipe()
        self._answer = os.fdopen(read, "rb")
        self._process = os.fork()
        if self._process == 0:
            _serve(path, write)
        os.close(write)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()
        if self._process:
            os.kill(self._process, signal.SIGKILL)
            self._ended()

    def content(self) -> Content:
        """Wait for the reader and give what it found; once.

        Raises:
            ScriptInvalid: Missing, no file, not Python; with line and caret.
        """
        import pickle

        answer = self._answer.read()
        status = self._ended()
        if not answer:
            raise ScriptInvalid(
                _("{path} could not be read: the process that reads it ended ({status}).").format(
                    path=printable(self.path), status=status
                ),
                _("See whether this machine is short of memory."),
            )
        found = pickle.loads(answer)  # noqa: S301  from our own process
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Content)
        return found

    def _ended(self) -> int:
        """Wait until the process is gone; its exit status, negative after a signal."""
        _pid, status = os.waitpid(self._process, 0)
        self._process = 0
        return os.waitstatus_to_exitcode(status)


def _serve(path: Path, descriptor: int) -> None:
    """Be the reader; does not come back."""
    try:
        # This process has nothing to tidy up.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        with os.fdopen(descriptor, "wb") as pipe:
            _answer(path, pipe)
    finally:
        os._exit(0)


def _answer(path: Path, pipe: BinaryIO) -> None:
    import pickle

    found: Content | Exception
    try:
        found = _read(path)
    except KeynetError as error:
        found = error
    except Exception:  # noqa: BLE001 - a bug, which is told where statuses are
        found = RuntimeError(traceback.format_exc())
    pickle.dump(found, pipe)


def _read(path: Path) -> Content:
    from keynet.oci.descriptor import Digest
    from keynet.script import source
    from keynet.script.arguments import extract
    from keynet.script.decorators import traced

    loaded = source.load(path)
    named = traced(loaded)
    extraction = extract(path)
    digest = Digest.of(path.read_bytes())
    return Content(str(digest), extraction, named.model_name, named.base_image)
