"""What outlives a loop, call or ``try`` that may be left early, without what comes after it.

Each script is also run, with and without ``C0`` in its environment.
"""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.property.script_worlds import silently_false, worlds
from tests.tables import table

HEAD = """\
import argparse
import os

C0 = os.environ.get("C0")
HELD = []


class Held:
    value = 1

    def __init__(self):
        self.names = ["x"]


"""
CHOICES = """
p = argparse.ArgumentParser()
p.add_argument("--x", choices={0})
p.parse_args()
"""
DEFAULT = CHOICES.replace("choices", "default")


def read(folder: Path, script: str) -> list[tuple[object, ...]]:
    """Return what is read of a script that says everything that differs between its worlds."""
    path = folder / "train.py"
    path.write_text(HEAD + script)
    found = extract(path)
    different = worlds(HEAD + script)
    assert [fault for world in different for fault in silently_false(world, found)] == []
    return [(one.name, one.default, one.choices, bool(found.notes)) for one in found.arguments]


MADE_IN_A_TURN = """
made = None
for key in ["a", "b", "c"]:
    if made is None:
        made = {make}
    if C0:
        {leave}
    {change}
"""


@table("leave", ["break", "continue"])
@table(
    ("make", "change", "choices"),
    [
        ("['x']", "made.append(key)", "made"),
        ("['x']", "made += [key]", "made"),
        ("{'x'}", "made.add(key)", "sorted(made)"),
        ("{'x': 1}", "made[key] = 2", "list(made)"),
        ("{'x': ['y']}", "made['x'].insert(0, key)", "made['x']"),
        ("(['x'], 1)", "made[0].append(key)", "made[0]"),
        ("Held()", "made.names.append(key)", "made.names"),
        ("(lambda names=['x']: names)", "made().append(key)", "made()"),
    ],
)
def test_what_one_turn_makes_is_not_surely_changed_in_a_later_one(
    make: str, change: str, choices: str, leave: str, tmp_path: Path
) -> None:
    script = MADE_IN_A_TURN.format(make=make, change=change, leave=leave)
    read_ones = read(tmp_path, script + CHOICES.format(choices))
    assert read_ones == [("x", None, None, True)]


@pytest.mark.parametrize(
    ("leave", "end"),
    [("break", ""), ("continue", ""), ("break", "else:\n    made.value = 3\n")],
)
def test_an_attribute_is_not_surely_set_after_a_turn_may_be_left(
    leave: str, end: str, tmp_path: Path
) -> None:
    script = MADE_IN_A_TURN.format(make="Held()", change="made.value = 2", leave=leave)
    assert read(tmp_path, script + end + DEFAULT.format("made.value")) == [("x", None, None, True)]


@pytest.mark.parametrize("make", ["argparse.ArgumentParser()", "p.add_argument_group()"])
def test_a_parser_of_one_turn_has_the_arguments_of_a_later_one_perhaps(
    make: str, tmp_path: Path
) -> None:
    script = MADE_IN_A_TURN.format(
        make=make, change="made.add_argument('--arg-' + key)", leave="break"
    )
    parses = "made" if "Parser" in make else "p"
    names = [name for name, *_rest in read(tmp_path, f"""
p = argparse.ArgumentParser()
{script}
{parses}.parse_args()
""")]  # fmt: skip
    assert names == ["arg_a", "arg_b", "arg_c"]


def test_a_parser_that_a_turn_made_has_perhaps_what_another_loop_adds(tmp_path: Path) -> None:
    script = """
for key in ["a"]:
    if C0 and key == "z":
        continue
    p = argparse.ArgumentParser()
for key in "ab":
    if C0:
        break
    p.add_argument("--arg-" + key)
p.parse_args()
"""
    assert len(read(tmp_path, script)) == 2


@table(
    ("returned", "taken"),
    [
        ("names", "made()"),
        ("(names, 3)", "made()[0]"),
        ("[names]", "made()[0]"),
        ("{'n': names}", "made()['n']"),
        ("get", "made()()"),
        ("HELD.append(names)", "(made(), HELD[0])[1]"),
        ("Held.__setattr__(Held, 'names', names) or Held", "made().names"),
    ],
)
@table("end", ["", "    finally:\n        names.append('z')\n"])
def test_what_a_call_returns_early_has_not_what_is_added_later(
    returned: str, taken: str, end: str, tmp_path: Path
) -> None:
    body = f"""
        def get():
            return names
        if C0:
            return {returned}
        names.append("y")
        return {returned}
"""
    script = f"""
def made():
    names = ["x"]
    {"try" if end else "if True"}:
{body}{end}
"""
    assert read(tmp_path, script + CHOICES.format(taken)) == [("x", None, None, True)]


def test_an_object_whose_setup_may_return_early_has_what_comes_later_perhaps(
    tmp_path: Path,
) -> None:
    script = """
class More(Held):
    def __init__(self):
        super().__init__()
        if C0:
            return
        self.names.append("y")
"""
    assert read(tmp_path, script + CHOICES.format("More().names")) == [("x", None, None, True)]


@pytest.mark.parametrize("change", ["p.set_defaults(x=2)", "names.append('z')", "a.default = 2"])
def test_a_parser_that_is_returned_early_is_as_it_was_then(change: str, tmp_path: Path) -> None:
    script = f"""
def build():
    p = argparse.ArgumentParser()
    names = ["y"]
    a = p.add_argument("--x", choices=names, default=1)
    if C0:
        return p
    {change}
    return p


build().parse_args()
"""
    read(tmp_path, script)


def test_what_is_made_before_an_exception_is_as_it_was_then(tmp_path: Path) -> None:
    script = """
names = None
try:
    names = ["x"]
    if C0:
        raise ValueError
    names.append("y")
except ValueError:
    pass
"""
    assert read(tmp_path, script + CHOICES.format("names")) == [("x", None, None, True)]


def test_what_is_gone_when_it_is_left_stays_exact(tmp_path: Path) -> None:
    script = """
p = argparse.ArgumentParser()
p.add_argument("--first")
for key in ["a", "b"]:
    given = {"type": int}
    if C0:
        continue
    given["default"] = 3
    names = ["x"]
    names.append(key)
    p.add_argument("--arg-" + key, choices=names, **given)
def add(p):
    given = {"type": int}
    if C0:
        return
    given["default"] = 4
    p.add_argument("--more", **given)
add(p)
p.parse_args()
"""
    assert [row[:3] for row in read(tmp_path, script)] == [
        ("first", None, None),
        ("arg_a", 3, ("x", "a")),
        ("arg_b", 3, ("x", "b")),
        ("more", 4, None),
    ]


def test_what_is_not_changed_after_a_loop_was_left_stays_exact(tmp_path: Path) -> None:
    script = """
for key in ["a"]:
    given = {"choices": ["x", "y"], "default": "x"}
    if C0:
        break
p = argparse.ArgumentParser()
p.add_argument("--x", **given)
p.parse_args()
"""
    assert read(tmp_path, script) == [("x", "x", ("x", "y"), False)]
