"""An engine that may work on this host: tried by its own module, remembered between runs."""

import dataclasses
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from keynet.runtime.engine import AnyBuilder, Unusable, WorkingEngine
from keynet.runtime.probing import cache_key, endpoints
from keynet.runtime.probing.cache import Cache, Works

__all__ = ["EngineCandidate"]

# What a trial gives: the engine and its own dataclass of how to call it.
Tried = tuple[WorkingEngine, Any] | Unusable


@dataclass(frozen=True, slots=True)
class EngineCandidate:
    """One engine: the functions are its own module's, which is loaded when they are called.

    ``settings`` are what decides where and how it runs, in JSON's types; ``trial`` tries it;
    ``restore`` makes a builder of what a trial found; ``advice`` are the texts for a daemon
    that does not answer.
    """

    name: str
    settings: Callable[[], Iterable[object]]
    trial: Callable[[], Tried]
    restore: Callable[[WorkingEngine, Mapping[str, Any]], AnyBuilder]
    advice: endpoints.Advice

    @property
    def installed(self) -> bool:
        """Whether its program is on PATH."""
        return shutil.which(self.name) is not None

    def remembered(self) -> AnyBuilder | Unusable | None:
        """Return what an earlier trial found, unless the daemon has come or gone since."""
        found = Cache().get(self.name, self._key())
        match found:
            case None:
                return None
            case Unusable():
                answers = found.endpoint and self._refusal(found.endpoint) is None
                return None if answers else found
            case Works():
                if self._refusal(found.engine.endpoint) is not None:
                    return None
                return self._restored(found)

    def probe(self) -> AnyBuilder | Unusable:
        """Try it anew, and remember the outcome."""
        tried = self.trial()
        if isinstance(tried, Unusable):
            self._remember(tried)
            return tried
        engine, invocation = tried
        known = dataclasses.asdict(invocation)
        self._remember(Works(engine, known))
        return self.restore(engine, known)

    def _restored(self, found: Works) -> AnyBuilder | None:
        try:
            return self.restore(found.engine, found.invocation)
        except (TypeError, LookupError):
            # Another version of keynet wrote it, or the file is broken.
            return None

    def _remember(self, found: Works | Unusable) -> None:
        # The key is made anew: a first trial makes the engine write files that it looks at.
        Cache().put(self.name, self._key(), found)

    def _key(self) -> str:
        return cache_key.of(self.name, self.settings())

    def _refusal(self, endpoint: str) -> Unusable | None:
        return endpoints.refusal(endpoint, self.name, self.advice)
