"""The request of a push or a build: paths and merged settings, as one value."""

import os
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from keynet import credentials, settings
from keynet.frozen import frozen
from keynet.plan import BuildSecret
from keynet.recipe import context_choice
from keynet.settings import Settings

__all__ = ["Request", "make"]


@frozen
class Request:
    """One push or build; paths are as given, other options are in ``settings``.

    ``from_project`` has the names of settings that [tool.keynet] decided: a repository's word is
    not the user's, and its paths are relative to the context and must not leave it.
    """

    entrypoint: Path
    context: Path
    settings: Settings
    secrets: tuple[BuildSecret, ...] = ()
    no_cache: bool = False
    strict: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    from_project: frozenset[str] = frozenset()
    outputs: tuple[Path, ...] = ()


def make(
    entrypoint: Path,
    context: Path | None,
    flags: Mapping[str, Any],
    *,
    secrets: tuple[BuildSecret, ...] = (),
    no_cache: bool = False,
    strict: bool = False,
) -> Request:
    """Return a request with merged settings.

    They come from ``flags``, the environment, [tool.keynet] of the context and the saved login.

    Args:
        flags: By name of the setting (``project_id``, ``base_image``); None means not given.

    Raises:
        ContextInvalid: No context is named, and the script is not in a folder of its own.
        UsageError: A flag or setting is not valid.
        KeynetError: The saved login cannot be read.
    """
    folder = context_choice.choose(entrypoint, Path.cwd()) if context is None else context
    table = settings.read_pyproject(folder)
    merged = settings.merge(flags, os.environ, table, credentials.load())
    from_project = settings.decided_by_pyproject(flags, os.environ, table)
    if merged.dockerfile is not None and "dockerfile" in from_project:
        merged = merged.model_copy(update={"dockerfile": folder / merged.dockerfile})
    return Request(entrypoint, folder, merged, secrets, no_cache, strict, from_project=from_project)
