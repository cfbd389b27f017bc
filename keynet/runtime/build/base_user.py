"""Find the user of a base image, to which a build in one stage switches back."""

from collections.abc import Callable
from typing import Final

from keynet.process import shell

__all__ = ["find"]

_TIMEOUT_S: Final = 120.0


def find(inspect: shell.Command, pull: Callable[[], object]) -> str | None:
    """Return the user of the base image; pull the image if the engine lacks it.

    Args:
        inspect: Prints the user, "" for root; fails if the engine does not have the image.
        pull: Pulls the image as the build would; its failure is not an error.

    Returns:
        The user; None if the image cannot be pulled. The build then reports what is wrong.
    """
    found = shell.run(inspect, timeout_s=_TIMEOUT_S)
    if found.status != 0:
        pull()
        found = shell.run(inspect, timeout_s=_TIMEOUT_S)
    return found.stdout.strip() if found.status == 0 else None
