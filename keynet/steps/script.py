"""Read script and template in a process of its own, while this one loads what a push needs.

What reads a script, and jinja2, take 30 ms each to load, and a large script up to 0.3 s. A
script that was made to exhaust its reader's memory ends that process and not the push.
"""

import os
import signal
import struct
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn, Self, TypeVar

from keynet.errors import KeynetError, ScriptInvalid
from keynet.files import places
from keynet.script.arguments import Extraction
from keynet.text import _, fill

if TYPE_CHECKING:
    from keynet.recipe.containerfile import Template

__all__ = ["Content", "Reading"]

_Answer = TypeVar("_Answer")
_PATIENCE_S: Final = 2.0
_FIRST_PAUSE_S: Final = 0.0002
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# What the pipe says of each answer: where it begins in the shared file, and its bytes. pip's
# archive takes 10 ms through a pipe, and who is killed meanwhile would leave its writer waiting.
_PLACE: Final = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class Content:
    """What a script says of itself; ``digest`` is its file's, names are None where it has none."""

    digest: str
    extraction: Extraction
    model_name: str | None
    base_image: str | None


class Reading:
    """A process at work on a script, then on the template; use it as ``with``, whose end ends it.

    To be made before any thread: it forks. Each answer is given once, the script's first.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._status: int | None = None
        self._answers = _shared_file()
        told, write = os.pipe()
        self._told = os.fdopen(told, "rb", buffering=0)
        # Until the process can take a signal it must not meet what this one would do with it.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            self._process = os.fork()
            if self._process == 0:
                self._told.close()
                _serve(path, write, self._answers, mask)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(write)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def content(self) -> Content:
        """Wait for what the script says.

        Raises:
            ScriptInvalid: Missing, no file, not Python; with line and caret.
        """
        return self._next(Content)

    def template(self) -> "Template":
        """Wait for the template, the last answer.

        Raises:
            KeynetError: keynet's own pip is not installed.
        """
        from keynet.recipe.containerfile import Template

        return self._next(Template)

    def _next(self, kind: type[_Answer]) -> _Answer:
        import pickle

        place = self._told.read(_PLACE.size)
        if len(place) < _PLACE.size:
            raise ScriptInvalid(
                fill(
                    _("{path} could not be read: the process that reads it ended ({status})."),
                    path=self.path,
                    status=self._end(),
                ),
                _("See whether this machine is short of memory."),
            )
        start, length = _PLACE.unpack(place)
        found = pickle.loads(os.pread(self._answers.fileno(), length, start))  # noqa: S301  our own
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, kind)
        return found

    def _end(self) -> int:
        """See that the process is gone; give its status, negative after a signal."""
        self._told.close()
        self._answers.close()
        if self._status is None:
            # What it is writing to the disk it removes when it is asked to go.
            os.kill(self._process, signal.SIGTERM)
            self._status = _waited(self._process)
        return self._status


def _shared_file() -> BinaryIO:
    """Open a file without a name, for both processes; in memory where that can be."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("keynet-reading"), "w+b")
    return tempfile.TemporaryFile()


def _waited(process: int) -> int:
    until = time.monotonic() + _PATIENCE_S
    pause = _FIRST_PAUSE_S
    ended, status = os.waitpid(process, os.WNOHANG)
    while not ended and time.monotonic() < until:
        time.sleep(pause)
        pause *= 2
        ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
        os.kill(process, signal.SIGKILL)
        _process, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def _serve(path: Path, told: int, answers: BinaryIO, mask: Iterable[int]) -> NoReturn:
    """Be the process: write the answers and end without a word."""
    try:
        import pickle

        for number in _SIGNALS:
            signal.signal(number, _stop)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        start = 0
        with suppress(BrokenPipeError, KeyboardInterrupt):
            for work in (lambda: _read(path), _load):
                pickle.dump(_outcome(work), answers)
                answers.flush()
                os.write(told, _PLACE.pack(start, answers.tell() - start))
                start = answers.tell()
        os._exit(0)
    finally:
        os._exit(1)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Tidy up and go; a second signal comes too late."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _outcome(work: Callable[[], object]) -> object:
    try:
        return work()
    except KeynetError as error:
        return error
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - a bug, told where it gets a status of its own
        return RuntimeError(traceback.format_exc())


def _read(path: Path) -> Content:
    from keynet.script import training_script
    from keynet.script.decorators import traced
    from keynet.script.extraction import extract

    script = training_script.load(path)
    named = traced(script)
    return Content(str(script.digest), extract(script), named.model_name, named.base_image)


def _load() -> "Template":
    from keynet.recipe import containerfile

    return containerfile.load(places.cache())
