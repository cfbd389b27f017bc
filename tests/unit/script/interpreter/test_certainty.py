"""What holds on one path only is never reported as if it held on all."""

from pathlib import Path

import pytest

from tests.tables import table
from tests.unit.script.reading import Row, read, rows

HEAD = "import argparse, os\nimport lib\np = argparse.ArgumentParser()\nX = os.environ.get('X')\n"


def row(kind: str = "str", default: object = None) -> Row:
    return ("a", kind, default, False, None)


@table(
    ("body", "expected"),
    [
        ("if X:\n    p.add_argument('--a', required=True)", row()),
        ("for n in lib.names():\n    p.add_argument('--a', required=True)", row()),
        ("def f():\n    if X:\n        return\n"
         "    p.add_argument('--a', required=True)\nf()", row()),
        ("for n in 'ab':\n    if X == n:\n        continue\n"
         "    p.add_argument('--a', required=True)\n    break", row()),
        ("k = {'type': int}\nif X:\n    k['required'] = True\np.add_argument('--a', **k)",
         row("int")),
        ("k = {'type': int, 'default': 1}\nif X:\n    k.update(default=2, type=float)\n"
         "p.add_argument('--a', **k)", row()),
        ("k = {'default': 1}\nif X:\n    k['type'] = int\np.add_argument('--a', **k)",
         row("str", 1)),
        ("k = {'default': 1, 'type': int}\nif X:\n    k['action'] = 'store_true'\n"
         "p.add_argument('--a', **k)", row("int", 1)),
        ("c = ['x']\nif X:\n    c.append('y')\np.add_argument('--a', choices=c)", row()),
        ("try:\n    from lib import C\nexcept ImportError:\n    C = ['x']\n"
         "p.add_argument('--a', choices=C)", row()),
        ("if X:\n    p.add_argument('--a', default=1, required=True)\n"
         "else:\n    p.add_argument('--a', type=int, default=2)", row()),
        ("def f(d): p.add_argument('--a', type=int, default=d)\nf(1) if X else f(2)", row("int")),
        ("p.add_argument('--a', action='store_true' if X else 'store')", row()),
        ("a = p.add_argument('--a')\nif X:\n    a.required = True\n    a.default = 3", row()),
        ("a = p.add_argument('--a', default=3)\na.default = lib.three()", row()),
        ("p.add_argument('--a', type=lib.number)", row()),
        ("def g():\n    yield 'x'\n    if X:\n        yield 'y'\n"
         "p.add_argument('--a', choices=list(g()))", row()),
        ("for n in 'xy':\n    if X == n:\n        f = n\n        break\nelse:\n    f = 'z'\n"
         "p.add_argument('--a', default=f)", row()),
        ("a = p.add_argument('--a', type=int)\na.type = float if X else int", row()),
        ("k = dict({'default': 1}, **lib.defaults())\np.add_argument('--a', default=k['default'])",
         row()),
        ("k = {'default': 1}\nk[lib.name()] = 2\np.add_argument('--a', default=k['default'])",
         row()),
        ("X and p.add_argument('--a', required=True)", row()),
        ("p.add_argument('--a', action=lib.Action)", row()),
        ("d = 1 if X is None else 2\np.add_argument('--a', default=d)", row()),
        ("def f():\n    match X:\n        case None: return\n"
         "    p.add_argument('--a')\nf()", row()),
    ],
)  # fmt: skip
def test_what_one_path_says_is_unknown_and_noted(tmp_path: Path, body: str, expected: Row) -> None:
    found = read(tmp_path, f"{HEAD}{body}\np.parse_args()\n")
    assert rows(found) == [expected]
    assert found.notes


def test_what_every_path_says_is_known(tmp_path: Path) -> None:
    body = (
        "def f():\n    if X:\n        return 1\n    return 2\nf()\nif X:\n    lib.quiet()\n"
        "if X:\n    raise SystemExit\np.add_argument('--a', required=True)\np.parse_args()\n"
    )
    found = read(tmp_path, HEAD + body)
    assert (rows(found), found.notes) == ([("a", "str", None, True, None)], ())


@pytest.mark.parametrize(
    "body",
    [
        # A parser that resolves conflicts has one of them or the other.
        "q = argparse.ArgumentParser(conflict_handler='resolve')\nif X:\n"
        "    q.add_argument('--a', type=int, default=1)\nelse:\n    q.add_argument('--a')\np = q",
        # What is unknown of the second one is noted, too.
        "if X:\n    p.add_argument('--a')\nelse:\n    p.add_argument('--a', required=bool(X))",
        # The argument of the second turn is the one that the script goes on with.
        "for n in ['x'] if X else ['x', 'y']:\n    pass\nelse:\n"
        "    action = p.add_argument('--a', default='d')\n    action.default = 2",
    ],
)
def test_what_two_paths_add_is_either(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, f"{HEAD}{body}\np.parse_args()\n")
    assert rows(found) == [row()]
    assert all(note.message.count("a") for note in found.notes)
    assert found.notes


def test_a_class_that_is_made_on_a_condition_leaves_its_siblings_readable(tmp_path: Path) -> None:
    script = (
        "class Base: pass\nif X:\n    class One(Base): pass\nclass Two(Base): pass\n"
        "p.add_argument('--a')\np.parse_args()\n"
    )
    assert rows(read(tmp_path, HEAD + script)) == [row()]


def test_a_flag_stays_one_whatever_type_is_set_afterwards(tmp_path: Path) -> None:
    script = "a = p.add_argument('--a', action='store_true')\na.type = int\np.parse_args()\n"
    assert rows(read(tmp_path, HEAD + script)) == [row("bool", default=False)]
