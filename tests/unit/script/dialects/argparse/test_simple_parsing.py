"""simple_parsing: groups of fields, and parse()."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.unit.script.reading import DIALECT_SCRIPTS, Row, read, rows

WHOLE: list[tuple[str, list[Row]]] = [
    (
        "simple_parsing_groups.py",
        [
            ("batch_size", "int", 32, False, None),
            ("log_dir", "str", None, True, None),
            ("steps", "int", 100, False, None),
            ("verbose", "bool", False, False, None),
            ("layers", "int", [64, 32], False, None),
            ("names", "str", [], False, None),
            ("seed", "int", None, False, None),
            ("color", "str", "RED", False, ("RED", "BLUE")),
            ("kind", "str", "small", False, ("small", "large")),
            ("lr", "float", 0.001, False, None),
            ("betas", "float", [0.9, 0.999], False, None),
        ],
    ),
    (
        "simple_parsing_parse.py",
        [
            ("name", "str", "run", False, None),
            ("lr", "float", 0.1, False, None),
            ("epochs", "int", 3, False, None),
            ("mode", "str", "train", False, ("train", "eval")),
        ],
    ),
]

SMALL: list[tuple[str, list[Row]]] = [
    (
        """\
from dataclasses import dataclass
from simple_parsing import ArgumentParser, field, flag
@dataclass
class C:
    lr: float = field(0.2, help='Rate.')
    amp: bool = flag(False)
p = ArgumentParser()
p.add_arguments(C(lr=0.9), 'c', prefix='x_')
args = p.parse_args()
""",
        [("x_lr", "float", 0.9, False, None), ("x_amp", "bool", False, False, None)],
    ),
]


@pytest.mark.parametrize(("script", "expected"), WHOLE)
def test_a_script_is_read_as_its_library_reads_it(script: str, expected: list[Row]) -> None:
    found = extract(DIALECT_SCRIPTS / script)
    assert (found.parser_type, rows(found)) == ("simple_parsing", expected)
    assert found.notes == ()


@pytest.mark.parametrize(("script", "expected"), SMALL)
def test_less_common_ways_to_declare_are_read(
    script: str, expected: list[Row], tmp_path: Path
) -> None:
    found = read(tmp_path, script)
    assert (found.parser_type, rows(found)) == ("simple_parsing", expected)


def test_a_choice_of_groups_and_a_default_that_is_made_with_values(tmp_path: Path) -> None:
    script = """
    from dataclasses import dataclass
    from simple_parsing import ArgumentParser, mutable_field, subgroups
    @dataclass
    class A:
        x: int = 1
        z: int = 2
    @dataclass
    class B:
        y: float = 2.0
    @dataclass
    class C:
        made: A = mutable_field(A, x=9, repr=False)
        kind: A = subgroups({"a": A, "b": B}, default="a")
    p = ArgumentParser()
    p.add_arguments(C, dest="c")
    p.parse_args()
    """
    found = read(tmp_path, script)
    assert rows(found) == [
        ("x", "int", 9, False, None),
        ("z", "int", 2, False, None),
        ("kind", "str", "a", False, ("a", "b")),
    ]
    text = "kind selects a class, whose own parameters depend on the choice."
    assert [(note.line, note.message) for note in found.notes] == [(14, text)]


TWO = """
from dataclasses import dataclass
from simple_parsing import ArgumentParser
@dataclass
class A:
    x: int = 1
    y: int = 2
@dataclass
class B:
    x: int = 3
parser = ArgumentParser({given})
parser.add_arguments(A, "a")
parser.add_arguments(B, dest="b")
parser.parse_args()
"""


def test_fields_of_one_name_have_the_name_of_their_class_before_it(tmp_path: Path) -> None:
    found = read(tmp_path, TWO.format(given=""))
    assert [(one.name, one.default) for one in found.arguments] == [
        ("a.x", 1),
        ("y", 2),
        ("b.x", 3),
    ]
    assert not found.notes


def test_other_ways_of_naming_are_noted(tmp_path: Path) -> None:
    found = read(tmp_path, TWO.format(given="nested_mode=1"))
    assert [note.message for note in found.notes] == [
        "nested_mode of the parser changes the names of options, which may differ."
    ]
