"""Defaults and choices as argparse has them once ``type=`` has converted them."""

from pathlib import Path
from typing import Any

import pytest

from keynet.script.extraction import extract
from tests.tables import table

HEAD = """\
import argparse, json, os
from enum import Enum
from pathlib import Path
class E(Enum):
    A = 'x'
    B = 'y'
parser = argparse.ArgumentParser()
"""


def read(folder: Path, options: str) -> tuple[Any, Any, list[str]]:
    """Return default, choices and notes of one argument."""
    script = folder / "train.py"
    script.write_text(f"{HEAD}parser.add_argument('--x', {options})\nparser.parse_args()\n")
    found: Any = extract(script).to_json()
    (argument,) = found["arguments"]
    notes = [note["message"] for note in found["notes"]]
    return argument["default"], argument["choices"], notes


@table(
    ("options", "default"),
    [
        ("type=int, default='5'", 5),
        ("type=str.lower, default='ADAM', choices=['adam']", "adam"),
        ("type=str.strip, default=' a '", "a"),
        ("type=lambda s: None if s == 'none' else int(s), default='none'", None),
        ("type=lambda s: [int(n) for n in s.split(',')], default='4,1'", [4, 1]),
        ("type=lambda s: [[n] for n in s.split(',')], default='a,b'", [["a"], ["b"]]),
        ("type=json.loads, default='{\"k\": 1}'", {"k": 1}),
        ("type=lambda s: {'k': s}, default='v'", {"k": "v"}),
        ("type=lambda s: E[s], default='A'", "A"),
        ("default=Path(__file__).stem", "train"),
        ("default=os.path.basename(__file__)[:-3]", "train"),
    ],
)
def test_what_is_known_is_reported(tmp_path: Path, options: str, default: object) -> None:
    assert read(tmp_path, options)[0] == default
    assert read(tmp_path, options)[2] == []


def test_a_positional_of_any_number_keeps_its_default(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    add = "parser.add_argument('x', nargs='{nargs}', type=int, default='3')\nparser.parse_args()\n"
    script.write_text(HEAD + add.format(nargs="*"))
    assert extract(script).arguments[0].default == "3"
    script.write_text(HEAD + add.format(nargs="?"))
    assert extract(script).arguments[0].default == 3


@table(
    "options",
    [
        "type=int, default='abc'",
        "type=int, default=''",
        "default=str(Path(__file__).parent.parent / 'y')",
        "default=os.path.dirname(os.path.dirname(os.path.abspath(__file__)))",
        "default=os.path.realpath(os.path.join(os.path.dirname(__file__), '..'))",
        "default=Path(__file__).resolve().parents[1].name",
        "default=Path(__file__).resolve().parents[3].name",
    ],
)
def test_what_is_not_known_is_null_with_a_note(tmp_path: Path, options: str) -> None:
    default, _choices, (note,) = read(tmp_path, options)
    assert default is None
    assert "default of x is unknown" in note


@pytest.mark.parametrize(
    ("converter", "choices"), [("lambda s: E[s]", ["A", "B"]), ("E", ["x", "y"])]
)
def test_choices_are_what_a_user_types(tmp_path: Path, converter: str, choices: list[str]) -> None:
    assert read(tmp_path, f"type={converter}, choices=list(E)")[1] == choices


@table(
    ("options", "default", "known"),
    [
        ("type=eval, default='(1, 2)'", [1, 2], True),
        ("type=eval, default='1e-3'", 0.001, True),
        ("type=eval, default='os.sep'", None, False),
        ("type=json.loads, default='{\"a\": 1}'", {"a": 1}, True),
        ("type=json.loads, default='{'", None, False),
    ],
)
def test_a_text_that_is_read_as_something_else(
    options: str, default: Any, known: bool, tmp_path: Path
) -> None:
    found, _choices, notes = read(tmp_path, options)
    assert found == default
    assert (notes == []) is known
