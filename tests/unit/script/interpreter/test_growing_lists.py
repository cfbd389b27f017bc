"""Lists that change while a loop takes their items, beside what Python does."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import read

PARSER = """
import argparse
names = ["a"]
parser = argparse.ArgumentParser()
"""
GROWING = {
    "loop": """
for name in names:
    parser.add_argument("--" + name)
    if len(name) < 3:
        names.append(name + "a")
""",
    "generator": """
def made():
    for name in names:
        yield name
        if len(name) < 3:
            names.append(name + "a")
for name in made():
    parser.add_argument("--" + name)
""",
    "comprehension": """
for name in [n for n in names if len(n) > 2 or not names.append(n + "a")]:
    parser.add_argument("--" + name)
""",
    "yield from": """
def made():
    yield from names
for name in made():
    parser.add_argument("--" + name)
    if len(name) < 3:
        names.append(name + "a")
""",
}
UNKNOWN = {
    "on one path": """
import os
for name in names:
    parser.add_argument("--" + name)
    if os.environ.get("MORE") and len(names) < 5:
        names.append("b")
""",
    "counted": """
for number, name in enumerate(names):
    parser.add_argument("--" + name)
    if number < 2:
        names.append(f"b{number}")
""",
    "side by side": """
for name, other in zip(names, names[:]):
    parser.add_argument("--" + name)
    names.append("b")
""",
    "replaced ahead": """
names += ["b", "c"]
for number, name in enumerate(names):
    parser.add_argument("--" + name)
    if number == 0:
        names[2] = "d"
""",
    "without an end": """
for name in names:
    if name not in parser:
        parser.add_argument("--" + name)
    names.append(name)
""",
}
SHRINKING = """
names += ["b", "c", "d"]
for name in names:
    parser.add_argument("--" + name)
    names.remove(name)
"""


@table("body", GROWING.values())
def test_items_that_are_added_meanwhile_are_taken(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, f"{PARSER}{body}parser.parse_args()")
    assert [argument.name for argument in found.arguments] == ["a", "aa", "aaa"]
    assert not found.notes


@table("body", UNKNOWN.values())
def test_a_note_says_that_there_may_be_more(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, f"{PARSER}{body}parser.parse_args()")
    assert found.arguments[0].name == "a"
    assert found.notes


def test_items_that_are_removed_meanwhile_move_the_others(tmp_path: Path) -> None:
    found = read(tmp_path, f"{PARSER}{SHRINKING}parser.parse_args()")
    assert [argument.name for argument in found.arguments] == ["a", "c"]
    assert not found.notes


def test_items_that_are_replaced_once_they_were_taken_are_known(tmp_path: Path) -> None:
    body = """
names += ["B"]
for number, name in enumerate(names):
    names[number] = name.upper()
parser.add_argument("--name", choices=names)
"""
    found = read(tmp_path, f"{PARSER}{body}parser.parse_args()")
    assert found.arguments[0].choices == ("A", "B")
    assert not found.notes
