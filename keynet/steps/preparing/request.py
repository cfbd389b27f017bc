"""The request of a push or a build: paths and merged settings, as one value."""

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
    """One push or build; paths are as given, other options are in ``settings``.

    ``requirements_named`` is True if a flag names the requirements file, and not the context.
    """

    entrypoint: Path
    context: Path
    settings: Settings
    secrets: tuple[BuildSecret, ...] = ()
    no_cache: bool = False
    requirements_named: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)


def make(
    entrypoint: Path,
    context: Path | None,
    flags: Mapping[str, Any],
    *,
    secrets: tuple[BuildSecret, ...] = (),
    no_cache: bool = False,
) -> Request:
    """Return a request with merged settings.

    They come from ``flags``, the environment, [tool.keynet] of the context and the saved login.

    Args:
        flags: By name of the setting (``project_id``, ``base_image``); None means not given.

    Raises:
        UsageError: A flag or setting is not valid.
        KeynetError: The saved login cannot be read.
    """
    folder = context or default_context(entrypoint)
    table = settings.read_pyproject(folder)
    merged = settings.merge(flags, os.environ, table, credentials.load())
    named = flags.get("requirements") is not None
    return Request(entrypoint, folder, merged, secrets, no_cache, named)


def default_context(entrypoint: Path) -> Path:
    """Return the current folder if the script is inside, else the script's folder."""
    if places.real(entrypoint).is_relative_to(Path.cwd()):
        return Path()
    return entrypoint.parent
