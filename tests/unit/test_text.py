import pickle

import pytest

from keynet.secret import Secret, mask
from keynet.text import _, ngettext, printable, size


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    ("value", "shown"),
    [("", "***"), ("short", "***"), ("x" * 15, "***"), ("eyJhbGciOiJI-abc", "eyJhbG…abc")],
)
def test_a_mask_shows_six_and_three(value: str, shown: str) -> None:
    assert mask(value) == shown
