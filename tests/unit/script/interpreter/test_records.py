"""Loops over the fields of named tuples and of attrs' classes."""

from pathlib import Path

import pytest

from tests.tables import table
from tests.unit.script.reading import Row, arguments, read, rows

HEAD = """\
import argparse, attr, attrs
from collections import namedtuple
from typing import NamedTuple
p = argparse.ArgumentParser()
class C(NamedTuple):
    lr: float = 0.1
    n: int = 3
N = namedtuple('N', 'lr n', defaults=(0.1, 3))
@attr.s
class S:
    lr = attr.ib(default=0.1, type=float)
    n: int = attr.ib(default=3)
@attr.s(auto_attribs=True)
class T:
    lr: float = 0.1
    n: int = attr.ib(default=3)
@attrs.define
class D:
    lr: float = 0.1
    n: int = attrs.field(default=3)
    _held = None
"""
TYPED: list[Row] = [("lr", "float", 0.1, False, None), ("n", "int", 3, False, None)]
NAMES: list[Row] = [("lr", "str", None, False, None), ("n", "str", None, False, None)]


@table(
    ("loop", "expected"),
    [
        ("for n in C._fields: p.add_argument('--' + n)", NAMES),
        ("for n in N._fields: p.add_argument('--' + n)", NAMES),
        ("for n in C()._fields: p.add_argument('--' + n)", NAMES),
        ("for n in C._fields:\n    p.add_argument('--' + n, type=C.__annotations__[n], "
         "default=C._field_defaults[n])", TYPED),
        ("for n, d in N._field_defaults.items():\n"
         "    p.add_argument('--' + n, type=type(d), default=d)", TYPED),
        ("for a in attr.fields(T):\n"
         "    p.add_argument('--' + a.name, type=a.type, default=a.default)", TYPED),
        ("for a in attrs.fields(D):\n"
         "    p.add_argument('--' + a.name, type=a.type, default=a.default)", TYPED),
        ("for a in D.__attrs_attrs__:\n"
         "    p.add_argument('--' + a.name, type=a.type, default=a.default)", TYPED),
        ("for n, a in attr.fields_dict(T).items():\n"
         "    p.add_argument('--' + n, type=a.type, default=a.default)", TYPED),
        ("for n, v in attr.asdict(T()).items():\n"
         "    p.add_argument('--' + n, type=type(v), default=v)", TYPED),
    ],
)  # fmt: skip
def test_the_fields_of_a_record_are_known(tmp_path: Path, loop: str, expected: list[Row]) -> None:
    found = read(tmp_path, f"{HEAD}{loop}\np.parse_args()\n")
    assert rows(found) == expected
    assert found.notes == ()


def test_fields_made_by_attr_ib_are_found_without_an_annotation(tmp_path: Path) -> None:
    loop = "for a in attr.fields(S): p.add_argument('--' + a.name, type=a.type, default=a.default)"
    found = read(tmp_path, f"{HEAD}{loop}\np.parse_args()\n")
    assert sorted(rows(found), key=str) == TYPED


@pytest.mark.parametrize(
    "loop",
    [
        "for a in attr.fields(lib): p.add_argument('--' + a.name)",
        "import lib\nfor n in lib.C._fields: p.add_argument('--' + n)",
        "class B: pass\nfor a in attr.fields(B): p.add_argument('--' + a.name)",
    ],
)
def test_a_loop_over_unknown_fields_says_that_arguments_are_omitted(
    tmp_path: Path, loop: str
) -> None:
    found = read(tmp_path, f"{HEAD}{loop}\np.parse_args()\n")
    assert found.arguments == ()
    assert any("whose name is unknown is omitted" in note.message for note in found.notes)


def test_a_factory_of_attrs_is_an_unknown_default(tmp_path: Path) -> None:
    body = (
        "@attr.s(auto_attribs=True)\nclass F:\n    n: list = attr.ib(factory=list)\n"
        "for a in attr.fields(F): p.add_argument('--' + a.name, default=a.default)\n"
    )
    found = read(tmp_path, f"{HEAD}{body}p.parse_args()\n")
    assert rows(found) == [("n", "str", None, False, None)]
    assert [note.message for note in found.notes] == [
        "The default of n is unknown: it is computed when the script runs."
    ]


@table(
    ("default", "expected"),
    [
        ("os.path.relpath('/workspace/data', '/workspace')", "data"),
        ("os.path.relpath(__file__, os.path.dirname(__file__))", "train.py"),
        ("Path('/workspace/data').relative_to('/workspace')", "data"),
        ("Path(__file__).with_name('data').relative_to(Path(__file__).parent)", "data"),
        ("os.path.abspath('/workspace/x/../data')", "/workspace/data"),
        ("os.path.expanduser('data')", "data"),
    ],
)
def test_paths_that_are_the_same_anywhere_are_known(
    tmp_path: Path, default: str, expected: str
) -> None:
    head = f"import os\nfrom pathlib import Path\n{HEAD}"
    found = read(tmp_path, f"{head}p.add_argument('--a', default={default})\np.parse_args()\n")
    assert rows(found) == [("a", "str", expected, False, None)]
    assert found.notes == ()


@table(
    "default",
    [
        "os.path.relpath(__file__, '/workspace')",
        "os.path.relpath('data')",
        "os.path.abspath('data')",
        "os.path.expanduser('~/data')",
        "os.path.join(os.getcwd(), 'data')",
        "Path(__file__).parent / 'data'",
        "Path(__file__).relative_to('/workspace')",
        "Path('/data').relative_to('/workspace')",
        "Path('data').resolve()",
    ],
)
def test_paths_of_the_machine_are_noted(tmp_path: Path, default: str) -> None:
    head = f"import os\nfrom pathlib import Path\n{HEAD}"
    found = read(tmp_path, f"{head}p.add_argument('--a', default={default})\np.parse_args()\n")
    assert rows(found) == [("a", "str", None, False, None)]
    (note,) = found.notes
    assert note.message.startswith("The default of a is unknown: ")


def test_a_cached_property_is_made_once(tmp_path: Path) -> None:
    script = """
    import argparse
    from functools import cached_property
    class Options:
        @cached_property
        def parser(self):
            made = argparse.ArgumentParser()
            made.add_argument('--a', type=int)
            return made
    options = Options()
    options.parser.add_argument('--b', type=float)
    options.parser.parse_args()
    """
    assert [one.name for one in arguments(tmp_path, script)] == ["a", "b"]
