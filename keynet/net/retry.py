"""When to try again and how long to wait: values and arithmetic, no network.

Source: RFC 9110, "Retry-After"; issue "Registry library", faults.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from keynet.errors import RegistryError

__all__ = ["TEMPORARY", "Budget", "Retries", "retry_after"]

TEMPORARY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Retries:
    """Bound what is tried again.

    Args:
        attempts: Tries without progress, the first one included.
        first_delay_s: Before the second try; doubles with each further one.
        longest_delay_s: The most that is ever waited, on a server's wish too.
        total_s: No further try once this much time is gone without progress.
        failures: Bound on the failures of one blob, progress or not.
        sleep: Replaced by tests that need no waiting.
    """

    attempts: int = 6
    first_delay_s: float = 0.5
    longest_delay_s: float = 60.0
    total_s: float = 300.0
    failures: int = 60
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep


class Budget:
    """Count the failures of one request, or of one blob with ``progress`` in between."""

    def __init__(self, retries: Retries) -> None:
        self._retries = retries
        self._tries = 0
        self._failures = 0
        self._since = time.monotonic()

    def progress(self) -> None:
        """Start counting afresh: the registry took something."""
        self._tries = 0
        self._since = time.monotonic()

    async def spend(
        self, error: RegistryError, wish_s: float | None = None, *, again: bool | None = None
    ) -> None:
        """Wait before the next try, or raise ``error`` when there must be none.

        Args:
            again: Whether another try may help; ``error.temporary`` where it is not told.
            wish_s: What the server asked for in Retry-After.
        """
        self._tries += 1
        self._failures += 1
        retries = self._retries
        delay = retries.first_delay_s * 2 ** (self._tries - 1)
        # Spread, so that the layers of one push do not come back in step.
        delay = min(delay, retries.longest_delay_s) * random.uniform(0.75, 1.0)  # noqa: S311
        if wish_s is not None:
            delay = max(delay, wish_s)
        elapsed = time.monotonic() - self._since
        if (
            not (error.temporary if again is None else again)
            or self._tries >= retries.attempts
            or self._failures >= retries.failures
            or delay > retries.longest_delay_s
            or elapsed + delay > retries.total_s
        ):
            raise error
        await retries.sleep(delay)


def retry_after(value: str | None) -> float | None:
    """Read a Retry-After header: seconds or a date; None when absent or unreadable."""
    if not value:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())
