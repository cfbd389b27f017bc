"""Classes that ``dataclasses.make_dataclass`` makes."""

from pathlib import Path

from tests.unit.script.reading import read, rows

MADE = """
from dataclasses import dataclass, field, make_dataclass
import tyro

@dataclass
class Base:
    seed: int = 0

Config = make_dataclass("Config", {0})
tyro.cli(Config)
"""


def test_fields_that_are_written_out_are_read(tmp_path: Path) -> None:
    fields = '[("lr", float, 0.1), ("steps", int, field(default=3)), ("tag", str)], bases=(Base,)'
    found = read(tmp_path, MADE.format(fields))
    assert rows(found) == [
        ("seed", "int", 0, False, None),
        ("lr", "float", 0.1, False, None),
        ("steps", "int", 3, False, None),
        ("tag", "str", None, True, None),
    ]
    assert found.notes == ()


def test_fields_that_are_computed_have_a_note(tmp_path: Path) -> None:
    for fields in ("[(n, int, 1) for n in open('names')]", "[*x()]", "[(n(), int)]"):
        found = read(tmp_path, MADE.format(fields))
        assert found.arguments == ()
        assert [note.line for note in found.notes][-1] == 10
