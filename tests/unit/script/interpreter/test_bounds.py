"""Hostile scripts: the work they cause is bounded by steps, so the same on any machine."""

from pathlib import Path

import pytest

from keynet.script.arguments import Extraction
from keynet.script.extraction import extract

HEAD = "import argparse\nfrom elsewhere import u\np = argparse.ArgumentParser()\n"
TAIL = "\np.add_argument('--last', default=x, choices=x, help=str(x))\np.parse_args()\n"

SCRIPTS = {
    "while-true": "n = 0\nwhile True:\n    n += 1\n    p.add_argument('--x%d' % n)\nx = 1",
    "nested-while": "x = 1\nwhile True:\n  while True:\n    while True:\n      x = 1",
    "recursion": "def f(n):\n    return f(n - 1) + f(n - 1) + f(n - 2)\nx = f(100)",
    "growing-arguments": "def f(*a, **k):\n    return f(*a, *a, **k)\nx = f(1, 2)",
    "call-tree": "def f0(): return 1\n"
    + "\n".join(f"def f{i}(): return f{i - 1}() + f{i - 1}()" for i in range(1, 60))
    + "\nx = f59()",
    "loops": "\n".join("    " * i + f"for x{i} in range(4000):" for i in range(8))
    + "\n"
    + "    " * 8
    + "x = 1",
    "doubling": "x = [1]\n" + "x = x + x\n" * 50,
    "nesting": "x = [1]\nfor i in range(4000):\n    x = [x, x]",
    "shared": "x = ['a' * 60000]\nfor i in range(30):\n    x = [x, x]",
    "cyclic": "x = []\nx.append(x)\nd = {}\nd['d'] = d\nx.append(d)",
    "power": "x = 10 ** 10 ** 10",
    "tower": "x = 2\nfor i in range(4000):\n    x = x ** x\n    x = x << x",
    "text": "x = 'a' * 10 ** 9",
    "texts": "x = 'a' * 60000\nfor i in range(4000):\n    p.add_argument(f'--{i}', default=x)",
    "width": "x = '%1000000000d' % 1 + f'{1:>1000000000}' + '{:{}}'.format(1, 10 ** 9)",
    "padding": "x = 'a'.ljust(10 ** 9) + 'b'.zfill(10 ** 9) + 'a'.replace('', 'b' * 60000)",
    "comprehension": "x = [1 for a in range(4000) for b in range(4000) for c in range(4000)]",
    "rounding": "x = round(5, -10 ** 9)",
    "formatting": "x = '{0.__class__.__init__.__globals__}'.format(print)",
    "branches": "\n".join(f"v{i} = 1" for i in range(800))
    + "\n"
    + "\n".join(f"if u: v{i} = 2" for i in range(800))
    + "\nx = v0",
    "alternatives": "x = 1\n" + "\n".join(f"if u: x = x + {i}" for i in range(800)),
    "classes": "class A0: pass\n"
    + "\n".join(f"class A{i}(A{i - 1}): pass" for i in range(1, 500))
    + "\nfor i in range(4000): x = A499().x",
    "enum": "import enum\nclass E(enum.Enum):\n"
    + "\n".join(f"    a{i} = {i}" for i in range(2000))
    + "\nfor i in range(4000): x = E(1999)",
    "lambdas": "x = " + "lambda: " * 80 + "1\ny = x" + "()" * 80,
    "subparsers": "x = 1\ns = p.add_subparsers()\nfor i in range(4000):\n"
    "    q = s.add_parser(str(i), parents=[p])\n    q.add_argument(f'--x{i}')",
    "parents": "x = 1\np.add_argument('--a')\nfor i in range(4000):\n"
    "    q = argparse.ArgumentParser(parents=[p, p])\n    p = q",
    "own-child": "x = 1\nq = p\nfor i in range(12):\n    for j in range(2):\n"
    "        a = q.add_subparsers().add_parser('a', parents=[q])\n    q = a",
    "generator": "def g():\n    while True: yield 1\nfor x in g():\n    for y in g(): pass",
    "imports-itself": "from train import x\nimport train\nx = train.train.train.x",
    "exec": "x = exec('raise SystemExit(9)') or eval('1/0') or __import__('os').abort()",
}


def read(folder: Path, script: str) -> Extraction:
    path = folder / "train.py"
    path.write_text(HEAD + script + TAIL)
    return extract(path)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_a_hostile_script_ends_and_its_result_is_small(tmp_path: Path, script: str) -> None:
    found = read(tmp_path, script)
    assert len(found.arguments) <= 2_000
    assert len(repr(found.to_json())) < 2_000_000


@pytest.mark.medium
def test_a_script_that_does_too_much_says_so(tmp_path: Path) -> None:
    found = read(tmp_path, SCRIPTS["loops"])
    assert [(note.line, note.message) for note in found.notes] == [
        (1, "The script does too much to be analysed to its end: arguments may be missing."),
    ]


def test_nothing_of_the_script_is_run(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    read(
        tmp_path,
        f"open({str(mark)!r}, 'w').close()\nimport os\nos.system('touch {mark}')\n"
        f"from pathlib import Path\nPath({str(mark)!r}).touch()\nx = 1",
    )
    assert not mark.exists()


def test_helpers_that_declare_nothing_leave_steps_for_the_parser(tmp_path: Path) -> None:
    script = (
        "import argparse\ndef check(pattern):\n    for letter in pattern * 40:\n"
        "        if letter in '([{' or letter == '\\\\':\n            count = len(pattern)\n"
        "for number in range(400):\n    check('[a-z]+(b|c)')\n"
    )
    path = tmp_path / "train.py"
    path.write_text(
        script + "p = argparse.ArgumentParser()\np.add_argument('--lr')\np.parse_args()"
    )
    found = extract(path)
    assert [argument.name for argument in found.arguments] == ["lr"]
    assert found.notes == ()


def test_long_loops_that_may_not_run_leave_steps_for_the_parser(tmp_path: Path) -> None:
    script = (
        "import argparse, os\ndef load(name):\n    return [name, name + 'a', name * 2, {name: 1}]\n"
        "if os.environ.get('EAGER'):\n    for number in range(4000):\n"
        "        made = [load('x'), load('y'), load('z')]\n"
    )
    path = tmp_path / "train.py"
    path.write_text(
        script + "p = argparse.ArgumentParser()\np.add_argument('--lr')\np.parse_args()"
    )
    found = extract(path)
    assert [argument.name for argument in found.arguments] == ["lr"]
    assert found.notes == ()


def test_long_loops_that_declare_are_followed_though_they_may_not_run(tmp_path: Path) -> None:
    script = (
        "import argparse, os\np = argparse.ArgumentParser()\nif os.environ.get('MANY'):\n"
        "    for number in range(100):\n        p.add_argument(f'--x{number}')\np.parse_args()"
    )
    path = tmp_path / "train.py"
    path.write_text(script)
    assert len(extract(path).arguments) == 100


@pytest.mark.medium
def test_what_a_cheap_helper_gives_is_known_however_often_it_is_called(tmp_path: Path) -> None:
    script = (
        "import argparse\ndef name(number):\n    return 'x' + str(number)\n"
        "p = argparse.ArgumentParser()\nfor number in range(300):\n"
        "    p.add_argument('--' + name(number), default=name(number))\np.parse_args()"
    )
    path = tmp_path / "train.py"
    path.write_text(script)
    assert [argument.default for argument in extract(path).arguments] == [
        f"x{number}" for number in range(300)
    ]


def test_a_loop_without_an_end_that_declares_nothing_is_left_early(tmp_path: Path) -> None:
    script = "n = 0\nwhile True:\n    n += 1\n    if n == {0}:\n        break\nx = [n]"
    (last,) = read(tmp_path, script.format(20)).arguments
    assert last.default == [20]
    found = read(tmp_path, script.format(200))
    assert [one.default for one in found.arguments] == [None]
    assert "A loop has too many turns" in found.notes[0].message
