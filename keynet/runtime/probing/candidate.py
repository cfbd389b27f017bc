"""An engine that may work on this host: its probing and remembered results."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from keynet.frozen import frozen
from keynet.process import programs
from keynet.runtime.engine import AnyBuilder, Unusable, WorkingEngine
from keynet.runtime.probing import cache_key, endpoints
from keynet.runtime.probing.cache import Cache, ProbedEngine

if TYPE_CHECKING:
    from keynet.runtime.workspace.container_run import ContainerCommands

__all__ = ["EngineCandidate"]

# The second value is the engine module's own ``Invocation``, a dataclass.
TrialResult = tuple[WorkingEngine, Any] | Unusable


@frozen
class EngineCandidate:
    """One engine, by functions of its own module, which they import when called.

    ``settings`` returns everything that decides how the engine runs, in JSON's types; ``trial``
    probes it; ``restore`` makes a builder from the result of a trial, ``commands`` what runs
    containers (with the seconds of each answer; None if the engine runs none); ``advice`` has
    the texts for a daemon that does not answer.
    """

    name: str
    settings: Callable[[], Iterable[object]]
    trial: Callable[[], TrialResult]
    restore: Callable[[WorkingEngine, Mapping[str, Any]], AnyBuilder]
    commands: "Callable[[WorkingEngine, Mapping[str, Any], float], ContainerCommands | None]"
    advice: endpoints.Advice

    @property
    def installed(self) -> bool:
        """Report whether its program is on PATH."""
        return programs.find(self.name) is not None

    def remembered(self) -> AnyBuilder | Unusable | None:
        """Return an earlier trial's result; None if the daemon started or stopped since."""
        found = Cache().get(self.name, self._key())
        match found:
            case None:
                return None
            case Unusable():
                answers = found.endpoint and self._refusal(found.endpoint) is None
                return None if answers else found
            case ProbedEngine():
                if self._refusal(found.engine.endpoint) is not None:
                    return None
                return self._restored(found)

    def remembered_commands(self, timeout_s: float) -> "ContainerCommands | None":
        """Return how the engine runs containers, without its builder, which a run does not need.

        None if it runs none, no trial is remembered or its daemon does not answer.
        """
        found = Cache().get(self.name, self._key())
        if isinstance(found, ProbedEngine) and self._refusal(found.engine.endpoint) is None:
            with contextlib.suppress(TypeError, LookupError):
                return self.commands(found.engine, found.invocation, timeout_s)
        return None

    def probe(self) -> AnyBuilder | Unusable:
        """Probe the engine again, and remember the result."""
        tried = self.trial()
        if isinstance(tried, Unusable):
            self._remember(tried)
            return tried
        engine, invocation = tried
        known = dataclasses.asdict(invocation)
        self._remember(ProbedEngine(engine, known))
        return self.restore(engine, known)

    def _restored(self, found: ProbedEngine) -> AnyBuilder | None:
        try:
            return self.restore(found.engine, found.invocation)
        except (TypeError, LookupError):
            # The file was written by another version of keynet, or it is broken.
            return None

    def _remember(self, found: ProbedEngine | Unusable) -> None:
        # The key is computed again: in a first trial the engine writes files that belong to it.
        Cache().put(self.name, self._key(), found)

    def _key(self) -> str:
        return cache_key.of(self.name, self.settings())

    def _refusal(self, endpoint: str) -> Unusable | None:
        return endpoints.refusal(endpoint, self.name, self.advice)
