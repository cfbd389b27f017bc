"""Points in time that others name: in UTC, and near enough for every calculation."""

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["in_utc"]

# So far from the ends of the calendar that no time zone leads past them.
_MARGIN: Final = timedelta(days=2)
_FIRST: Final = datetime.min.replace(tzinfo=UTC) + _MARGIN
_LAST: Final = datetime.max.replace(tzinfo=UTC, microsecond=0) - _MARGIN


def in_utc(moment: datetime) -> datetime:
    """Return a moment in UTC; one without a zone is in UTC already.

    Servers write the year 9999 for "never": what no time zone could show is moved into the
    calendar by at most three days.
    """
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    # Comparing is safe where converting overflows.
    return min(max(moment, _FIRST), _LAST).astimezone(UTC)
