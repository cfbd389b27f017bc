"""Read and write login files: docker's config.json and containers' auth.json.

Source: containers-auth.json(5).
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from keynet.files import limited_read

if TYPE_CHECKING:
    from keynet.plan import RegistryAccess

__all__ = ["KIND", "VARIABLE", "entry", "given", "mapping", "read", "write"]

# Logins in docker's format; docker 28 reads them, older ones and podman do not.
VARIABLE: Final = "DOCKER_AUTH_CONFIG"
# Of the private folders that hold the credentials of one command.
KIND: Final = "auth"
_LARGEST: Final = 10_000_000


def entry(access: RegistryAccess) -> dict[str, str]:
    """Return the value for one registry in ``auths``."""
    password = access.password.reveal() if access.password else ""
    return {"auth": base64.b64encode(f"{access.username}:{password}".encode()).decode()}


def read(path: Path) -> Mapping[str, Any]:
    """Read a configuration file of the user; return {} if it is unreadable or broken.

    That is not an error: the engines warn about it, and a push only needs its own entry.
    """
    try:
        return mapping(json.loads(limited_read.head(path, _LARGEST)))
    except (OSError, ValueError, RecursionError):
        return {}


def given() -> Mapping[str, Any]:
    """Return the logins in DOCKER_AUTH_CONFIG, or in the file that it names; {} for none.

    Source: GitLab, "Access an image from a private container registry".
    """
    text = os.environ.get(VARIABLE, "").strip()
    if text.startswith("/"):
        return read(Path(text))
    try:
        return mapping(json.loads(text)) if text else {}
    except (ValueError, RecursionError):
        return {}


def mapping(value: object) -> dict[str, Any]:
    """Return a JSON object unchanged, and an empty one for any other JSON value."""
    return value if isinstance(value, dict) else {}


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a new file that only its owner can read.

    Raises:
        FileExistsError: There is a file of this name.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
