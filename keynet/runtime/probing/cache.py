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
from pathlib import Path
from typing import Any, Final

from keynet.files import places
from keynet.files.disk_cache import DiskCache
from keynet.runtime.engine import Invocation, Unusable, WorkingEngine
from keynet.runtime.probing import cache_key

__all__ = ["Cache"]

# A refusal may have causes that no key sees (a kernel setting), so it ages.
_REFUSAL_AGE_S: Final = 600.0
_KEPT: Final = 8

Found = WorkingEngine | Unusable


class Cache:
    """Remember one answer for each engine and its settings.

    Reading never fails; writing is best effort.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or places.cache() / "engines"

    def get(self, name: str) -> Found | None:
        """Give what was found for this engine; None when anything has changed since."""
        content = self._files(name).get(_key(name))
        if content is None:
            return None
        try:
            entry = json.loads(content)
            if "usable" in entry:
                return _usable(entry["usable"])
            age = time.time() - float(entry["at"])
            return Unusable(**entry["unusable"]) if 0 <= age < _REFUSAL_AGE_S else None
        except (TypeError, ValueError, LookupError):
            return None

    def put(self, name: str, found: Found) -> None:
        """Remember it, replacing what was known of this engine as it is set up now."""
        kind = "usable" if isinstance(found, WorkingEngine) else "unusable"
        entry = {"at": time.time(), kind: dataclasses.asdict(found)}
        # A cache that cannot be written costs a second next time, and nothing else.
        with contextlib.suppress(OSError):
            self._files(name).put(_key(name), json.dumps(entry))

    def _files(self, name: str) -> DiskCache:
        return DiskCache(self._folder, name, _KEPT)


def _key(name: str) -> str:
    # Anew each time: a first trial makes the engine write files that the key looks at.
    return f"{cache_key.of(name)}.json"


def _usable(value: Mapping[str, Any]) -> WorkingEngine:
    way = dict(value["way"])
    way["ulimits"] = tuple(way["ulimits"])
    return WorkingEngine(**{**value, "way": Invocation(**way), "facts": dict(value["facts"])})
