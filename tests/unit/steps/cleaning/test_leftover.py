"""What has become of something in an engine: in use, left or kept."""

from datetime import UTC, datetime, timedelta

import pytest

from keynet.files.owners import Owners
from keynet.runtime.remains import Kind, Remnant
from keynet.steps.cleaning.leftover import State, state_of
from tests.tables import table

NOW = datetime(2026, 11, 28, tzinfo=UTC)
HERE, AWAY = "a" * 8, "b" * 8
ALIVE, DEAD, FOREIGN = f"{HERE}{'1' * 16}", f"{HERE}{'2' * 16}", f"{AWAY}{'1' * 16}"


def known(*alive: str) -> Owners:
    return Owners(frozenset({HERE}), frozenset(alive))


@table("running", [True, False])
@table("kind", [Kind.CONTAINER, Kind.BUILD, Kind.IMAGE])
def test_an_owner_decides(kind: Kind, running: bool) -> None:
    made = NOW - timedelta(days=9)
    for owner, state in ((ALIVE, State.IN_USE), (DEAD, State.LEFT)):
        found = Remnant(kind, "1", "n", "e", "s", owner, running=running, created=made)
        assert state_of(found, known(ALIVE), NOW) is state


@table(
    ("hours", "running", "state"),
    [
        (None, False, State.IN_USE),
        (1, False, State.IN_USE),
        (23, False, State.IN_USE),
        (25, False, State.LEFT),
        (9999, True, State.IN_USE),
    ],
)
@table("owner", [FOREIGN, "", "x" * 24, "../" * 8])
def test_what_another_machine_may_need_is_left_alone_for_a_day(
    owner: str, hours: int | None, running: bool, state: State
) -> None:
    made = None if hours is None else NOW - timedelta(hours=hours)
    found = Remnant(Kind.CONTAINER, "1", "n", "e", "s", owner, running=running, created=made)
    assert state_of(found, known(ALIVE), NOW) is state


@pytest.mark.parametrize(("kind", "alone"), [(Kind.IMAGE, State.KEPT), (Kind.NETWORK, State.LEFT)])
def test_what_has_no_owner_is_in_use_while_anybody_runs(kind: Kind, alone: State) -> None:
    found = Remnant(kind, "1", "n", "e", "s", None)
    assert state_of(found, known(), NOW) is alone
    assert state_of(found, known(ALIVE), NOW) is State.IN_USE
