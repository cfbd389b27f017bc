"""Keynet's own pip as a zip file, for base images that have none."""

import contextlib
import hashlib
import io
import os
import tempfile
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from keynet.errors import KeynetError
from keynet.text import _

__all__ = ["build"]

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def build(kept: Path | None = None) -> bytes:
    """Pack pip as it is installed beside keynet; the same bytes for the same version.

    Args:
        kept: A folder where an earlier call may have left the file; else this one leaves it.

    Raises:
        KeynetError: pip is not installed.
    """
    try:
        pip = distribution("pip")
    except PackageNotFoundError as error:
        raise KeynetError(
            _("keynet's own dependency pip is not installed."),
            _("Install keynet again: pip install --force-reinstall keynet"),
        ) from error
    if kept is None:
        return _pack(pip)
    # RECORD has a hash of every file.
    record = hashlib.sha256((pip.read_text("RECORD") or pip.version).encode()).hexdigest()
    path = kept / f"pip-{record[:16]}.zip"
    try:
        return path.read_bytes()
    except OSError:
        packed = _pack(pip)
        _keep(path, packed)
        return packed


def _pack(pip: Distribution) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(pip.files or (), key=str):
            # .exe files are launchers for Windows; virtualenv lists __pycache__ itself.
            if file.parts[0] != "pip" or file.suffix in (".pyc", ".exe"):
                continue
            if file.name == "__pycache__":
                continue
            member = zipfile.ZipInfo(file.as_posix(), _EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, file.read_binary())
    return packed.getvalue()


def _keep(path: Path, packed: bytes) -> None:
    """Leave the file for the next push; where that cannot be, it costs some time again."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".pip-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(packed)
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
        for other in path.parent.glob("pip-*.zip"):
            if other != path:
                other.unlink(missing_ok=True)
