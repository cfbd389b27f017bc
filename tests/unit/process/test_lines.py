"""The output of a program as lines, however long they are."""

import pytest

from keynet.process.lines import Lines
from tests.tables import table

_MIB = 1_048_576


def _fed(*chunks: bytes, terminal: bool = False) -> tuple[Lines, list[str]]:
    seen: list[str] = []
    lines = Lines(str, seen.append, terminal=terminal)
    for chunk in chunks:
        lines.feed(chunk)
    lines.close()
    return lines, seen


@table("cut", range(8))
def test_a_line_may_be_cut_anywhere(cut: int) -> None:
    text = b"ab\ncd\n\nef"
    lines, seen = _fed(text[:cut], text[cut:])
    assert seen == ["ab", "cd", "", "ef"]
    assert lines.text == "ab\ncd\n\nef"


def test_what_is_shown_of_a_long_line_is_cut_and_what_is_kept_is_not() -> None:
    lines, [seen] = _fed(b"x" * 100_000)
    assert seen == "x" * 4_000 + " …"
    assert lines.text == "x" * 100_000


@pytest.mark.medium
def test_long_lines_by_the_hundred_are_not_all_kept() -> None:
    lines = Lines(str, None)
    for number in range(100):
        lines.feed(b"%d" % number + b"x" * _MIB + b"\n")
    assert 15 * _MIB < len(lines.text) <= 17 * _MIB
    assert lines.text.endswith("x")
    assert lines.text.rpartition("\n")[2].startswith("99x")


def test_short_lines_by_the_ten_thousands_are_not_all_kept() -> None:
    lines, _seen = _fed(b"".join(b"%d\n" % number for number in range(30_000)))
    assert lines.text.startswith("10000\n")


def test_a_line_that_never_ends_is_cut() -> None:
    _lines, seen = _fed(*[b"x" * 100_000] * 25)
    assert len(seen) == 3
