"""Tap: annotated classes, and tapify()."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.unit.script.reading import DIALECT_SCRIPTS, Row, read, rows

WHOLE: list[tuple[str, list[Row]]] = [
    (
        "tap_class.py",
        [
            ("data", "str", None, True, None),
            ("lr", "float", 0.001, False, None),
            ("epochs", "int", 10, False, None),
            ("cuda", "bool", False, False, None),
            ("sizes", "int", [1, 2], False, None),
            ("name", "str", None, False, None),
            ("mode", "str", "a", False, ("a", "b")),
        ],
    ),
]

SMALL: list[tuple[str, list[Row]]] = [
    (
        """\
import tap
def train(lr: float, epochs: int = 2, amp: bool = False): pass
tap.tapify(train)
""",
        [
            ("lr", "float", None, True, None),
            ("epochs", "int", 2, False, None),
            ("amp", "bool", False, False, None),
        ],
    ),
    (
        """\
import tap
class Model:
    def __init__(self, width: int = 8, name: str = 'x'): pass
tap.tapify(Model)
""",
        [("width", "int", 8, False, None), ("name", "str", "x", False, None)],
    ),
]


@pytest.mark.parametrize(("script", "expected"), WHOLE)
def test_a_script_is_read_as_its_library_reads_it(script: str, expected: list[Row]) -> None:
    found = extract(DIALECT_SCRIPTS / script)
    assert (found.parser_type, rows(found)) == ("tap", expected)
    assert found.notes == ()


@pytest.mark.parametrize(("script", "expected"), SMALL)
def test_less_common_ways_to_declare_are_read(
    script: str, expected: list[Row], tmp_path: Path
) -> None:
    found = read(tmp_path, script)
    assert (found.parser_type, rows(found)) == ("tap", expected)
