"""The settings of runs, from every place that may set them."""

import os
from collections.abc import Mapping
from pathlib import Path

from keynet import credentials
from keynet.errors import InvalidRunSettings
from keynet.runtime.workspace.runtime_settings import RuntimeSettings, merge_runtime
from keynet.text import _, fill

__all__ = ["runtime_settings"]


def runtime_settings(
    context: Path | None = None,
    flags: Mapping[str, object] | None = None,
    *,
    config: Path | None = None,
) -> RuntimeSettings:
    """Return the settings of runs: flags, variables, [tool.keynet.runtime], own config file.

    Args:
        context: The folder whose pyproject.toml counts; None for no repository at all.
        flags: By setting name (``cpus``, ``read_only``); None counts as not set.
        config: The config file; None is the usual one.

    Raises:
        InvalidRunSettings: A wrong value or an unknown setting, with the place it is from.
        UsageError: The pyproject.toml cannot be read.
        KeynetError: The config file cannot be read.
    """
    table: Mapping[str, object] = {}
    if context is not None:
        # All settings of a push, which an image does not need: 0.1 s.
        from keynet import settings

        table = settings.runtime_table(settings.read_pyproject(context))
    login = credentials.load(config)
    saved = {} if login is None else login.extra.get("runtime", {})
    if not isinstance(saved, dict):
        raise InvalidRunSettings(
            fill(
                _("The config file {file}: runtime is not an object."),
                file=config or credentials.path(),
            ),
            _("Write it as an object with settings such as cpus, or remove it."),
        )
    return merge_runtime(flags, os.environ, table, saved)
