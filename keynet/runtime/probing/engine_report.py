"""What an engine reports about itself and its host, as a value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keynet.runtime.engine import Unusable
from keynet.text import _, fill

__all__ = ["TIMEOUT_S", "EngineReport", "Reporter", "hanging"]

# Of each program that is asked; a daemon under load still answers in that time.
TIMEOUT_S: Final = 8.0


@dataclass(frozen=True, slots=True)
class EngineReport:
    """The facts of an engine; an empty string where the engine does not report one.

    ``server`` is the version of a daemon or service. ``endpoint`` is its address. ``remote``
    engines run on another machine, or in a virtual one. ``store`` is a folder of the engine's
    host. ``cgroups`` is ``1`` or ``2``. ``prune`` is
    the command that removes images without a name.
    """

    client: str
    server: str = ""
    rootless: bool = False
    remote: bool = False
    endpoint: str = ""
    storage_driver: str = ""
    store: str = ""
    cgroups: str = ""
    prune: str = ""


# Returns an ``Unusable`` if there is no use in trying a build.
Reporter = Callable[[], EngineReport | Unusable]


def hanging(name: str, endpoint: str, fix: str) -> Unusable:
    """Explain that the engine, or its daemon, has started to answer and does not end."""
    if endpoint:
        reason = fill(
            _("its daemon at {endpoint} accepts connections but did not answer within {time} s"),
            endpoint=endpoint,
            time=round(TIMEOUT_S),
        )
    else:
        reason = fill(_("{name} did not answer within {time} s"), name=name, time=round(TIMEOUT_S))
    return Unusable(name, reason, fix, endpoint)
