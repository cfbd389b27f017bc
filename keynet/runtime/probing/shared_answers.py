"""What engines answer during one examination, in which several parts ask the same question.

The report of an engine and its trial both need what ``info`` prints, which takes podman 0.5 s.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from keynet.process import shell

__all__ = ["ask", "shared"]

_Answers = dict[tuple[str, ...], shell.Finished]

_answers: ContextVar[_Answers | None] = ContextVar("answers", default=None)


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """Ask each question only once in this block; after a failure it is asked again."""
    token = _answers.set({})
    try:
        yield
    finally:
        _answers.reset(token)


def ask(argv: tuple[str, ...], timeout_s: float) -> shell.Finished:
    """Run a program that changes nothing, or return its answer within this block.

    Raises: see ``shell.run``.
    """
    known = _answers.get()
    if known is not None and argv in known:
        return known[argv]
    finished = shell.run(shell.Command(argv), timeout_s=timeout_s)
    if known is not None and finished.status == 0:
        known[argv] = finished
    return finished
