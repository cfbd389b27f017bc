"""tyro: dataclasses and functions, and what tyro.extras makes of them."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import DIALECT_SCRIPTS, Row, read, rows

WHOLE: list[tuple[str, list[Row]]] = [
    (
        "tyro_dataclass.py",
        [
            ("name", "str", None, True, None),
            ("optim.lr", "float", 0.001, False, None),
            ("optim.betas", "float", [0.9, 0.999], False, None),
            ("second.beta", "float", 1.0, False, None),
            ("second.momentum", "float", None, True, None),
            ("steps", "int", 3, False, None),
            ("kind", "str", "RED", False, ("RED", "BLUE")),
            ("mode", "str", "a", False, ("a", "b")),
            ("fast", "bool", False, False, None),
            ("safe", "bool", True, False, None),
            ("seed", "int", None, False, None),
            ("widths", "int", [1, 2], False, None),
            ("depth", "int", 5, False, None),
            ("last.lr", "float", 0.5, False, None),
            ("last.betas", "float", [0.9, 0.999], False, None),
        ],
    ),
    (
        "tyro_function.py",
        [
            ("data", "str", None, True, None),
            ("epochs", "int", 3, False, None),
            ("lr", "float", 0.1, False, None),
            ("amp", "bool", False, False, None),
        ],
    ),
]

SMALL: list[tuple[str, list[Row]]] = [
    (
        """\
import tyro
from dataclasses import dataclass
@dataclass
class C:
    lr: float = 0.1
tyro.extras.overridable_config_cli({'small': ('Small.', C(lr=0.5))})
""",
        [("lr", "float", 0.5, False, None)],
    ),
    (
        """\
import tyro
from dataclasses import dataclass
@dataclass
class C:
    lr: float = 0.1
    n: int = 2
tyro.cli(C, default=C(n=7))
""",
        [("lr", "float", 0.1, False, None), ("n", "int", 7, False, None)],
    ),
]


@pytest.mark.parametrize(("script", "expected"), WHOLE)
def test_a_script_is_read_as_its_library_reads_it(script: str, expected: list[Row]) -> None:
    found = extract(DIALECT_SCRIPTS / script)
    assert (found.parser_type, rows(found)) == ("tyro", expected)
    assert found.notes == ()


@pytest.mark.parametrize(("script", "expected"), SMALL)
def test_less_common_ways_to_declare_are_read(
    script: str, expected: list[Row], tmp_path: Path
) -> None:
    found = read(tmp_path, script)
    assert (found.parser_type, rows(found)) == ("tyro", expected)


def test_a_union_given_to_tyro_is_flattened(tmp_path: Path) -> None:
    extraction = read(
        tmp_path,
        "import tyro\nfrom dataclasses import dataclass\nfrom typing import Union\n"
        "@dataclass\nclass Train:\n    lr: float = 0.1\n"
        "@dataclass\nclass Test:\n    path: str\n"
        "if __name__ == '__main__':\n    tyro.cli(Union[Train, Test])\n",
    )
    assert rows(extraction) == [
        ("lr", "float", 0.1, False, None),
        ("path", "str", None, True, None),
    ]


def test_a_default_that_is_computed_is_null_and_noted(tmp_path: Path) -> None:
    extraction = read(
        tmp_path,
        "import os, tyro\nfrom dataclasses import dataclass, field\n"
        "@dataclass\nclass Args:\n    workers: int = field(default_factory=os.cpu_count)\n"
        "tyro.cli(Args)\n",
    )
    assert rows(extraction) == [("workers", "int", None, False, None)]
    assert any("workers" in note.message for note in extraction.notes)


MARKED = """
import dataclasses, tyro
from typing import Annotated, Union
@dataclasses.dataclass
class A:
    lr: float = 1.0
@dataclasses.dataclass
class B:
    mom: float = 1.0
@dataclasses.dataclass
class Deep:
    o: A = dataclasses.field(default_factory=A)
    k: int = 0
@dataclasses.dataclass
class C:
    lr: Annotated[float, tyro.conf.arg(prefix_name=False)] = 1.0
    wd: Annotated[float, tyro.conf.arg(name="de-cay")] = 1.0
@dataclasses.dataclass
class T:
    n: Annotated[int, tyro.conf.Suppress] = 3
    x: %s = dataclasses.field(default_factory=%s)
tyro.cli(%s)
"""


@table(
    ("annotation", "default", "target", "names"),
    [
        ("A", "A", "T", ["x.lr"]),
        ("tyro.conf.OmitArgPrefixes[Deep]", "Deep", "T", ["lr", "k"]),
        ("Deep", "Deep", "tyro.conf.OmitArgPrefixes[T]", ["lr", "k"]),
        ("Deep", "Deep", "T, config=(tyro.conf.OmitArgPrefixes,)", ["lr", "k"]),
        ("C", "C", "T", ["lr", "x.de_cay"]),
        ("Annotated[A, tyro.conf.arg(name='')]", "A", "T", ["lr"]),
        ("Annotated[A, tyro.conf.arg(name='y')]", "A", "T", ["y.lr"]),
        ("tyro.conf.AvoidSubcommands[Union[A, B]]", "A", "T", ["x.lr"]),
        ("Union[A, B]", "B", "tyro.conf.AvoidSubcommands[T]", ["x.mom"]),
        ("Annotated[Union[A, B], tyro.conf.OmitSubcommandPrefixes]", "A", "T", ["lr", "mom"]),
    ],
)
def test_marks_of_tyro_conf_name_and_select_what_is_nested(
    annotation: str, default: str, target: str, names: list[str], tmp_path: Path
) -> None:
    # As tyro 1.0 parses them.
    found = read(tmp_path, MARKED % (annotation, default, target))
    assert [one.name for one in found.arguments] == names
    assert found.notes == ()
