"""The logger ``keynet.registry``: one debug line for each request, without its secrets.

Query strings are left out: those of signed URLs and of upload sessions let their reader in.
"""

import logging
import time

from keynet.net.addresses import shown
from keynet.registry.http.exchange import Call

__all__ = ["answered", "failed"]

_LOG = logging.getLogger("keynet.registry")


def answered(call: Call, status: int, since: float) -> None:
    """Log the answer to a request; ``since`` is of ``time.monotonic``."""
    if _LOG.isEnabledFor(logging.DEBUG):
        _LOG.debug("%s %s: %d in %.3f s", call.method, shown(call.url), status, _seconds(since))


def failed(call: Call, error: Exception, since: float) -> None:
    """Log that no answer came; the error's own text has no secrets."""
    if _LOG.isEnabledFor(logging.DEBUG):
        _LOG.debug("%s %s: %s (%.3f s)", call.method, shown(call.url), error, _seconds(since))


def _seconds(since: float) -> float:
    return time.monotonic() - since
