"""fire: functions, classes, and what holds them."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.unit.script.reading import DIALECT_SCRIPTS, Row, read, rows

WHOLE: list[tuple[str, list[Row]]] = [
    (
        "fire_class.py",
        [
            ("model", "str", "resnet", False, None),
            ("width", "int", 64, False, None),
            ("data", "str", None, True, None),
            ("epochs", "int", 3, False, None),
            ("checkpoint", "str", None, True, None),
            ("batch_size", "int", 32, False, None),
        ],
    ),
    (
        "fire_function.py",
        [
            ("data", "str", None, True, None),
            ("epochs", "int", 3, False, None),
            ("lr", "float", 0.1, False, None),
            ("name", "str", "run", False, None),
            ("layers", "int", [1, 2], False, None),
            ("dry", "bool", False, False, None),
            ("rest", "str", None, False, None),
        ],
    ),
]

SMALL: list[tuple[str, list[Row]]] = [
    (
        """\
import fire
class A:
    def __init__(self, seed=1): pass
    def run(self, n: int, *, fast=False): pass
    @staticmethod
    def info(path='p'): pass
    @property
    def hidden(self): return 1
fire.Fire(A())
""",
        [
            ("n", "int", None, True, None),
            ("fast", "bool", False, False, None),
            ("path", "str", "p", False, None),
        ],
    ),
    (
        """\
import fire
from dataclasses import dataclass
@dataclass
class C:
    lr: float = 0.1
fire.Fire([C])
""",
        [("lr", "float", 0.1, False, None)],
    ),
]


@pytest.mark.parametrize(("script", "expected"), WHOLE)
def test_a_script_is_read_as_its_library_reads_it(script: str, expected: list[Row]) -> None:
    found = extract(DIALECT_SCRIPTS / script)
    assert (found.parser_type, rows(found)) == ("fire", expected)
    # Of the function's **more.
    assert len(found.notes) == (script == "fire_function.py")


@pytest.mark.parametrize(("script", "expected"), SMALL)
def test_less_common_ways_to_declare_are_read(
    script: str, expected: list[Row], tmp_path: Path
) -> None:
    found = read(tmp_path, script)
    assert (found.parser_type, rows(found)) == ("fire", expected)


def test_a_dict_given_to_fire_is_flattened(tmp_path: Path) -> None:
    extraction = read(
        tmp_path,
        "import fire\n"
        "def train(lr=0.1): pass\n"
        "def test(path: str): pass\n"
        "if __name__ == '__main__':\n"
        "    fire.Fire({'train': train, 'test': test})\n",
    )
    assert rows(extraction) == [
        ("lr", "float", 0.1, False, None),
        ("path", "str", None, True, None),
    ]


def test_fire_without_a_component_is_noted(tmp_path: Path) -> None:
    extraction = read(tmp_path, "import fire\ndef f(x=1): pass\nfire.Fire()\n")
    assert any("Fire()" in note.message for note in extraction.notes)
