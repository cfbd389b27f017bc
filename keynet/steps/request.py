"""What a user asks for: the merged settings of a push or a build, as one value."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keynet import credentials, settings
from keynet.files import places
from keynet.plan import BuildSecret
from keynet.settings import Settings

__all__ = ["Request", "default_context", "make"]


@dataclass(frozen=True, slots=True)
class Request:
    """Paths as given, everything else in ``settings``."""

    entrypoint: Path
    context: Path
    settings: Settings
    secrets: tuple[BuildSecret, ...] = ()
    no_cache: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)


def make(
    entrypoint: Path,
    context: Path | None,
    flags: Mapping[str, Any],
    *,
    secrets: tuple[BuildSecret, ...] = (),
    no_cache: bool = False,
) -> Request:
    """Merge flags, environment, [tool.keynet] of the context and the saved login.

    Args:
        flags: By the name of the setting (``project_id``, ``base_image``); None counts as not
            given.

    Raises:
        UsageError: A flag or setting cannot be used.
        KeynetError: The saved login cannot be read.
    """
    folder = context or default_context(entrypoint)
    table = settings.read_pyproject(folder)
    merged = settings.merge(flags, os.environ, table, credentials.load())
    return Request(entrypoint, folder, merged, secrets, no_cache)


def default_context(entrypoint: Path) -> Path:
    """Return the current folder when the script is inside it, else the script's own folder."""
    if places.real(entrypoint).is_relative_to(Path.cwd()):
        return Path()
    return entrypoint.parent
