"""Save an image of docker as an archive or an OCI layout."""

import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from keynet.errors import EngineError
from keynet.process import shell
from keynet.runtime.probing.reasons import error_line
from keynet.text import _, fill

__all__ = ["save"]


def save(format: str, path: Path, write: Callable[[Path], shell.Finished]) -> None:  # noqa: A002
    """Let docker write an archive, and unpack it if an OCI layout is requested.

    Args:
        format: ``oci``, ``oci-archive`` or ``docker-archive``.
        path: The file, or the folder of a layout.
        write: Runs docker so that it writes an archive to this path.

    Raises:
        EngineError: docker failed.
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
                    said=error_line(finished.stderr),
                ),
                _("Check that the folder exists, is writable and has enough free space."),
            )
        if is_layout:
            _unpack_layout(file, path)
    finally:
        if is_layout:
            file.unlink(missing_ok=True)


def _unpack_layout(file: Path, folder: Path) -> None:
    """Unpack the regular files of an archive, except names outside the folder.

    Not ``extractall``, because Debian 12's Python (3.11.2) has no ``filter`` for it.
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
