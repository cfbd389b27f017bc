"""What probing found, kept between runs: so that a push does not try every engine again.

An answer holds only for the same program, ids and settings that decide where and how the engine
runs; each such combination has a file of its own, so that work with several of them in turn, or
by several processes, costs no second trial. A file that cannot be read is made anew.
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

__all__ = ["Cache", "Found", "Works"]

# A refusal may have causes that no key sees (a kernel setting), so it ages.
_REFUSAL_AGE_S: Final = 600.0
_KEPT: Final = 8


@dataclass(frozen=True, slots=True)
class Works:
    """An engine that works, and in JSON's types how its own module has to call it."""

    engine: WorkingEngine
    invocation: Mapping[str, Any]


Found = Works | Unusable


class Cache:
    """Remember one answer for each engine and its settings.

    Reading never fails; writing is best effort.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or places.cache() / "engines"

    def get(self, name: str, key: str) -> Found | None:
        """Return what was found for this engine; None when anything has changed since."""
        try:
            entry = json.loads(self._file(name, key).read_bytes())
            if "engine" in entry:
                return Works(WorkingEngine(**entry["engine"]), dict(entry["invocation"]))
            age = time.time() - float(entry["at"])
            return Unusable(**entry["unusable"]) if 0 <= age < _REFUSAL_AGE_S else None
        except (OSError, TypeError, ValueError, LookupError):
            return None

    def put(self, name: str, key: str, found: Found) -> None:
        """Remember it, replacing what was known of this engine as it is set up now."""
        kind = "unusable" if isinstance(found, Unusable) else ""
        known = dataclasses.asdict(found)
        entry = {"at": time.time(), **({kind: known} if kind else known)}
        # A cache that cannot be written costs a second next time, and nothing else.
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
