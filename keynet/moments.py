"""Points in time that others name: in UTC, and near enough for every calculation."""

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["in_utc", "local", "of_timestamp"]

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


def local(moment: datetime) -> datetime:
    """Return a moment in this machine's time zone; in UTC where TZ names none that can be used.

    POSIX allows zones of 24 hours and more, in which Python converts nothing.
    """
    moment = in_utc(moment)
    try:
        return moment.astimezone()
    except (ValueError, OverflowError):
        return moment


def of_timestamp(seconds: float) -> datetime:
    """Return the moment of seconds since 1970, as a file system has them, in UTC.

    Files may be from any year: what the calendar does not have is moved into it.
    """
    try:
        return in_utc(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return _FIRST if seconds < 0 else _LAST
