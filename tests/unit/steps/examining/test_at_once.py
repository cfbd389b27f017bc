"""Examinations at the same time: order, lateness, errors and what is left behind."""

import threading
from collections.abc import Callable

import pytest

from keynet.errors import BackendError
from keynet.process import shell
from keynet.steps.examining import at_once
from keynet.steps.examining.at_once import Ended, Examination, Show
from keynet.steps.examining.check import Check, Group
from tests.fakes.engine import Answer
from tests.unit.conftest import Machine


def _check(name: str, found: str = "fine") -> Check:
    return Check(name, Group.MACHINE, True, found)


def _examination(name: str, examine: Callable[[Show], None], timeout_s: float = 120) -> Examination:
    return Examination(name, Group.MACHINE, examine, timeout_s, "look there", 4)


def test_checks_come_as_they_are_found() -> None:
    second_is_shown = threading.Event()

    def first(show: Show) -> None:
        assert second_is_shown.wait(120)
        show(_check("first"))

    found = []
    for item in at_once.run(
        [_examination("first", first), _examination("second", lambda show: show(_check("second")))]
    ):
        found.append(item)
        if item == Ended("second"):
            second_is_shown.set()
    assert found == [_check("second"), Ended("second"), _check("first"), Ended("first")]


@pytest.mark.slow
def test_what_hangs_is_late_and_is_not_waited_for() -> None:
    never = threading.Event()

    def hang(_show: Show) -> None:
        never.wait(120)

    hangs = _examination("hangs", hang, 0.05)
    other = _examination("other", lambda show: show(_check("other")))
    found = {item.name: item for item in at_once.run([hangs, other]) if isinstance(item, Check)}
    never.set()
    assert found["other"].ok
    assert not found["hangs"].ok
    assert "no result within" in found["hangs"].found
    assert (found["hangs"].fix, found["hangs"].status) == ("look there", 4)


def test_what_comes_too_late_is_dropped() -> None:
    go = threading.Event()

    def slow(show: Show) -> None:
        go.wait(120)
        show(_check("slow", "at last"))

    def other(show: Show) -> None:
        assert go.wait(120)
        show(_check("other"))

    found = []
    for item in at_once.run([_examination("slow", slow, 0.01), _examination("other", other)]):
        found.append(item)
        go.set()
    names = [(item.name, getattr(item, "ok", None)) for item in found]
    assert names.count(("slow", False)) == 1
    assert ("slow", True) not in names


@pytest.mark.slow
def test_a_program_of_a_late_examination_is_killed(machine: Machine) -> None:
    machine.install("engine", Answer("*", also="exec /bin/sleep 600"))
    ended = threading.Event()

    def asks(_show: Show) -> None:
        try:
            shell.run(shell.Command((str(machine.programs / "engine"),)))
        finally:
            ended.set()

    found = list(at_once.run([_examination("asks", asks, 0.3)]))
    assert ended.is_set()
    assert [item.name for item in found] == ["asks", "asks"]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (BackendError("it said no", "ask it"), "it said no"),
        (OSError(28, "No space left on device", "/full/file"), "No space left"),
    ],
)
def test_an_error_becomes_the_check(error: Exception, says: str) -> None:
    def fails(_show: Show) -> None:
        raise error

    check, end = at_once.run([_examination("fails", fails)])
    assert isinstance(check, Check)
    assert says in check.found
    assert (check.ok, check.status, bool(check.fix)) == (False, 4, True)
    assert end == Ended("fails")


def test_a_bug_is_raised_for_the_caller() -> None:
    def broken(_show: Show) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(at_once.run([_examination("broken", broken)]))
