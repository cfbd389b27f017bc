"""Read an archive that another program writes into a pipe."""

import os
import select
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from keynet.archive.compression import BLOCK
from keynet.errors import TarReadError, UsageError
from keynet.text import _, fill

__all__ = ["STANDARD_INPUT", "is_pipe", "open_standard_input", "read_pipe"]

STANDARD_INPUT: Final = Path("-")

_PATIENCE_MS: Final = 200


def open_standard_input() -> int:
    """Return a descriptor of standard input, which the caller closes.

    Raises:
        UsageError: It is a terminal, or closed.
    """
    hint = _("Write an archive into it, for example: docker save app:1 | keynet image push - …")
    try:
        descriptor = os.dup(0)
    except OSError as error:
        raise UsageError(_("There is no archive on standard input: it is closed."), hint) from error
    if os.isatty(descriptor):
        os.close(descriptor)
        raise UsageError(_("There is no archive on standard input: it is a terminal."), hint)
    return descriptor


def is_pipe(descriptor: int, path: Path) -> bool:
    """Report whether a path stands for a pipe that this process was started with.

    So a shell names the output of a program: ``/dev/stdin``, ``<(docker save app:1)``. A named
    pipe is not read: nobody may ever write into it.
    """
    mode = os.fstat(descriptor).st_mode
    if path == STANDARD_INPUT:
        return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return False
    return os.path.abspath(path).startswith(("/dev/", "/proc/"))  # noqa: PTH100 - links stay


def read_pipe(descriptor: int, name: str, stopped: Callable[[], bool]) -> Iterator[bytes]:
    """Yield what comes through a pipe, until its writer closes it.

    Args:
        stopped: Asked five times a second whether somebody still waits for the result.

    Raises:
        TarReadError: The system refuses to read it, or the reading was stopped.
    """
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    while True:
        if stopped():
            raise TarReadError(fill(_("{archive} was not read to its end."), archive=name))
        if not poller.poll(_PATIENCE_MS):
            continue
        try:
            block = os.read(descriptor, BLOCK)
        except BlockingIOError:
            continue
        except OSError as error:
            raise TarReadError(
                fill(
                    _("{archive} cannot be read: {reason}."),
                    archive=name,
                    reason=error.strerror or error,
                )
            ) from error
        if not block:
            return
        yield block
