"""What an interrupt beside an uninterrupted block leaves of the handlers."""

import signal

import pytest

from keynet.files import uninterrupted as blocks
from keynet.files.uninterrupted import is_active, uninterrupted
from tests.unit.interrupts import each_interrupt

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.medium
def test_an_interrupt_at_any_moment_leaves_the_handlers_of_before() -> None:
    before = [signal.getsignal(each) for each in SIGNALS]

    def run() -> None:
        with uninterrupted():
            pass

    lines = 0
    for lines in each_interrupt(run, blocks):
        assert [signal.getsignal(each) for each in SIGNALS] == before, lines
        assert not is_active(), lines
    assert lines > 15
