"""Write an image that docker exports to a file or a folder."""

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from keynet.errors import EngineError
from keynet.process import shell
from keynet.runtime.probing.reasons import last_words
from keynet.text import _, fill

__all__ = ["save_by"]


def save_by(format: str, path: Path, write: Callable[[Path], shell.Finished]) -> None:  # noqa: A002
    """Let docker write an archive, and unpack it where a layout is wanted.

    Raises:
        EngineError: Nothing was written.
    """
    is_layout = format == "oci"
    file = path.with_name(f"{path.name}.partial.tar") if is_layout else path
    try:
        finished = write(file)
        if finished.status != 0:
            raise EngineError(
                fill(
                    _("docker could not write the image to {destination}: {said}"),
                    destination=f"{format}:{path}",
                    said=last_words(finished.stderr),
                ),
                _("See whether the folder exists, is writable and has room."),
            )
        if is_layout:
            _unpack_layout(file, path)
    finally:
        if is_layout:
            file.unlink(missing_ok=True)


def _unpack_layout(file: Path, folder: Path) -> None:
    """Write the layout's own files, whose names its specification gives; nothing else.

    Not ``extractall``: Debian 12's Python has no filter for it yet.
    """
    with tarfile.open(file) as tar:
        for member in tar:
            name = PurePosixPath(member.name)
            content = tar.extractfile(member) if member.isfile() else None
            if content is None or name.is_absolute() or ".." in name.parts:
                continue
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as written:
                shutil.copyfileobj(content, written)
