"""Pack keynet's own pip into a zip file, for base images without pip."""

import hashlib
import io
import zipfile
from dataclasses import field
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from keynet.errors import KeynetError
from keynet.files.disk_cache import kept
from keynet.frozen import frozen
from keynet.text import _

__all__ = ["PipArchive", "build"]

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@frozen
class PipArchive:
    """The zip file, or its bytes where no cache holds it.

    ``key`` identifies the content; hashing the 7 MB themselves took 40 ms of each push.
    """

    key: str
    content: bytes | Path = field(repr=False)


def build(folder: Path | None = None) -> PipArchive:
    """Pack keynet's own pip; the same version always gives the same bytes.

    Args:
        folder: Cache for the next call; see ``kept``. None packs it each time.

    Raises:
        KeynetError: pip is not installed.
    """
    try:
        pip = distribution("pip")
    except PackageNotFoundError as error:
        raise KeynetError(
            _("keynet's own dependency pip is not installed."),
            _(
                "Install keynet again: pipx reinstall keynet-cli\n"
                "or: uv tool install --reinstall keynet-cli"
            ),
        ) from error
    # RECORD contains a hash of every file, so its hash identifies the content.
    record = hashlib.sha256((pip.read_text("RECORD") or pip.version).encode()).hexdigest()
    return PipArchive(record, kept(folder, "pip", f"{record[:16]}.zip", lambda: _pack(pip)))


def _pack(pip: Distribution) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(pip.files or (), key=str):
            # .exe files are launchers for Windows; virtualenv lists __pycache__ as an entry.
            if file.parts[0] != "pip" or file.suffix in (".pyc", ".exe"):
                continue
            if file.name == "__pycache__":
                continue
            member = zipfile.ZipInfo(file.as_posix(), _EPOCH)
            member.external_attr = 0o644 << 16
            archive.writestr(member, file.read_binary())
    return packed.getvalue()
