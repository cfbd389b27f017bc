"""The version that a project gives itself.

Source: packaging.python.org, "pyproject.toml specification", "version".
"""

from pathlib import Path
from typing import Final

from keynet.files.beneath import Beneath

__all__ = ["project_version"]

_LIMIT: Final = 1_000_000
_LONGEST: Final = 100


def project_version(folder: Path) -> str:
    """Return ``[project] version`` of a folder's pyproject.toml; "" without a plain one."""
    try:
        with Beneath(folder) as files:
            content = files.read("pyproject.toml", _LIMIT) or b""
        if not content:
            return ""
        import tomllib

        project = tomllib.loads(content.decode()).get("project")
    except (OSError, ValueError, RecursionError):
        return ""
    version = project.get("version") if isinstance(project, dict) else None
    is_plain = isinstance(version, str) and version.isprintable() and len(version) <= _LONGEST
    return version.strip() if is_plain and isinstance(version, str) else ""
