"""The user that a base image runs as: a build in one stage has to return to it."""

from collections.abc import Callable
from typing import Final

from keynet.process import shell

__all__ = ["find"]

_TIMEOUT_S: Final = 120.0


def find(question: shell.Command, pull: Callable[[], object]) -> str | None:
    """Ask the engine for the user, pulling the image where the engine does not have it.

    Args:
        question: Prints the user that the image runs as, "" for root; fails where the engine
            has no such image.
        pull: Pulls it, as the build would; its failure is not an error.

    Returns:
        None where the image cannot be had: the build will say in its own words what is wrong.
    """
    found = shell.run(question, timeout_s=_TIMEOUT_S)
    if found.status != 0:
        pull()
        found = shell.run(question, timeout_s=_TIMEOUT_S)
    return found.stdout.strip() if found.status == 0 else None
