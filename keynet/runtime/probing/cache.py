"""Remember the results of probing, so that a push need not try every engine.

A result is valid for one program, user id and set of settings. Each combination has its own file,
so that using several of them alternately, or from several processes, needs no second trial. An
unreadable file is ignored and written again.
"""

import contextlib
import dataclasses
import json
import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keynet.files import places
from keynet.runtime.engine import Unusable, WorkingEngine

__all__ = ["Cache", "ProbeResult", "ProbedEngine"]

# A failure may have causes that are not part of the key (a kernel setting), so it expires.
_REFUSAL_AGE_S: Final = 600.0
_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
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
        try:
            entry = json.loads(self._file(name, key).read_bytes())
            if "engine" in entry:
                return ProbedEngine(WorkingEngine(**entry["engine"]), dict(entry["invocation"]))
            age = time.time() - float(entry["at"])
            return Unusable(**entry["unusable"]) if 0 <= age < _REFUSAL_AGE_S else None
        except (OSError, TypeError, ValueError, LookupError):
            return None

    def put(self, name: str, key: str, found: ProbeResult) -> None:
        """Remember a result in place of an earlier one for the same key."""
        kind = "unusable" if isinstance(found, Unusable) else ""
        known = dataclasses.asdict(found)
        entry = {"at": time.time(), **({kind: known} if kind else known)}
        # Without the file, the next push only needs a second more.
        with contextlib.suppress(OSError):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(entry, file)
            Path(temporary).replace(self._file(name, key))
            self._forget_oldest(name)

    def _file(self, name: str, key: str) -> Path:
        return self._folder / f"{name}-{key}.json"

    def _forget_oldest(self, name: str) -> None:
        files = sorted(self._folder.glob(f"{name}-*.json"), key=lambda path: path.stat().st_mtime)
        for path in files[:-_KEPT]:
            path.unlink(missing_ok=True)
