"""Pipes and terminals between keynet and a program, each end closed once."""

import contextlib
import os
import termios
from typing import Final

__all__ = ["End", "pipe", "terminal"]

# Rows and columns: a line a layer, and names that are not cut.
_TERMINAL_SIZE: Final = (500, 200)


class End:
    """One end of a pipe, closed once."""

    __slots__ = ("_open", "fd")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._open = True

    def fileno(self) -> int:
        """Return the descriptor, for selectors."""
        return self.fd

    def close(self) -> None:
        """Close the descriptor unless that was done."""
        if self._open:
            self._open = False
            os.close(self.fd)


def pipe(stack: contextlib.ExitStack) -> tuple[End, End]:
    """Make a pipe and return its reading and its writing end; the stack closes both."""
    read, write = (End(fd) for fd in os.pipe())
    stack.callback(read.close)
    stack.callback(write.close)
    return read, write


def terminal(stack: contextlib.ExitStack) -> tuple[End, End]:
    """Make a terminal, wide enough for an engine's progress; else as ``pipe``."""
    read, write = (End(fd) for fd in os.openpty())
    stack.callback(read.close)
    stack.callback(write.close)
    termios.tcsetwinsize(write.fd, _TERMINAL_SIZE)
    return read, write
