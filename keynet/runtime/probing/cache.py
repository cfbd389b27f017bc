"""Remember the results of probing, so that a push need not try every engine.

A result is valid for one program, user id and set of settings. Each combination has its own file,
so that using several of them alternately, or from several processes, needs no second trial. An
unreadable file is ignored and written again.
"""

import contextlib
import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from keynet.files import places
from keynet.files.disk_cache import DAMAGED, DiskCache
from keynet.frozen import frozen
from keynet.runtime.engine import Unusable, WorkingEngine

__all__ = ["Cache", "ProbeResult", "ProbedEngine"]

# A failure may have causes that are not part of the key (a kernel setting), so it expires.
_REFUSAL_AGE_S: Final = 600.0
_KEPT: Final = 8


@frozen
class ProbedEngine:
    """An engine that works, with its module's ``Invocation`` in JSON's types."""

    engine: WorkingEngine
    invocation: Mapping[str, Any]


ProbeResult = ProbedEngine | Unusable


class Cache:
    """Remember one result for each engine and its settings.

    Reading and writing never raise: without the cache, engines are tried again.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or places.cache() / "engines"

    def get(self, name: str, key: str) -> ProbeResult | None:
        """Return the remembered result for this key; None if missing or expired."""
        content = self._files(name).get(f"{key}.json")
        return None if content is None else _result(content)

    def has_worked(self, name: str) -> bool:
        """Report whether an engine is known to have worked here, with whatever settings."""
        return any(isinstance(_result(each), ProbedEngine) for each in self._files(name).contents())

    def distrusted(self, name: str) -> Path | None:
        """Return what another user has, or may change, so that it is not used; None for nothing."""
        return self._files(name).distrusted()

    def put(self, name: str, key: str, found: ProbeResult) -> None:
        """Remember a result in place of an earlier one for the same key."""
        kind = "unusable" if isinstance(found, Unusable) else ""
        known = dataclasses.asdict(found)
        entry = {"at": time.time(), **({kind: known} if kind else known)}
        # Without the file, the next push only needs a second more.
        with contextlib.suppress(OSError):
            self._files(name).put(f"{key}.json", json.dumps(entry))

    def _files(self, name: str) -> DiskCache:
        return DiskCache(self._folder, name, _KEPT)


def _result(content: bytes) -> ProbeResult | None:
    try:
        entry = json.loads(content)
        if "engine" in entry:
            return ProbedEngine(WorkingEngine(**entry["engine"]), dict(entry["invocation"]))
        age = time.time() - float(entry["at"])
        return _unusable(entry["unusable"]) if 0 <= age < _REFUSAL_AGE_S else None
    except DAMAGED:
        return None


def _unusable(entry: Mapping[str, Any]) -> Unusable:
    return Unusable(**{**entry, "repair": tuple(entry.get("repair", ()))})
