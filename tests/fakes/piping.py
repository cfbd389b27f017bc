"""Standard input as a pipe that somebody writes into."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["standard_input"]


@contextmanager
def standard_input(content: bytes | None) -> Iterator[None]:
    """Let descriptor 0 be a pipe with these bytes; with None, one into which nothing comes."""
    read, write = os.pipe()
    before = os.dup(0)
    os.dup2(read, 0)
    os.close(read)

    def feed(whole: bytes) -> None:
        try:
            with os.fdopen(write, "wb") as pipe:
                pipe.write(whole)
        except BrokenPipeError:
            return

    feeder = None
    if content is not None:
        feeder = threading.Thread(target=feed, args=(content,))
        feeder.start()
    try:
        yield
    finally:
        os.dup2(before, 0)
        os.close(before)
        if feeder is None:
            os.close(write)
        else:
            feeder.join()
