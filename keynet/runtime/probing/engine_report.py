"""What an engine reports about itself and its host, as a value."""

from collections.abc import Callable
from typing import Final

from keynet.frozen import frozen
from keynet.runtime.engine import Unusable
from keynet.text import _, fill

__all__ = ["TIMEOUT_S", "EngineReport", "Reporter", "hanging"]

# Of each program that is asked; a daemon under load still answers in that time.
TIMEOUT_S: Final = 8.0


@frozen
class EngineReport:
    """The facts of an engine; an empty string or None where the engine does not report one.

    ``server`` is the version of a daemon or service. ``endpoint`` is its address. ``remote``
    engines run on another machine, or in a virtual one. ``store`` is a folder of the engine's
    host. ``cgroups`` is ``1`` or ``2``. ``prune`` is
    the command that removes images without a name.
    """

    client: str
    server: str = ""
    rootless: bool | None = None
    remote: bool = False
    endpoint: str = ""
    storage_driver: str = ""
    store: str = ""
    cgroups: str = ""
    prune: str = ""


# Returns an ``Unusable`` if there is no use in trying a build.
Reporter = Callable[[], EngineReport | Unusable]


def hanging(name: str, endpoint: str, fix: str, timeout_s: float) -> Unusable:
    """Explain that the engine, or its daemon, has not answered within this time."""
    if endpoint:
        reason = fill(
            _("its daemon at {endpoint} accepts connections but did not answer within {time} s"),
            endpoint=endpoint,
            time=round(timeout_s),
        )
    else:
        reason = fill(_("{name} did not answer within {time} s"), name=name, time=round(timeout_s))
    return Unusable(name, reason, fix, endpoint)
