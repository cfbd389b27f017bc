"""Moments of other people's clocks, files and calendars."""

from datetime import UTC, datetime, timedelta, timezone

from keynet.moments import in_utc, of_timestamp
from tests.tables import table


@table(
    ("seconds", "year"),
    [(0, 1970), (-1.5, 1969), (1e12, 9999), (-1e12, 1), (1e300, 9999), (-1e300, 1)],
)
def test_a_file_of_any_year_has_a_moment(seconds: float, year: int) -> None:
    moment = of_timestamp(seconds)
    assert (moment.year, moment.tzinfo) == (year, UTC)
    assert moment.astimezone(timezone(timedelta(hours=-23))) == moment


def test_a_moment_without_a_zone_is_in_utc() -> None:
    assert in_utc(datetime(2026, 11, 29)) == datetime(2026, 11, 29, tzinfo=UTC)
