"""What probing found, kept between runs: so that a push does not try every engine again.

An answer holds only for the same program, ids and settings that decide where and how the engine
runs; each such combination has a file of its own, so that work with several of them in turn, or
by several processes, costs no second trial. A file that cannot be read is made anew.
"""

import contextlib
import dataclasses
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from keynet.files import places
from keynet.files.disk_cache import DiskCache
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
        content = self._files(name).get(f"{key}.json")
        if content is None:
            return None
        try:
            entry = json.loads(content)
            if "engine" in entry:
                return Works(WorkingEngine(**entry["engine"]), dict(entry["invocation"]))
            age = time.time() - float(entry["at"])
            return Unusable(**entry["unusable"]) if 0 <= age < _REFUSAL_AGE_S else None
        except (TypeError, ValueError, LookupError):
            return None

    def put(self, name: str, key: str, found: Found) -> None:
        """Remember it, replacing what was known of this engine as it is set up now."""
        kind = "unusable" if isinstance(found, Unusable) else ""
        known = dataclasses.asdict(found)
        entry = {"at": time.time(), **({kind: known} if kind else known)}
        # A cache that cannot be written costs a second next time, and nothing else.
        with contextlib.suppress(OSError):
            self._files(name).put(f"{key}.json", json.dumps(entry))

    def _files(self, name: str) -> DiskCache:
        return DiskCache(self._folder, name, _KEPT)
