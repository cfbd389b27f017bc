"""Names that are read later than they were bound, or in another place.

Each script is also run, with and without ``C0`` in its environment.
"""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.property.script_worlds import silently_false, worlds
from tests.tables import table

HEAD = """\
import argparse
import contextlib
import functools
import itertools
import os

C0 = os.environ.get("C0")
HELD = []
value = 1


class Settings:
    rate = 0.5


"""
END = """
p = argparse.ArgumentParser()
p.add_argument("--x", {0})
p.parse_args()
"""
CLOSURE = """
def make():
    value = 2
    def read():
        return value
    {0}
    value = 3
    return read
"""
UNKNOWN = (None, None, True)


def read(folder: Path, script: str) -> tuple[object, ...]:
    """Return what is read of a script that says everything that differs between its worlds."""
    path = folder / "train.py"
    path.write_text(HEAD + script)
    found = extract(path)
    different = list(worlds(HEAD + script))
    assert different
    assert [fault for world in different for fault in silently_false(world, found)] == []
    [one] = found.arguments
    choices = None if one.choices is None else list(one.choices)
    return one.default, choices, bool(found.notes)


@table(
    ("leave", "expected"),
    [
        ("pass", (3, None, False)),
        ("if C0: return read", UNKNOWN),
        ("if C0: return functools.partial(read)", UNKNOWN),
        ("for _ in 'ab':\n        if C0: return read", UNKNOWN),
        ("try:\n        if C0: raise KeyError\n    except KeyError: return read", UNKNOWN),
        ("try:\n        if C0: return read\n    finally: value += 5", UNKNOWN),
        ("if C0: value = 2; return read\n    else: value = 4; return read", UNKNOWN),
    ],
)
def test_a_closure_reads_its_variable_as_it_was_where_the_call_was_left(
    tmp_path: Path, leave: str, expected: tuple[object, ...]
) -> None:
    assert read(tmp_path, CLOSURE.format(leave) + END.format("default=make()()")) == expected


def test_a_closure_that_something_holds_reads_its_variable_where_the_call_was_left(
    tmp_path: Path,
) -> None:
    script = CLOSURE.format("HELD.append(read)\n    if C0: return") + "make()\n"
    assert read(tmp_path, script + END.format("default=HELD[0]()")) == UNKNOWN
    script = CLOSURE.format("HELD.append(read)\n    if C0: raise KeyError")
    script += "with contextlib.suppress(KeyError):\n    make()\n"
    assert read(tmp_path, script + END.format("default=HELD[0]()")) == UNKNOWN


GENERATOR = """
def each():
    HELD.append("begun")
    yield "a%s" % value
    HELD.append("ended")
    yield "b%s" % value


made = {0}
value = 2
{1}
"""


@table(
    ("made", "then", "choices"),
    [
        ("each()", "", ["a2", "b2"]),
        ("(one for one in each())", "", ["a2", "b2"]),
        ("('x%s' % value for _ in 'ab')", "", ["x2", "x2"]),
        ("['x%s' % value for _ in 'ab']", "", ["x1", "x1"]),
        ("map(lambda one: one + str(value), 'ab')", "", ["a2", "b2"]),
        ("itertools.chain(each(), 'z')", "", ["a2", "b2", "z"]),
        ("filter(None, each())", "", ["a2", "b2"]),
        ("iter('abc')", "next(made)", ["b", "c"]),
        ("iter('abc')", "made = itertools.chain(list(made), made)", ["a", "b", "c"]),
        ("reversed('abc')", "next(made)", ["b", "a"]),
        ("each()", "next(made)\nvalue = 3", None),
        ("each()", "for one in made: break", None),
        ("each()", "if C0: list(made)", None),
        ("each()", "if C0: value = 3", None),
        ("iter('abc')", "'a' in made", None),
        ("zip(*[iter('abcd')] * 2)", "", None),
    ],
)
def test_an_iterator_makes_its_items_when_they_are_taken(
    tmp_path: Path, made: str, then: str, choices: list[str] | None
) -> None:
    script = GENERATOR.format(made, then) + END.format("choices=[str(one) for one in made]")
    assert read(tmp_path, script) == (None, choices, choices is None)


@table(
    ("then", "choices"),
    [
        ("", ["first"]),
        ("list(made)", ["first", "begun", "ended"]),
        ("next(made)", None),
        ("for one in made: pass", ["first", "begun", "ended"]),
        ("for one in made: break", None),
    ],
)
def test_a_generator_does_nothing_before_it_is_asked(
    tmp_path: Path, then: str, choices: list[str] | None
) -> None:
    script = (
        "HELD.append('first')\n" + GENERATOR.format("each()", then) + END.format("choices=HELD")
    )
    assert read(tmp_path, script) == (None, choices, choices is None)


MANAGER = """
@contextlib.contextmanager
def around():
    global value
    kept, value = value, 2
    try:
        yield
    finally:
        value = kept
"""


def test_a_context_manager_goes_on_after_the_body(tmp_path: Path) -> None:
    script = MANAGER + "with around():\n    value = 5\n"
    assert read(tmp_path, script + END.format("default=value")) == (1, None, False)


@table(
    ("script", "keywords", "expected"),
    [
        ("@functools.cache\ndef get(): return value\nget(); value = 2", "default=get()", 1),
        (
            "@functools.cache\ndef get(): return value\nif C0: get()\nvalue = 2",
            "default=get()",
            None,
        ),
        ("Settings.rate = 3\ndel Settings.rate", "default=getattr(Settings, 'rate', 4)", None),
        ("s = Settings()\ns.rate = 3\ndel s.rate", "default=s.rate", 0.5),
        ("s = Settings()\ns.rate = 3\ndelattr(s, 'rate')", "default=s.rate", 0.5),
        ("s = Settings()\ns.rate = 3\nif C0: del s.rate", "default=s.rate", None),
        ("if C0: Settings.more = 3", "default=getattr(Settings, 'more', 4)", None),
        ("globals()['value'] = 7", "default=value", 7),
        ("globals().update(value=7)", "default=value", 7),
        ("if C0: globals()['value'] = 7", "default=value", None),
        ("class K:\n    if C0: value = 7\n    size = value", "default=K.size", None),
        ("class K:\n    if C0: value = 7", "default=getattr(K, 'value', 4)", None),
        ("made = (value := 5) if C0 else 0", "default=value", None),
        (
            "def set_it(_):\n    global value\n    value = 6\nmax([1], key=set_it)",
            "default=value",
            6,
        ),
        (
            "def set_it():\n    global value\n    while C0: value = 6; break\nset_it()",
            "default=value",
            None,
        ),
        ("def get(v=value): return v\nvalue = 2", "default=get()", 1),
        ("made = [lambda: n for n in (1, 2)]", "default=made[0]()", 2),
        ("made = [lambda n=n: n for n in (1, 2)]", "default=made[0]()", 1),
        ("made = []\nfor n in (1, 2): made.append(lambda: n)\nn = 8", "default=made[0]()", 8),
    ],
)
def test_a_name_has_the_value_that_it_has_where_it_is_read(
    tmp_path: Path, script: str, keywords: str, expected: object
) -> None:
    assert read(tmp_path, script + "\n" + END.format(keywords)) == (
        expected,
        None,
        expected is None,
    )


@pytest.mark.parametrize(
    ("change", "choices"),
    [
        ("one *= 2", ["a", "b", "a", "b"]),
        ("one = one * 2", ["a", "b"]),
        ("if C0: one *= 2", None),
    ],
)
def test_what_is_changed_in_place_has_another_name(
    tmp_path: Path, change: str, choices: list[str] | None
) -> None:
    script = f"one = other = ['a', 'b']\n{change}\n" + END.format("choices=other")
    assert read(tmp_path, script) == (None, choices, choices is None)


def test_sets_are_changed_in_place(tmp_path: Path) -> None:
    script = "one = other = {'a', 'b'}\none -= {'a'}\n" + END.format("choices=sorted(other)")
    assert read(tmp_path, script) == (None, ["b"], False)


@table(
    ("view", "choices"),
    [
        ("table.keys()", ["a", "b"]),
        ("table.values()", ["1", "2"]),
        ("[*table.keys()]", ["a"]),
        ("[one for one in table.values()]", ["1"]),
    ],
)
def test_a_view_of_a_dict_has_what_is_added_later(
    tmp_path: Path, view: str, choices: list[str]
) -> None:
    script = f"table = {{'a': 1}}\nview = {view}\ntable['b'] = 2\n"
    end = END.format("choices=[str(one) for one in view]")
    assert read(tmp_path, script + end) == (None, choices, False)
    script += "if 'b' in view: value = 2\n"
    expected = 2 if view == "table.keys()" else 1
    assert read(tmp_path, script + END.format("default=value")) == (expected, None, False)


def test_an_object_that_iterates_over_itself_is_not_followed_without_end(tmp_path: Path) -> None:
    script = """
class Each:
    count = 0
    def __iter__(self): return self
    def __next__(self):
        self.count += 1
        if self.count > 2: raise StopIteration
        return "n%d" % self.count
"""
    assert read(tmp_path, script + END.format("choices=list(Each())")) == UNKNOWN


@pytest.mark.parametrize(("name", "noted"), [("add_argument", True), ("format_help", False)])
def test_a_method_of_the_library_that_is_replaced_has_a_note(
    tmp_path: Path, name: str, noted: bool
) -> None:
    path = tmp_path / "train.py"
    path.write_text(f"{HEAD}argparse.ArgumentParser.{name} = lambda *a: 1\n{END.format('')}")
    text = f"The script replaces argparse.ArgumentParser.{name}: what it declares may differ."
    assert [note.message for note in extract(path).notes] == ([text] if noted else [])


def test_iterators_over_iterators_take_no_time(tmp_path: Path) -> None:
    lines = ["a = iter([1])", *["p = enumerate(a)", "q = enumerate(a)", "a = zip(p, q)"] * 60]
    script = tmp_path / "x.py"
    script.write_text(
        HEAD + "\n".join([*lines, "for z in a:", "    pass"]) + END.format("type=int")
    )
    # It would not end.
    assert [each.name for each in extract(script).arguments] == ["x"]


def test_a_line_of_blanks_of_a_requirements_file_takes_no_time(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text(f"a{' ' * 200_000}x\n")
    (tmp_path / "x.py").write_text("try:\n    import zzz\nexcept ImportError:\n    pass\n")
    # It would take minutes.
    assert extract(tmp_path / "x.py").arguments == ()
