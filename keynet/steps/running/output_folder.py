"""The folder that gets what a program has written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keynet.errors import InvalidRunSettings
from keynet.text import _, fill

__all__ = ["created"]


@contextmanager
def created(folder: Path | None) -> Iterator[None]:
    """Create the output folder before anything is run; remove it empty if that fails.

    Raises:
        InvalidRunSettings: It cannot be created or written to.
    """
    if folder is None:
        yield
        return
    made = [each for each in (folder, *folder.parents) if not os.path.lexists(each)]
    why = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            why = os.strerror(13)
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        _remove(made)
        raise InvalidRunSettings(
            fill(_("--output {folder} cannot be used: {why}."), folder=folder, why=why),
            _("Choose a folder that you may write to."),
        )
    try:
        yield
    except BaseException:
        _remove(made)
        raise


def _remove(made: list[Path]) -> None:
    for each in made:
        with suppress(OSError):
            each.rmdir()
