"""Compute a key from everything that decides how an engine runs here.

Only from that: a login that rewrites an engine's configuration file, or another user's line in
/etc/subuid, must not cause a new trial.
"""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import keynet
from keynet.process import programs
from keynet.text import language

__all__ = ["of", "stamp", "variables"]

_VARIABLES: Final = ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR")
_LENGTH: Final = 32


def of(name: str, settings: Iterable[object]) -> str:
    """Return a hash (32 hex digits) of everything that decides how an engine runs.

    Args:
        name: The engine's name, also that of its program.
        settings: The engine's own settings, in JSON's types.
    """
    # The language: a result has texts.
    parts: list[object] = [keynet.__version__, language(), name]
    parts += [os.geteuid(), os.uname().release]
    parts += [*variables(_VARIABLES), stamp(programs.find(name)), *settings]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:_LENGTH]


def variables(names: Iterable[str]) -> list[str | None]:
    """Return the values of environment variables, None for each that is not set."""
    return [os.environ.get(name) for name in names]


def stamp(path: str | None) -> tuple[object, ...] | None:
    """Return path, size, time, mode and owner of a file, which change when it does."""
    if path is None:
        return None
    try:
        found = Path(path).stat()
    except OSError:
        return (path, None)
    return (path, found.st_size, found.st_mtime_ns, found.st_mode, found.st_uid)
