"""When to try again, how long to wait and how to say it: values and arithmetic, no network.

Source: RFC 9110, "Retry-After".
"""

import random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Final

from keynet.errors import UsageError
from keynet.frozen import frozen
from keynet.text import _, fill

__all__ = ["TEMPORARY_STATUSES", "Budget", "Retries", "retry_after", "try_again"]

_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
# A server that asks for more than a month has its clock or its header wrong.
_LONGEST_WAIT_S: Final = 31 * _DAY_S
# The year 2001; as a time to wait it would be 31 years.
_FIRST_MOMENT: Final = 1e9

TEMPORARY_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


async def _sleep(seconds: float) -> None:
    # Synchronous clients share this module and need no event loop.
    import asyncio

    await asyncio.sleep(seconds)


@frozen
class Retries:
    """Limits on repeated attempts.

    Args:
        attempts: Tries without progress, the first one included.
        first_delay_s: Before the second try; doubles with each further one.
        longest_delay_s: The longest single wait; a server that asks for more ends the tries.
        total_s: No further try once this much time has passed without progress.
        failures: Limit on the failures of one blob, whether or not there is progress.
        sleep: Replaced in tests that must not wait.
    """

    attempts: int = 6
    first_delay_s: float = 0.5
    longest_delay_s: float = 60.0
    total_s: float = 300.0
    failures: int = 60
    sleep: Callable[[float], Awaitable[object]] = _sleep

    def __post_init__(self) -> None:
        delays = (self.first_delay_s, self.longest_delay_s, self.total_s)
        # NaN fails every comparison.
        if min(self.attempts, self.failures) < 1 or not all(delay >= 0 for delay in delays):
            raise UsageError(
                _("The limits on repeated attempts cannot be used."),
                _("Retries needs at least 1 attempt and 1 failure, and delays of 0 s or more."),
            )


class Budget:
    """Count the failures of one request, or of one blob with ``progress`` in between."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._tries = 0
        self._failures = 0
        self._since = time.monotonic()

    def progress(self) -> None:
        """Start the count of tries again: the server accepted something."""
        self._tries = 0
        self._since = time.monotonic()

    def next_delay(self, wish_s: float | None = None) -> float | None:
        """Count a failure; return the seconds until the next try, None when there is none.

        Args:
            wish_s: What the server asked for in Retry-After.
        """
        self._tries += 1
        self._failures += 1
        retries = self._retries
        delay = retries.first_delay_s * 2.0 ** (self._tries - 1)
        # Spread, so that the layers of one push do not come back in step.
        delay = min(delay, retries.longest_delay_s) * random.uniform(0.75, 1.0)  # noqa: S311
        if wish_s is not None:
            delay = max(delay, wish_s)
        elapsed = time.monotonic() - self._since
        if (
            self._tries >= retries.attempts
            or self._failures >= retries.failures
            or delay > retries.longest_delay_s
            or elapsed + delay > retries.total_s
        ):
            return None
        return delay

    async def wait_or_raise(
        self, error: Exception, wish_s: float | None = None, *, again: bool
    ) -> None:
        """Wait before the next try, or raise ``error`` when there is none.

        Args:
            wish_s: What the server asked for in Retry-After.
            again: Whether another try may help at all.
        """
        delay = self.next_delay(wish_s)
        if delay is None or not again:
            raise error
        await self._retries.sleep(delay)


def retry_after(value: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for; None when it cannot be read.

    Args:
        value: Seconds, a date as HTTP writes it, or a moment as Docker Hub writes it, in seconds
            since 1970; a moment in the past is 0.
    """
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        number = float(text[:12])
        return number if number < _FIRST_MOMENT else max(0.0, number - time.time())
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    # HTTP dates are GMT, also where a server leaves that out.
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - time.time())


def try_again(wait_s: float | None) -> str:
    """Return a hint that says when to try again, in the unit that people would use.

    Args:
        wait_s: As ``retry_after`` returns it.
    """
    if wait_s is None or wait_s > _LONGEST_WAIT_S:
        return _("Try again later.")
    if wait_s < 2 * _MINUTE_S:
        return fill(_("Try again in {wait} seconds."), wait=ceil(wait_s))
    if wait_s < 2 * _HOUR_S:
        return fill(_("Try again in {wait} minutes."), wait=ceil(wait_s / _MINUTE_S))
    if wait_s < 2 * _DAY_S:
        return fill(_("Try again in {wait} hours."), wait=ceil(wait_s / _HOUR_S))
    return fill(_("Try again in {wait} days."), wait=ceil(wait_s / _DAY_S))
