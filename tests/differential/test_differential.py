"""The static reading of real programs against the parsers that they make at run time."""

import pytest

from .report import report

pytestmark = pytest.mark.packages


def test_at_least_97_percent_of_the_arguments_of_real_programs_are_read_right(
    capsys: pytest.CaptureFixture[str],
) -> None:
    result = report()
    with capsys.disabled():
        print("", *result.lines(), sep="\n")
    assert result.total.scripts >= 60
    assert not result.failed
    assert result.total.share >= 0.97
    # What is wrong has a note, and so has a program of which nothing is read.
    assert result.total.silent == 0
    assert result.total.nothing == []
