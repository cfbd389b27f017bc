"""What a program reads on standard input: nothing, a secret, or what a function writes."""

import os
import threading
from collections.abc import Callable
from typing import BinaryIO

from keynet.errors import KeynetError
from keynet.secret import Secret

__all__ = ["Feeder", "Writer", "open_input"]

Writer = Callable[[BinaryIO], None]


class Feeder(threading.Thread):
    """Write a program's standard input; one that stops reading is not a failure."""

    def __init__(self, writer: Writer, descriptor: int) -> None:
        super().__init__(daemon=True)
        self._writer = writer
        self._descriptor = descriptor
        self._failure: OSError | KeynetError | None = None

    def run(self) -> None:
        try:
            with os.fdopen(self._descriptor, "wb") as pipe:
                self._writer(pipe)
        except BrokenPipeError:
            return
        except (OSError, KeynetError) as failure:
            self._failure = failure

    def finish(self) -> None:
        """Wait until all is written and raise what went wrong."""
        self.join()
        if self._failure is not None:
            raise self._failure


def open_input(source: Secret | Writer | None) -> tuple[int, Feeder | None]:
    """Return the descriptor that the program reads, and what writes to its other end.

    The caller closes the descriptor and starts the feeder.
    """
    if source is None:
        return os.open(os.devnull, os.O_RDONLY), None
    read, write = os.pipe()
    if not isinstance(source, Secret):
        return read, Feeder(source, write)
    # A secret is far smaller than a pipe's buffer: written before the program is there.
    os.write(write, source.reveal().encode() + b"\n")
    os.close(write)
    return read, None
