"""When to try again: Retry-After, waits that grow, and their bounds."""

import asyncio
import math
import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keynet.errors import RegistryError
from keynet.net.retry import Budget, Retries, retry_after
from tests.tables import table


@table(
    ("value", "seconds"),
    [(None, None), ("", None), ("3", 3.0), (" 0 ", 0.0), ("soon", None), ("-1", None), ("٣", None)],
)
def test_retry_after_is_read(value: str | None, seconds: float | None) -> None:
    assert retry_after(value) == seconds


def test_retry_after_may_be_a_date() -> None:
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    later = retry_after("Wed, 21 Oct 2099 07:28:00 GMT")
    assert later is not None
    assert later > 1e9


@pytest.mark.slow
@given(st.text(max_size=60) | st.from_regex(r"\A[A-Z][a-z]{2}, \d+ Jan \d+ \d+:\d+:\d+ .{0,5}\Z"))
def test_any_retry_after_is_read_without_an_error(value: str) -> None:
    seconds = retry_after(value)
    assert seconds is None or 0 <= seconds < math.inf


@pytest.mark.parametrize("zone", ["GMT", "-0000", ""])
def test_a_date_without_a_zone_is_gmt(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    try:
        seconds = retry_after(formatdate(time.time() + 90, usegmt=True).replace("GMT", zone))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert seconds == pytest.approx(90, abs=3)


def budget(waits: list[float], **bounds: float) -> Budget:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    settings: dict[str, object] = {"sleep": sleep, **bounds}
    return Budget(Retries(**settings))  # type: ignore[arg-type]


FAILED = RegistryError("failed")


def test_waits_grow_and_end() -> None:
    waits: list[float] = []
    spending = budget(waits, attempts=4, first_delay_s=1)

    async def run() -> None:
        while True:
            await spending.wait_or_raise(FAILED, again=True)

    with pytest.raises(RegistryError):
        asyncio.run(run())
    assert len(waits) == 3
    assert waits == sorted(waits)
    assert 0.75 <= waits[0] <= 1


def test_the_server_may_ask_for_more_time_but_not_for_too_much() -> None:
    waits: list[float] = []
    asyncio.run(budget(waits).wait_or_raise(FAILED, 7, again=True))
    assert waits == [7]
    with pytest.raises(RegistryError):
        asyncio.run(budget(waits).wait_or_raise(FAILED, 3600, again=True))


def test_what_is_not_temporary_is_not_tried_again() -> None:
    with pytest.raises(RegistryError):
        asyncio.run(budget([]).wait_or_raise(FAILED, again=False))


def test_progress_renews_the_attempts_but_failures_are_bounded() -> None:
    waits: list[float] = []
    spending = budget(waits, attempts=2, failures=10)

    async def run() -> None:
        while True:
            await spending.wait_or_raise(FAILED, again=True)
            spending.progress()

    with pytest.raises(RegistryError):
        asyncio.run(run())
    assert len(waits) == 9


def test_a_synchronous_caller_asks_for_the_delay() -> None:
    spending = Budget(Retries(attempts=3, longest_delay_s=30))
    first, second = spending.next_delay(), spending.next_delay(9)
    assert first is not None
    assert 0.375 <= first <= 0.5
    assert second == 9
    assert spending.next_delay() is None
    assert Budget(Retries(longest_delay_s=30)).next_delay(31) is None
