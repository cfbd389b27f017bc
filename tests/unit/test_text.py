import pickle

import pytest

from keynet.secret import Secret, mask
from keynet.text import Block, _, fill, ngettext, printable, size, stacked
from tests.tables import table


@table(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://evil\x1b\\link", "link"),
        ("one\ntwo\r\nthree", "one two three"),
        ("tab\there", "tab here"),
        ("right\u202eleft", "right left"),
        ("zero\u200bwidth", "zero width"),
        ("\x9b31mC1", "31mC1"),
        ("한국어 texts stay", "한국어 texts stay"),
        ("lone\udc80surrogate", "lone surrogate"),
    ],
)
def test_hostile_text_becomes_printable(hostile: str, shown: str) -> None:
    assert printable(hostile) == shown


def test_long_text_is_cut() -> None:
    assert printable("x" * 5000, 10) == "x" * 9 + "…"


def test_indentation_stays_where_it_is_wanted() -> None:
    assert printable("  a ", indented=True) == "  a"
    assert printable("  a ") == "a"


@table(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (91_400_000, "91.4 MB"), (150_000_000, "150 MB"),
     (5_000_000_000, "5.0 GB"), (7_200_000_000_000, "7.2 TB")],
)  # fmt: skip
def test_sizes_read_as_people_read_them(count: int, shown: str) -> None:
    assert size(count) == shown


def test_without_a_catalogue_english_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGUAGE", "xx")
    assert _("Error") == "Error"
    assert ngettext("one", "many", 2) == "many"
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert _("Error") == "Error"


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret("hunter2-hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2-hunter2"
    assert secret == Secret("hunter2-hunter2")
    assert secret != "hunter2-hunter2"
    assert hash(secret) == hash(Secret("hunter2-hunter2"))
    assert not Secret("")
    with pytest.raises(TypeError):
        pickle.dumps(secret)


@table(
    ("value", "shown"),
    [("", "***"), ("short", "***"), ("x" * 15, "***"), ("eyJhbGciOiJI-abc", "eyJhbG…abc")],
)
def test_a_mask_shows_six_and_three(value: str, shown: str) -> None:
    assert mask(value) == shown


def test_fill_makes_every_value_safe_to_show() -> None:
    filled = fill("{path} has {count} of {share:.1f}", path="a\x1b[31m\nb", count=3, share=0.25)
    assert filled == "a b has 3 of 0.2"


def test_fill_keeps_the_spaces_round_a_value() -> None:
    assert fill("Wait{seconds} and try again.", seconds=" 5 s") == "Wait 5 s and try again."


def test_fill_cuts_a_value_without_end() -> None:
    assert len(fill("{text}", text="x" * 10**6)) == 2000


def test_a_block_keeps_its_lines_and_each_is_safe() -> None:
    block = Block.of(["one\x1b[2J", "two\nthree"], indent="  ")
    assert fill("Seen:\n{lines}", lines=block) == "Seen:\n  one\n  two three"


def test_stacked_leaves_empty_texts_out() -> None:
    assert stacked("a", "", "b") == "a\nb"
