"""Names of other modules that change after they were imported, beside what Python does."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import read

OTHER = """
value = 5
def double():
    global value
    value *= 2
def get(): return value
"""
# What the script says before it declares one argument with ``made`` as its default.
MADE = {
    "from other import value\nimport other\nother.value = 1\nmade = value": 5,
    "from other import value\nimport other\nother.double()\nmade = value": 5,
    "from other import value as v\nimport other\nvars(other)['value'] = 1\nmade = v": 5,
    "import other\nother.double()\nmade = other.value - 5": 5,
    "import other\nother.__dict__['value'] = 7\nmade = other.get() - 2": 5,
    "import other\nother.__dict__.update(value=7)\nmade = other.get() - 2": 5,
    "import other\nvars(other)['new'] = 5\nmade = other.new": 5,
    "import other\nmade = vars(other)['value']": 5,
}
INSTANCES = {
    "[1], Sequence": True,
    "(1,), (str, Iterable)": True,
    "[1], MutableSequence": True,
    "(1,), MutableSequence": False,
    "[1], typing.List": True,
    "[1], Mapping": False,
    "[1], object": True,
    "[1], str": False,
    "argparse, str": None,
    "argparse.ArgumentParser, (int, float)": None,
    "function, (int, float)": False,
    "Class, str": False,
    "Plain.A, Plain": True,
    "Plain.A, enum.Enum": True,
    "Plain.A, Text": False,
    "Plain.A, (str, int)": False,
    "Text.A, str": True,
    "Text.A, int": None,
    "Number.A, int": None,
}


@table("body", MADE)
def test_a_name_has_what_it_had_where_it_was_imported(tmp_path: Path, body: str) -> None:
    (tmp_path / "other.py").write_text(OTHER)
    found = read(
        tmp_path,
        f"""
import argparse
{body}
parser = argparse.ArgumentParser()
parser.add_argument("--x", type=int, default=made)
parser.parse_args()
""",
    )
    assert found.arguments[0].default == MADE[body]
    assert not found.notes


@table("what", INSTANCES)
def test_of_what_something_is_an_instance(tmp_path: Path, what: str) -> None:
    found = read(
        tmp_path,
        f"""
import argparse, enum, typing
from collections.abc import Iterable, Mapping, MutableSequence, Sequence
class Class: pass
class Plain(enum.Enum): A = 1
class Text(str, enum.Enum): A = "a"
class Number(enum.IntEnum): A = 1
def function(): pass
parser = argparse.ArgumentParser()
parser.add_argument("--x", type=bool, default=isinstance({what}))
parser.parse_args()
""",
    )
    assert found.arguments[0].default is INSTANCES[what]
