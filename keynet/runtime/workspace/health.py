"""The health of an engine as one value."""

import logging
import re
from datetime import UTC, datetime
from typing import Final

from keynet.errors import EngineError, Interrupted
from keynet.frozen import frozen
from keynet.runtime.abilities import PING_TIMEOUT_S, Monitored
from keynet.text import _, fill

__all__ = ["Health", "check_health"]

_logger: Final = logging.getLogger("keynet.runtime")
# Ids, ports and times, which differ each time that an engine fails for one reason.
_NUMBERS: Final = re.compile(r"[0-9a-f]*\d[0-9a-f]*")


@frozen
class Health:
    """What one check of an engine found.

    ``reason`` and ``hint`` are "" for a healthy engine, ``latency_s`` is 0 for one that did not
    answer.
    """

    engine: str
    healthy: bool
    checked_at: datetime
    reason: str = ""
    hint: str = ""
    latency_s: float = 0.0

    def differs(self, other: "Health | None") -> bool:
        """Report whether something has changed since: the state, or why the engine is down."""
        return other is None or self._state() != other._state()

    def _state(self) -> tuple[bool, str]:
        return self.healthy, _NUMBERS.sub("", self.reason)


def check_health(engine: Monitored, timeout_s: float = PING_TIMEOUT_S) -> Health:
    """Ask an engine whether it answers, and return what came of it.

    Raises:
        Interrupted: A signal arrived.
    """
    now = datetime.now(UTC)
    try:
        latency_s = engine.ping(timeout_s)
    except EngineError as error:
        return Health(engine.name, False, now, error.message, error.hint)
    except Interrupted:
        raise
    except Exception as error:
        # Somebody's own engine: the watch goes on, and what happened is not lost.
        _logger.exception("ping failed")
        reason = fill(_("its ping failed: {error}"), error=repr(error))
        return Health(engine.name, False, now, reason)
    return Health(engine.name, True, now, latency_s=latency_s)
