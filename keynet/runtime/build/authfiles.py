"""Files with logins, as docker and the containers tools read them."""

import base64
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from keynet.files import limited_read
from keynet.plan import RegistryAccess

__all__ = ["PREFIX", "entry", "mapping", "read", "write"]

# Of the private folders with a push's credentials.
PREFIX: Final = "keynet-auth-"
_LARGEST: Final = 10_000_000


def entry(access: RegistryAccess) -> dict[str, str]:
    """Return a registry's entry of ``auths``."""
    password = access.password.reveal() if access.password else ""
    return {"auth": base64.b64encode(f"{access.username}:{password}".encode()).decode()}


def read(path: Path) -> Mapping[str, Any]:
    """Read a foreign configuration file; one that is broken or hidden counts as empty.

    The engines themselves warn about it; a push needs only its own entry.
    """
    try:
        return mapping(json.loads(limited_read.head(path, _LARGEST)))
    except (OSError, ValueError, RecursionError):
        return {}


def mapping(value: object) -> dict[str, Any]:
    """Return a JSON object as it is, and an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a new file that only its owner can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
