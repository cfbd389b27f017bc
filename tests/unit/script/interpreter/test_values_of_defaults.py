"""Defaults that a script computes are reported as Python itself computes them."""

import sys
import warnings
from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import arguments, write

HEAD = """\
import argparse, ast, collections, copy, dataclasses, enum, functools, inspect, itertools, json
import math, os, random, string, sys, textwrap, types, typing
import os.path as osp
from dataclasses import dataclass, field
from functools import partial, reduce, wraps
from itertools import chain, product
from pathlib import Path
"""
TAIL = """
parser = argparse.ArgumentParser()
parser.add_argument('--value', default=value)
args = parser.parse_args()
"""


def read(script: str, folder: Path) -> object:
    (argument,) = arguments(folder, HEAD + script + TAIL)
    return argument.default


def run(script: str) -> object:
    """Run the script for real, as the image would, and write its default as JSON has it."""
    names: dict[str, object] = {"__name__": "__main__"}
    with warnings.catch_warnings():
        # What newer Pythons say of a script is its author's to know: 3.12 of ``~True``.
        warnings.simplefilter("ignore", DeprecationWarning)
        exec(compile(HEAD + script + TAIL, "train.py", "exec"), names)
    return plain(names["value"])


def plain(value: object) -> object:
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, Path) else value


@pytest.fixture(autouse=True)
def _no_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py"])


EXPRESSIONS: list[tuple[str, object]] = [
    ("(6).bit_length() * 10 + (6).bit_count()", 32),
    (
        '"Ab".upper() + "Ab".lower() + "aB".swapcase() + "ab cd".title() + "ab".capitalize()',
        "ABabAbAb CdAb",
    ),
    ('"a,b,,c".split(",")', ["a", "b", "", "c"]),
    ('"a b  c".split()', ["a", "b", "c"]),
    ('"a,b,c".rsplit(",", 1)', ["a,b", "c"]),
    ('"a,b,c".split(",", maxsplit=1)', ["a", "b,c"]),
    ('"a\\nb\\n".splitlines()', ["a", "b"]),
    ('"a\\nb\\n".splitlines(keepends=True)', ["a\n", "b\n"]),
    ('"  a ".strip() + "|" + "xxa".lstrip("x") + "|" + "axx".rstrip("x")', "a|a|a"),
    ('"run_1".removeprefix("run_") + "a.py".removesuffix(".py")', "1a"),
    ('"a=b=c".partition("=")', ["a", "=", "b=c"]),
    ('"a=b=c".rpartition("=")', ["a=b", "=", "c"]),
    ('"7".zfill(3) + "a".center(5, "*") + "a".ljust(3, ".") + "a".rjust(3)', "007**a**a..  a"),
    ('"banana".count("an")', 2),
    ('"banana".find("n") + "banana".rfind("n") * 10', 42),
    ('"banana".index("b")', 0),
    ('"a-b".replace("-", "_")', "a_b"),
    ('"a-b-c".replace("-", "_", 1)', "a_b-c"),
    ('"-".join(["a", "b", "c"])', "a-b-c"),
    ('", ".join(sorted({"b": 1, "a": 2}))', "a, b"),
    ('"abc".startswith("ab") and not "abc".endswith("x")', True),
    ('"12".isdigit() and "ab".isalpha() and "a1".isalnum()', True),
    ('"{}-{}".format(1, "b")', "1-b"),
    ('"{0}{1}{0}".format("a", "b")', "aba"),
    ('"{name}:{n:03d}".format(name="x", n=7)', "x:007"),
    ('"{a}".format_map({"a": 5})', "5"),
    ('"{!r:>5}|".format("a")', "  'a'|"),
    ('"%s-%05.2f-%d%%" % ("a", 3.14159, 7)', "a-03.14-7%"),
    ('"%(a)s" % {"a": 1}', "1"),
    ('"%s" % 5', "5"),
    ('"%r" % "a"', "'a'"),
    ("f\"{3.14159:.2f}|{'x':>4}|{12:03d}|{1e6:,.0f}\"", "3.14|   x|012|1,000,000"),
    ("f\"{'a'!r}{[1, 2]}{True}\"", "'a'[1, 2]True"),
    ('f"{1 + 1=}"', "1 + 1=2"),
    ("f\"{7:{'0'}{4}d}\"", "0007"),
    ('"abc"[1] + "abc"[-1]', "bc"),
    ('"abcdef"[1:4] + "abcdef"[::-2]', "bcdfdb"),
    ('"ab" * 2 + "c" * -1', "abab"),
    ('"a" "b"', "ab"),
    ('"b" in "abc"', True),
    ("[1, 2] + [3]", [1, 2, 3]),
    ("[0] * 3", [0, 0, 0]),
    ("(1, 2) + (3,)", [1, 2, 3]),
    ("[1, 2, 3, 4][1:3]", [2, 3]),
    ("[1, 2, 3, 4][::-1]", [4, 3, 2, 1]),
    ("(1, 2, 3)[-1]", 3),
    ("[[1, 2], [3]][0][1]", 2),
    ('{"a": 1, "b": {"c": 2}}["b"]["c"]', 2),
    ('{**{"a": 1}, "b": 2}', {"a": 1, "b": 2}),
    ('{"a": 1} | {"b": 2}', {"a": 1, "b": 2}),
    ('{"a": 1}.get("b", 5)', 5),
    ('{"a": 1}.get("a")', 1),
    ('list({"a": 1, "b": 2}.keys())', ["a", "b"]),
    ('list({"a": 1, "b": 2}.values())', [1, 2]),
    ('list({"a": 1, "b": 2}.items())', [["a", 1], ["b", 2]]),
    ('{"a": 1}.copy()', {"a": 1}),
    ("[1, 2, 2].count(2) + [5, 6].index(6)", 3),
    ("(1, 2, 2).count(2) + (5, 6).index(6)", 3),
    ("sorted([3, 1, 2])", [1, 2, 3]),
    ("sorted([3, 1, 2], reverse=True)", [3, 2, 1]),
    ('sorted(["bb", "a"], key=len)', ["a", "bb"]),
    ('sorted(["bb", "a"], key=lambda s: -len(s))', ["bb", "a"]),
    ("sorted({3, 1, 2})", [1, 2, 3]),
    ('sorted({"b": 1, "a": 2}.items(), key=lambda kv: kv[1])', [["b", 1], ["a", 2]]),
    ("list(reversed([1, 2]))", [2, 1]),
    ("list(range(3))", [0, 1, 2]),
    ("list(range(1, 8, 3))", [1, 4, 7]),
    ("list(range(3, 0, -1))", [3, 2, 1]),
    ('[*range(2), *"ab"]', [0, 1, "a", "b"]),
    ('list(enumerate("ab"))', [[0, "a"], [1, "b"]]),
    ('list(enumerate(["a"], start=1))', [[1, "a"]]),
    ('list(zip([1, 2], "ab"))', [[1, "a"], [2, "b"]]),
    ('dict(zip("ab", [1, 2]))', {"a": 1, "b": 2}),
    ("dict(a=1, b=2)", {"a": 1, "b": 2}),
    ('dict([("a", 1)], b=2)', {"a": 1, "b": 2}),
    ('list(map(int, ["1", "2"]))', [1, 2]),
    ("list(map(lambda a, b: a + b, [1, 2], [3, 4]))", [4, 6]),
    ("list(map(str, range(2)))", ["0", "1"]),
    ('list(filter(None, [0, 1, "", "a"]))', [1, "a"]),
    ("list(filter(lambda n: n > 1, [1, 2, 3]))", [2, 3]),
    ("min(3, 1, 2) + max([1, 5])", 6),
    ("min([], default=4)", 4),
    ('max("ab", "b")', "b"),
    ("sum([1, 2, 3])", 6),
    ("sum([1, 2], 10)", 13),
    ("sum([1, 2], start=10)", 13),
    ("sum([[1], [2]], [])", [1, 2]),
    ("sum(n * n for n in range(4))", 14),
    ("any([0, 1]) and all([1, 1])", True),
    ("abs(-3) + round(2.6) + round(2.5)", 8),
    ("round(3.14159, 2)", 3.14),
    ("round(1234, -2)", 1200),
    ("divmod(7, 2)", [3, 1]),
    ('int("12") + int(3.9) + int("ff", 16)', 270),
    ('int("10", base=2)', 2),
    ("int(True)", 1),
    ('float("1e-3")', 0.001),
    ('float("inf") > 1', True),
    ("str(1.5) + str(True) + str(None)", "1.5TrueNone"),
    ('bool("") or bool("a")', True),
    ('list("abc")', ["a", "b", "c"]),
    ("tuple([1, 2])", [1, 2]),
    ("sorted(set([2, 1, 2]))", [1, 2]),
    ("sorted(frozenset([2, 1]))", [1, 2]),
    ('len("abc") + len([1]) + len({"a": 1}) + len({1, 1})', 6),
    ('chr(97) + str(ord("a"))', "a97"),
    ('repr("a") + repr(1)', "'a'1"),
    ('isinstance(1, int) and isinstance("a", (int, str)) and not isinstance(1.0, int)', True),
    ("isinstance([1], (list, tuple)) and not isinstance((1,), list)", True),
    ("next(iter([7, 8]))", 7),
    ("1 + 2 * 3 - 4 / 2", 5.0),
    ("7 // 2 + 7 % 3", 4),
    ("2 ** 10", 1024),
    ("2 ** -1", 0.5),
    ("1 << 4 | 1", 17),
    ("6 & 3 ^ 1", 3),
    ("255 >> 4", 15),
    ("-(-3) + +2 + ~1", 3),
    ("1e-3 * 10", 0.01),
    ("10 ** 3 // 7", 142),
    ("not []", True),
    ("1 < 2 < 3", True),
    ("1 < 2 > 5", False),
    ("1 == 1.0", True),
    ('"a" != "b"', True),
    ("[1, 2] == [1, 2]", True),
    ("(1, 2) < (1, 3)", True),
    ("None is None", True),
    ('1 in [1, 2] and 3 not in (1, 2) and "a" in {"a": 1} and 1 in {1}', True),
    ('None or "x"', "x"),
    ('0 or [] or "last"', "last"),
    ('"a" and "b"', "b"),
    ('"" and "b"', ""),
    ("1 if 2 > 1 else 0", 1),
    ("(lambda x, y=2: x * y)(4)", 8),
    ("(lambda *a, **k: [list(a), k])(1, 2, c=3)", [[1, 2], {"c": 3}]),
    ("[x * x for x in range(4) if x % 2]", [1, 9]),
    ('[(x, y) for x in "ab" for y in (1, 2)]', [["a", 1], ["a", 2], ["b", 1], ["b", 2]]),
    ('{k: len(k) for k in ("a", "bb")}', {"a": 1, "bb": 2}),
    ("sorted({n % 2 for n in range(5)})", [0, 1]),
    ("[y := 5, y ** 2]", [5, 25]),
    ("[[j for j in range(i)] for i in range(3)]", [[], [0], [0, 1]]),
    ('"".join(c for c in "abc" if c != "b")', "ac"),
    ('os.path.join("a", "b", "c.txt")', "a/b/c.txt"),
    ('os.path.join("a", "/b")', "/b"),
    ('osp.basename("a/b.txt") + osp.dirname("a/b.txt")', "b.txta"),
    ('os.path.splitext("a/b.tar.gz")', ["a/b.tar", ".gz"]),
    ('os.path.normpath("a/../b/./c")', "b/c"),
    ("os.sep + os.pathsep", "/:"),
    ('os.fspath(Path("a"))', "a"),
    ('Path("a") / "b" / "c.txt"', "a/b/c.txt"),
    ('Path("a", "b")', "a/b"),
    ("Path()", "."),
    ('Path("/a/b/")', "/a/b"),
    ('Path("a//b/./c")', "a/b/c"),
    ('Path("a") / "b/"', "a/b"),
    ('Path("a") / "."', "a"),
    ('Path("a") / "/b"', "/b"),
    ('"a" / Path("b")', "a/b"),
    (
        'Path("a/b.tar.gz").name + Path("a/b.tar.gz").stem + Path("a/b.tar.gz").suffix',
        "b.tar.gzb.tar.gz",
    ),
    ('Path("a/b").parent', "a"),
    ('Path("a").parent', "."),
    ('Path("/").parent', "/"),
    ('Path("a").joinpath("b", "c")', "a/b/c"),
    ('Path("a").joinpath("b/")', "a/b"),
    ('Path("/a/b").parts', ["/", "a", "b"]),
    ('Path("a/b").parts', ["a", "b"]),
    ('Path("a/b").as_posix() + str(Path("a/b"))', "a/ba/b"),
    ("f\"{Path('a') / 'b'}\"", "a/b"),
    ("math.sqrt(16) + math.floor(2.7) + math.ceil(2.1)", 9.0),
    ("round(math.pi, 3)", 3.142),
    ("math.log(8, 2)", 3.0),
    ("math.log2(8) + math.log10(100)", 5.0),
    ("math.pow(2, 3)", 8.0),
    ("math.exp(0)", 1.0),
    ("json.loads('{\"a\": [1, 2.5, null, true]}')", {"a": [1, 2.5, None, True]}),
    ("ast.literal_eval(\"[1, (2, 'x')]\")", [1, [2, "x"]]),
    ('copy.deepcopy({"a": [1]})', {"a": [1]}),
    ("copy.copy([1, 2])", [1, 2]),
    ("list(itertools.chain([1], (2, 3)))", [1, 2, 3]),
    ("list(chain.from_iterable([[1], [2]]))", [1, 2]),
    ('list(product("ab", [1, 2]))', [["a", 1], ["a", 2], ["b", 1], ["b", 2]]),
    ('partial(int, base=2)("101")', 5),
    ("partial(max, 5)(3)", 5),
    ('dict.fromkeys(["a", "b"])', {"a": None, "b": None}),
    ('dict.fromkeys("ab", 0)', {"a": 0, "b": 0}),
    ('collections.OrderedDict([("a", 1)])', {"a": 1}),
    ("collections.OrderedDict(b=1)", {"b": 1}),
    ("types.SimpleNamespace(a=1).a", 1),
    ("argparse.Namespace(a=1, b=2).b", 2),
    ("vars(argparse.Namespace(a=1))", {"a": 1}),
    ('getattr(argparse.Namespace(a=1), "a")', 1),
    ('hasattr(argparse.Namespace(a=1), "a")', True),
    ("string.ascii_lowercase[:3] + string.digits", "abc0123456789"),
    ('textwrap.dedent("  a\\n  b")', "a\nb"),
    ('inspect.cleandoc("A\\n    B\\n      C\\n")', "A\nB\n  C"),
    ('inspect.cleandoc("  A\\n    B\\n")', "A\nB"),
    ("sys.maxsize > 0", True),
    ("os.devnull", "/dev/null"),
    ("(3).real", 3),
    ("True + True", 2),
    (
        "sorted({1, 2} - {2}) + sorted({1} | {3}) + sorted({1, 2} & {2}) + sorted({1, 2} ^ {2, 3})",
        [1, 1, 3, 2, 1, 3],
    ),
    ("sorted({1, 2}.symmetric_difference({2, 3}))", [1, 3]),
    ("typing.cast(int, 3)", 3),
    ('"a" if "abc".find("z") >= 0 else "n"', "n"),
    ("max(1, 2.5)", 2.5),
    ("len(range(5))", 5),
    ("range(10)[3]", 3),
    ("list(range(10))[-2:]", [8, 9]),
    ("10_000", 10000),
    ("0x10 + 0b11 + 0o7", 26),
    ("1 or undefined", 1),
    ('f\'{"a" "b"}\'', "ab"),
    ("[1, [2, 3]][1]", [2, 3]),
    ("(yes := 3) + yes", 6),
    ("int(b'12')", 12),
    ("float(3)", 3.0),
    ("b'a' + b'b' == b'ab'", True),
    ("~True", -2),
    ("-True", -1),
    ("+1.5", 1.5),
    ("{1: 'a'}[1]", "a"),
    ("'abc'[-4:]", "abc"),
    ("[1, 2] * 2", [1, 2, 1, 2]),
    ("2 * (1, 2)", [1, 2, 1, 2]),
    ("0 * 'a'", ""),
    ("1.5 // 0.5", 3.0),
    ("2.0 ** 3", 8.0),
    ("5 & 3", 1),
    ("5 | 3", 7),
    ("5 ^ 3", 6),
    ("True | False", True),
    ("1 in {'a': 1}.values()", True),
    ("None in [None]", True),
    ("'a' not in 'b'", True),
    ("None == 0", False),
    ("[1] < [2]", True),
    ("'%5.1f' % 2.25", "  2.2"),
    ("'%s %s' % ('a', Path('b'))", "a b"),
    ("'%(x)05d' % {'x': 3}", "00003"),
    ("'{:>4}'.format('a')", "   a"),
    ("'{:.1f}'.format(2.25)", "2.2"),
    ("'{a!r}'.format(a='x')", "'x'"),
    ("'{{}}'.format()", "{}"),
    ("f'{None}'", "None"),
    ("f'{(1, 2)}'", "(1, 2)"),
    ("f'{2:b}'", "10"),
    ("{**dict(a=1), **dict(b=2)}", {"a": 1, "b": 2}),
    ("[*(1, 2), *{'a': 1}]", [1, 2, "a"]),
    ("(*[1], 2)", [1, 2]),
    ("[i * j for i in (1, 2) for j in (3, 4) if j > 3]", [4, 8]),
    ("dict(enumerate('ab'))", {"0": "a", "1": "b"}),
    ("list(zip('ab', range(2), [None, None]))", [["a", 0, None], ["b", 1, None]]),
    ("tuple(x for x in 'ab')", ["a", "b"]),
    ("set() or 3", 3),
    ("len(set('aab'))", 2),
    ("list(map(lambda x: x * 2, filter(lambda x: x > 1, [1, 2])))", [4]),
    ("any(())", False),
    ("all([])", True),
    ("max([1, 2], [1, 3])", [1, 3]),
    ("max('a', 'b', 'c')", "c"),
    ("min(dict(a=1, b=0))", "a"),
    ("getattr(argparse.Namespace(x=3), 'x', 1)", 3),
    ("ast.literal_eval('[1, 2]')", [1, 2]),
    ("json.loads('[]')", []),
    ("list(chain('ab', [1]))", ["a", "b", 1]),
    ("math.degrees(0) if False else math.sin(0)", 0.0),
    ("math.floor(-0.5)", -1),
    ("[len(p.parts) for p in [Path('a/b')]]", [2]),
    ("(lambda: (yield))  and 1", 1),
    ("[a for a, *b in [(1, 2, 3)]]", [1]),
    ("{a: b for a, b in zip('xy', (1, 2))}", {"x": 1, "y": 2}),
    ("[[1, 2], [3]][-1][0]", 3),
    ("1 if [] else 2 if {} else 3", 3),
    ("len({**{'a': 1}, 'a': 2})", 1),
    ("(1,) + tuple([2])", [1, 2]),
    ("list(reversed('ab'))", ["b", "a"]),
    ("sorted('cab')", ["a", "b", "c"]),
    ("sorted((3, 1))[::-1]", [3, 1]),
    ("sorted([1.5, 1])", [1, 1.5]),
    ("round(7.5)", 8),
    ("round(-1.25, 1)", -1.2),
    ("abs(-2.5)", 2.5),
    ("ord('z') - ord('a')", 25),
    ("str('a')", "a"),
    ("str()", ""),
    ("int()", 0),
    ("list()", []),
    ("dict()", {}),
    ("tuple()", []),
    ("bool()", False),
    ("float()", 0.0),
]

PROGRAMS: list[tuple[str, object]] = [
    (
        """\
a, b = 1, 2
value = [b, a]
""",
        [2, 1],
    ),
    (
        """\
a, *b, c = range(5)
value = [a, b, c]
""",
        [0, [1, 2, 3], 4],
    ),
    (
        """\
(a, b), c = (1, 2), 3
value = a + b + c
""",
        6,
    ),
    (
        """\
a = b = [1]
a.append(2)
value = b
""",
        [1, 2],
    ),
    (
        """\
x = [3, 1]
x.extend([2, 5])
x.insert(0, 9)
x.sort()
x.reverse()
x.remove(3)
y = x.pop()
z = x.pop(0)
value = [x, y, z]
""",
        [[5, 2], 1, 9],
    ),
    (
        """\
x = [3, 1, 2]
x.sort(key=lambda n: -n)
x += (7,)
x[0] = 8
x[-1] += 1
value = x
""",
        [8, 2, 1, 8],
    ),
    (
        """\
x = [1, 2]
x.clear()
value = x
""",
        [],
    ),
    (
        """\
x = [1, 2]
y = x.copy()
y.append(3)
value = x
""",
        [1, 2],
    ),
    (
        """\
x = [1, 2, 3]
del x[0]
value = x
""",
        [2, 3],
    ),
    (
        """\
d = {"a": 1}
d["b"] = 2
d.update({"c": 3}, d=4)
d.setdefault("a", 9)
d.setdefault("e", 5)
p = d.pop("b")
q = d.pop("zz", 0)
del d["c"]
value = [d, p, q]
""",
        [{"a": 1, "d": 4, "e": 5}, 2, 0],
    ),
    (
        """\
d = {"a": 1}
d |= {"b": 2}
value = d
""",
        {"a": 1, "b": 2},
    ),
    (
        """\
d = {"a": 1}
d.clear()
value = d
""",
        {},
    ),
    (
        """\
s = {1}
s.add(2)
s.update([3], [4])
s |= {5}
value = sorted(s)
""",
        [1, 2, 3, 4, 5],
    ),
    (
        """\
s = {1, 2}
s.discard(1)
value = sorted(s)
""",
        [2],
    ),
    (
        """\
s = {1, 2}
s.remove(1)
value = sorted(s)
""",
        [2],
    ),
    (
        """\
s = {1, 2}
s -= {1}
value = sorted(s)
""",
        [2],
    ),
    (
        """\
s = {1, 2}
s.clear()
value = len(s)
""",
        0,
    ),
    (
        """\
it = iter([1, 2, 3])
value = [next(it), next(it)]
""",
        [1, 2],
    ),
    (
        """\
def gen():
    yield 1
    yield from [2, 3]
value = list(gen())
""",
        [1, 2, 3],
    ),
    (
        """\
def gen():
    for i in range(3):
        yield i * 2
value = next(gen())
""",
        0,
    ),
    (
        """\
value = 0
for i in range(5):
    if i == 1:
        continue
    if i == 4:
        break
    value += i
else:
    value = -1
""",
        5,
    ),
    (
        """\
value = 0
for i in range(3):
    value += i
else:
    value += 100
""",
        103,
    ),
    (
        """\
value = 1
while value < 50:
    value *= 2
""",
        64,
    ),
    (
        """\
n = 0
while True:
    n += 1
    if n > 3:
        break
value = n
""",
        4,
    ),
    (
        """\
n = 3
while n:
    n -= 1
else:
    n = 9
value = n
""",
        9,
    ),
    (
        """\
try:
    value = 1
finally:
    value = 3
""",
        3,
    ),
    (
        """\
value = 0
def f():
    global value
    value = 5
f()
""",
        5,
    ),
    (
        """\
def outer():
    n = 1
    def inner():
        nonlocal n
        n += 1
        return n
    inner()
    return inner()
value = outer()
""",
        3,
    ),
    (
        """\
def make(k):
    def mul(x):
        return x * k
    return mul
value = make(3)(4)
""",
        12,
    ),
    (
        """\
def f(a, b=2, *args, c, d=4, **kw):
    return [a, b, list(args), c, d, kw]
value = f(1, 9, 8, 7, c=3, e=5)
""",
        [1, 9, [8, 7], 3, 4, {"e": 5}],
    ),
    (
        """\
def f(a, /, b, *, c=1):
    return a + b + c
value = f(*[1], **{"b": 2, "c": 3})
""",
        6,
    ),
    (
        """\
def fact(n):
    return 1 if n <= 1 else n * fact(n - 1)
value = fact(5)
""",
        120,
    ),
    (
        '''\
def deco(fn):
    @wraps(fn)
    def wrapper(*a, **k):
        return fn(*a, **k) + 1
    return wrapper
@deco
def f(x):
    """Doc."""
    return x
value = [f(1), f.__name__, f.__doc__]
''',
        [2, "f", "Doc."],
    ),
    (
        """\
def times(n):
    def deco(fn):
        def wrapper(x):
            return fn(x) * n
        return wrapper
    return deco
@times(3)
def f(x):
    return x
value = f(2)
""",
        6,
    ),
    (
        """\
@functools.lru_cache(maxsize=None)
def f(x):
    return x * 2
@functools.cache
def g(x):
    return x + 1
value = f(2) + g(1)
""",
        6,
    ),
    (
        """\
match "adam":
    case "sgd":
        value = 1
    case "adam" | "adamw":
        value = 2
    case _:
        value = 3
""",
        2,
    ),
    (
        """\
match 5:
    case None:
        value = 1
    case 4:
        value = 2
    case _:
        value = 3
""",
        3,
    ),
    (
        """\
match None:
    case None:
        value = 1
    case _:
        value = 2
""",
        1,
    ),
    (
        """\
match 7:
    case [a, b]:
        value = 0
    case x:
        value = 1
""",
        1,
    ),
    (
        """\
class A:
    x = 1
    def __init__(self, y):
        self.y = y
    @property
    def total(self):
        return self.x + self.y
    @classmethod
    def make(cls, n):
        return cls(n)
    @staticmethod
    def double(n):
        return n * 2
a = A.make(4)
value = [a.total, A.double(2), a.double(3), A.x, a.y]
""",
        [5, 4, 6, 1, 4],
    ),
    (
        """\
class A:
    x = 1
    def f(self):
        return 1
class B(A):
    y = A.x + 1
    def f(self):
        return super().f() + 10
value = [B().f(), B.x, B.y, B.__name__]
""",
        [11, 1, 2, "B"],
    ),
    (
        '''\
class A:
    """Doc."""
    def __init__(self):
        self.items = []
    def add(self, n):
        self.items.append(n)
        return self
value = [A().add(1).add(2).items, A.__doc__]
''',
        [[1, 2], "Doc."],
    ),
    (
        """\
class A:
    def __call__(self, x):
        return x + 1
    def __getitem__(self, k):
        return k * 2
    def __len__(self):
        return 3
    def __enter__(self):
        return 7
    def __exit__(self, *a):
        pass
with A() as w:
    value = [A()(1), A()[4], w]
""",
        [2, 8, 7],
    ),
    (
        """\
class A:
    def __getattr__(self, name):
        return name + "!"
value = A().hello
""",
        "hello!",
    ),
    (
        """\
class A:
    pass
a = A()
a.x = 1
setattr(a, "y", 2)
A.z = 3
value = [a.x, a.y, a.z, a.__class__.__name__, vars(a)]
""",
        [1, 2, 3, "A", {"x": 1, "y": 2}],
    ),
    (
        """\
class A:
    def m(self):
        return 4
m = A().m
value = m()
""",
        4,
    ),
    (
        """\
@dataclass
class C:
    a: int
    b: float = 0.5
    c: list = field(default_factory=lambda: [1])
c = C(1, c=[2])
value = [c.a, c.b, c.c, C(3).c]
""",
        [1, 0.5, [2], [1]],
    ),
    (
        """\
@dataclass
class C:
    a: int = 1
    b: str = "x"
value = [dataclasses.asdict(C(b="y")), dataclasses.replace(C(), a=5).a]
""",
        [{"a": 1, "b": "y"}, 5],
    ),
    (
        """\
@dataclass
class P:
    a: int = 1
@dataclass
class C(P):
    b: int = 2
value = [C(5).a, C(5).b, C(5, 6).b, list(C.__dataclass_fields__)]
""",
        [5, 2, 6, ["a", "b"]],
    ),
    (
        """\
@dataclass
class C:
    a: int = 1
    b: int = 0
    def __post_init__(self):
        self.b = self.a * 2
value = C(4).b
""",
        8,
    ),
    (
        """\
class N(typing.NamedTuple):
    a: int
    b: int = 2
n = N(1)
value = [n.a, n.b]
""",
        [1, 2],
    ),
    (
        """\
class E(enum.Enum):
    A = "a"
    B = "b"
value = [E.A.value, E.B.name, E("b").name, E["A"].value, [m.value for m in E], len(E)]
""",
        ["a", "B", "B", "a", ["a", "b"], 2],
    ),
    (
        """\
class E(enum.Enum):
    A = enum.auto()
    B = enum.auto()
    C = 7
    D = enum.auto()
value = [m.value for m in E]
""",
        [1, 2, 7, 8],
    ),
    (
        """\
class E(enum.Flag):
    A = enum.auto()
    B = enum.auto()
    C = enum.auto()
value = [m.value for m in E]
""",
        [1, 2, 4],
    ),
    (
        """\
class E(enum.IntFlag):
    A = 1
    B = 2
    C = enum.auto()
value = E.C.value
""",
        4,
    ),
    (
        """\
class E(enum.Enum):
    A = 1
    B = 2
    ALIAS = 1
value = [[m.name for m in E], E.ALIAS.name]
""",
        [["A", "B"], "A"],
    ),
    (
        """\
class E(enum.StrEnum):
    A = enum.auto()
value = [str(E.A), E.A.value]
""",
        ["a", "a"],
    ),
    (
        """\
x = 5
def f():
    x = 1
    return x
value = [f(), x]
""",
        [1, 5],
    ),
    (
        """\
value = locals().get("__name__")
""",
        "__main__",
    ),
    (
        """\
x = 1
if x > 1:
    value = "big"
elif x == 1:
    value = "one"
else:
    value = "small"
""",
        "one",
    ),
    (
        """\
x = 4
assert x
value = x
del x
""",
        4,
    ),
    (
        """\
value: int = 3
value += 1
""",
        4,
    ),
    (
        """\
f = partial(lambda a, b=0: a + b, b=10)
value = f(1)
""",
        11,
    ),
    (
        """\
f = partial(dict, a=1)
value = f(b=2)
""",
        {"a": 1, "b": 2},
    ),
    (
        """\
import importlib
m = importlib.import_module("math")
value = m.floor(2.5)
""",
        2,
    ),
    (
        """\
m = __import__("math")
value = m.floor(2.5)
""",
        2,
    ),
    (
        """\
value = []
for k, v in {"a": 1, "b": 2}.items():
    value.append(f"{k}{v}")
""",
        ["a1", "b2"],
    ),
    (
        """\
value = {}
for i, name in enumerate(["x", "y"], 1):
    value[name] = i
""",
        {"x": 1, "y": 2},
    ),
    (
        """\
value = [x for x in [1, 2, 3] if (y := x * 2) > 2]
""",
        [2, 3],
    ),
    (
        """\
a = [[1]]
b = copy.copy(a)
a[0].append(2)
value = b
""",
        [[1, 2]],
    ),
    (
        """\
a = {"k": [1]}
b = dict(a)
a["k"].append(2)
value = b
""",
        {"k": [1, 2]},
    ),
    (
        """\
a = [1, 2, 3]
b = a[:]
b.append(4)
value = a
""",
        [1, 2, 3],
    ),
    (
        """\
a = (1, 2)
a += (3,)
value = a
""",
        [1, 2, 3],
    ),
    (
        """\
s = "a"
s += "b"
s *= 2
value = s
""",
        "abab",
    ),
    (
        """\
n = 7
n //= 2
n **= 2
n -= 1
n %= 5
value = n
""",
        3,
    ),
    (
        """\
d = {"x": {"y": 1}}
d["x"]["z"] = 2
value = d
""",
        {"x": {"y": 1, "z": 2}},
    ),
    (
        """\
async def f():
    return 3
class A:
    async def g(self):
        return await f()
value = 1
""",
        1,
    ),
    (
        """\
def f(x=[]):
    x.append(1)
    return x
f()
value = f()
""",
        [1, 1],
    ),
    (
        """\
class Registry:
    items = {}
    @classmethod
    def register(cls, name):
        def wrap(fn):
            cls.items[name] = fn
            return fn
        return wrap
@Registry.register("a")
def a():
    pass
@Registry.register("b")
def b():
    pass
value = sorted(Registry.items)
""",
        ["a", "b"],
    ),
    (
        """\
class Meta(type):
    pass
class A(metaclass=Meta):
    x = 3
value = A.x
""",
        3,
    ),
    (
        """\
class A:
    __slots__ = ("x",)
    def __init__(self):
        self.x = 1
        del self.x
        self.x = 2
value = A().x
""",
        2,
    ),
    (
        """\
from contextlib import contextmanager
@contextmanager
def cm():
    yield 5
with cm() as x:
    value = x
""",
        5,
    ),
    (
        """\
def f():
    try:
        return 1
    finally:
        pass
value = f()
""",
        1,
    ),
    (
        """\
def f(x):
    if x:
        return "yes"
    return "no"
value = [f(1), f(0)]
""",
        ["yes", "no"],
    ),
    (
        """\
def f(*, a, b=2):
    return a + b
kw = {"a": 1}
value = f(**kw)
""",
        3,
    ),
    (
        """\
value = (lambda: [i for i in range(3)])()
""",
        [0, 1, 2],
    ),
    (
        """\
value = " ".join(f"{a}{b}" for a, b in zip("ab", "cd"))
""",
        "ac bd",
    ),
    (
        """\
x = [1]
y = x * 2
x.append(2)
value = y
""",
        [1, 1],
    ),
    (
        """\
f = "a".upper
value = f()
""",
        "A",
    ),
    (
        """\
def f(a: int = 3) -> int:
    return a
value = f.__defaults__
""",
        [3],
    ),
    (
        """\
x = {"a": 1}
value = [x is x, x == {"a": 1}, x != {}, x is not None]
""",
        [True, True, True, True],
    ),
    (
        """\
class E(enum.Enum):
    A = 1
    ALIAS = 1
value = [E["ALIAS"].name, list(E.__members__)]
""",
        ["A", ["A", "ALIAS"]],
    ),
    (
        """\
d = collections.defaultdict(None, a=1)
value = d
""",
        {"a": 1},
    ),
    (
        """\
s = {1, 2}
s.remove(2)
s.add(3)
value = sorted(s.symmetric_difference([3, 4]))
""",
        [1, 4],
    ),
    (
        """\
x = [1, 2]
y = x.index(2)
x.remove(1)
value = [y, x.count(2), x]
""",
        [1, 1, [2]],
    ),
    (
        """\
a = {'x': 1}
b = a
b['y'] = 2
value = a
""",
        {"x": 1, "y": 2},
    ),
    (
        """\
class A:
    items = []
A.items.append(1)
value = A().items
""",
        [1],
    ),
    (
        """\
class A:
    n = 1
a = A()
a.n += 1
value = [A.n, a.n]
""",
        [1, 2],
    ),
    (
        """\
value = sorted([(2, 'a'), (1, 'b')])
""",
        [[1, "b"], [2, "a"]],
    ),
    (
        """\
value = sorted(['b', 'a'], key=lambda s: s.upper(), reverse=True)
""",
        ["b", "a"],
    ),
    (
        """\
value = int('0b11', 0)
""",
        3,
    ),
    (
        """\
value = int(' 7 ')
""",
        7,
    ),
    (
        """\
value = float(' 1_000.5 ')
""",
        1000.5,
    ),
    (
        """\
value = [bool(x) for x in ('', 'a', 0, 1, None, [], [0], {}, (), 0.0)]
""",
        [False, True, False, True, False, False, True, False, False, False],
    ),
    (
        """\
value = [*map(lambda p: p.name, [Path('a/b'), Path('c')])]
""",
        ["b", "c"],
    ),
    (
        """\
value = {'a': 1, 'a': 2, 'b': 3}
""",
        {"a": 2, "b": 3},
    ),
    (
        """\
value = [1, 2, 3][-2:][0]
""",
        2,
    ),
    (
        """\
value = f'{1_000_000:,}'
""",
        "1,000,000",
    ),
    (
        """\
value = '%x %o %e' % (255, 8, 1.5)
""",
        "ff 10 1.500000e+00",
    ),
    (
        """\
value = f'{0.25:.0%}'
""",
        "25%",
    ),
    (
        """\
value = 'a' + str(1) + repr('b')
""",
        "a1'b'",
    ),
    (
        """\
value = 'abc'.split('b')[1]
""",
        "c",
    ),
    (
        """\
value = 10 % 3 ** 2 // 2
""",
        0,
    ),
    (
        """\
value = -7 // 2
""",
        -4,
    ),
    (
        """\
value = -7 % 3
""",
        2,
    ),
    (
        """\
value = 0.1 + 0.2
""",
        0.30000000000000004,
    ),
    (
        """\
value = not (1 and 0) or 3
""",
        True,
    ),
    (
        """\
value = [] and 1
""",
        [],
    ),
    (
        """\
value = 3 > 2 > 1 != 0
""",
        True,
    ),
    (
        """\
value = all(x > 0 for x in [1, 2]) and any(x > 1 for x in [1, 2])
""",
        True,
    ),
    (
        """\
value = min((len(w), w) for w in ['ccc', 'aa'])[1]
""",
        "aa",
    ),
    (
        """\
value = dict(sorted({'b': 1, 'a': 2}.items()))
""",
        {"a": 2, "b": 1},
    ),
    (
        """\
value = {v: k for k, v in {'a': 1}.items()}
""",
        {"1": "a"},
    ),
    (
        """\
value = sum({'a': 1, 'b': 2}.values())
""",
        3,
    ),
    (
        """\
value = max({'a': 1, 'b': 2})
""",
        "b",
    ),
    (
        """\
value = next((x for x in [1, 2, 3] if x > 1), None)
""",
        2,
    ),
    (
        """\
value = next(iter({'a': 1}))
""",
        "a",
    ),
    (
        """\
f = lambda *, k=2: k
value = [f(), f(k=3)]
""",
        [2, 3],
    ),
    (
        """\
def f(n):
    while True:
        n += 1
        if n > 5:
            return n
value = f(2)
""",
        6,
    ),
    (
        """\
def f():
    for i in range(5):
        for j in range(5):
            if i * j == 6:
                return [i, j]
value = f()
""",
        [2, 3],
    ),
    (
        """\
def f(x):
    match x:
        case 1 | 2:
            return 'low'
        case _:
            return 'high'
value = [f(1), f(3)]
""",
        ["low", "high"],
    ),
    (
        """\
match True:
    case False:
        value = 1
    case True:
        value = 2
""",
        2,
    ),
    (
        """\
try:
    value = 1
    raise ValueError
except ValueError:
    value = 7
""",
        7,
    ),
    (
        """\
try:
    raise ValueError('x')
except (ValueError, TypeError) as e:
    value = 7
else:
    value = 8
""",
        7,
    ),
    (
        """\
class A:
    def f(self):
        return 'A'
class B(A):
    def f(self):
        return 'B' + super().f()
class C(A):
    def f(self):
        return 'C' + super().f()
class D(B, C):
    def f(self):
        return 'D' + super().f()
value = D().f()
""",
        "DBCA",
    ),
    (
        """\
class A:
    x = 'A'
class B(A):
    pass
class C(A):
    x = 'C'
class D(B, C):
    pass
value = D.x
""",
        "C",
    ),
    (
        """\
class A:
    def __init__(self, a=1):
        self.a = a
class B(A):
    def __init__(self, b, **kw):
        super().__init__(**kw)
        self.b = b
x = B(2, a=3)
value = [x.a, x.b]
""",
        [3, 2],
    ),
    (
        """\
class A:
    pass
value = [isinstance(A(), A), A().__class__ is A]
""",
        [True, True],
    ),
    (
        """\
class A:
    def __iter__(self):
        return iter([1, 2])
value = list(A())
""",
        [1, 2],
    ),
    (
        """\
class A:
    def __setitem__(self, k, v):
        self.k = k + v
a = A()
a['x'] = 'y'
value = a.k
""",
        "xy",
    ),
    (
        """\
d = {}
d['a'], d['b'] = 1, 2
value = d
""",
        {"a": 1, "b": 2},
    ),
    (
        """\
x = [0, 0]
x[0], x[1] = 5, 6
value = x
""",
        [5, 6],
    ),
    (
        """\
for i, (a, b) in enumerate([(1, 2), (3, 4)]):
    value = [i, a, b]
""",
        [1, 3, 4],
    ),
    (
        """\
value = [i for i in range(3)] + [i for i in 'ab']
""",
        [0, 1, 2, "a", "b"],
    ),
    (
        """\
i = 9
x = [i for i in range(3)]
value = i
""",
        9,
    ),
    (
        """\
for i in range(3):
    pass
value = i
""",
        2,
    ),
    (
        """\
x = y = 3
x += 1
value = y
""",
        3,
    ),
    (
        """\
a = [1, 2]
b = a
b += [3]
value = a
""",
        [1, 2, 3],
    ),
    (
        """\
a = [1, 2]
b = a
b = b + [3]
value = a
""",
        [1, 2],
    ),
    (
        """\
fns = [lambda: i for i in range(3)]
value = [f() for f in fns]
""",
        [2, 2, 2],
    ),
    (
        """\
def f(x, acc=None):
    acc = acc or []
    acc.append(x)
    return acc
f(1)
value = f(2)
""",
        [2],
    ),
    (
        """\
x = list(map(lambda n: n, [1, 2]))
x.append(3)
value = x
""",
        [1, 2, 3],
    ),
    (
        """\
value = osp.join(*['a', 'b'])
""",
        "a/b",
    ),
    (
        """\
value = 'x' if os.name == 'posix' else 'y'
""",
        "x",
    ),
    (
        """\
value = 1 if sys.version_info >= (3, 8) else 2
""",
        1,
    ),
    (
        """\
value = 1 if sys.version_info[0] == 3 else 2
""",
        1,
    ),
    (
        """\
value = 1 if sys.platform.startswith('win') else 2
""",
        2,
    ),
    (
        """\
value = 1 if typing.TYPE_CHECKING else 2
""",
        2,
    ),
    (
        """\
class A:
    a: int = 1
    b = 2
value = [sorted(k for k in vars(A) if not k.startswith('_')), hasattr(A, 'a')]
""",
        [["a", "b"], True],
    ),
    (
        """\
class A:
    def f(self): return self.g()
    def g(self): return 1
class B(A):
    def g(self): return 2
value = B().f()
""",
        2,
    ),
    (
        """\
class A:
    @classmethod
    def name(cls): return cls.__name__
class B(A): pass
value = [A.name(), B().name()]
""",
        ["A", "B"],
    ),
    (
        """\
class A:
    def f(self): return 1
value = A.f(A())
""",
        1,
    ),
    (
        """\
class A:
    class B:
        x = 4
value = A.B.x
""",
        4,
    ),
    (
        """\
class A:
    x = [1, 2]
    y = len(x)
value = A.y
""",
        2,
    ),
    (
        """\
class E(enum.Enum):
    A = 1
    def next(self): return self.value + 1
    @classmethod
    def first(cls): return cls.A
value = [E.A.next(), E.first().name, E.A.name.lower()]
""",
        [2, "A", "a"],
    ),
    (
        """\
class E(enum.StrEnum):
    A = enum.auto()
    B = 'bee'
value = [m.value for m in E]
""",
        ["a", "bee"],
    ),
    (
        """\
class E(enum.Enum):
    A = enum.auto()
    B = enum.auto()
value = {m.name: m.value for m in E}
""",
        {"A": 1, "B": 2},
    ),
    (
        """\
class A:
    def __init__(self):
        for k, v in {'x': 1}.items():
            setattr(self, k, v)
value = A().x
""",
        1,
    ),
    (
        """\
f = partial(partial(lambda a, b, c: [a, b, c], 1), 2)
value = [f(3), f.func is not None]
""",
        [[1, 2, 3], True],
    ),
    (
        """\
def f(): return 1, 2
a, b = f()
value = a + b
""",
        3,
    ),
    (
        """\
def f(x): return [x, *f(x - 1)] if x else []
value = f(3)
""",
        [3, 2, 1],
    ),
    (
        """\
def f(): pass
f.tag = 3
value = f.tag
""",
        3,
    ),
    (
        """\
def f():
    '''D.'''
value = [f.__doc__, f.__name__]
""",
        ["D.", "f"],
    ),
    (
        """\
def f(*names, **kw): return [list(names), kw]
value = f(*'ab', **{'c': 1}, d=2)
""",
        [["a", "b"], {"c": 1, "d": 2}],
    ),
    (
        """\
d = {'a': {'b': 1}}
c = copy.deepcopy(d)
c['a']['b'] = 2
value = [d, c]
""",
        [{"a": {"b": 1}}, {"a": {"b": 2}}],
    ),
    (
        """\
ns = types.SimpleNamespace(a=1)
ns.b = 2
value = vars(ns)
""",
        {"a": 1, "b": 2},
    ),
    (
        """\
x = [5, 6]
while x:
    value = x.pop()
""",
        5,
    ),
    (
        """\
value = []
for x in (1, 2, 3):
    if x == 2: break
    value.append(x)
else:
    value.append(9)
""",
        [1],
    ),
    (
        """\
with open(os.devnull) as f:
    value = 3
""",
        3,
    ),
    (
        """\
if True: value = 1
else: value = 2
""",
        1,
    ),
    (
        """\
x = 'b'
value = {'a': 1, 'b': 2}[x]
""",
        2,
    ),
    (
        """\
x: list = []
x += [1]
value = x
""",
        [1],
    ),
    (
        """\
_, value = ('a', 5)
""",
        5,
    ),
    (
        """\
[value, *_] = [1, 2, 3]
""",
        1,
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("expression", "expected"), EXPRESSIONS)
def test_an_expression_is_worth_what_python_makes_of_it(
    expression: str, expected: object, tmp_path: Path
) -> None:
    script = f"value = {expression}\n"
    assert read(script, tmp_path) == expected == run(script)


@table(("program", "expected"), PROGRAMS)
def test_a_program_leaves_what_python_leaves(
    program: str, expected: object, tmp_path: Path
) -> None:
    assert read(program, tmp_path) == expected == run(program)


UNKNOWN: list[str] = [
    "x = [3]\nif os.environ.get('X'):\n    x.append(4)\nvalue = f'{x}'\n",
    "x = [3]\nif os.environ.get('X'):\n    x.append(4)\nvalue = '{}'.format(x)\n",
    "x = [3]\nif os.environ.get('X'):\n    x.append(4)\nvalue = max(x)\n",
    "x = {3}\nif os.environ.get('X'):\n    x.discard(3)\nvalue = len(x)\n",
    "x = [1, 2, 3]\ndel x[::2]\nvalue = x\n",
    "x = {'a': 1}\nx.popitem()\nvalue = x\n",
    "x = {1, 2}\nx.intersection_update([1])\nvalue = len(x)\n",
    "x = collections.defaultdict(list)\nx['a'].append(1)\nvalue = x\n",
    "value = str(b'ab', 'utf-8')\n",
    "value = sorted({1}.union([2], [3]))\n",
    "value = list(product([0, 1], repeat=2))\n",
    "value = sorted(['b', 'A'], key=str.lower)\n",
    "value = 5\nwhile os.environ.get('X'):\n    value += 1\n",
    "value = os.path.join(os.getcwd(), 'a')\n",
    "value = random.random()\n",
    "value = math.sqrt(-1)\n",
    "value = int('x')\n",
    "value = 'a'.center(10**9)\n",
    "value = 2 ** 10**9\n",
]


@table("program", UNKNOWN)
def test_what_is_not_followed_is_null_and_noted(program: str, tmp_path: Path) -> None:
    found = extract(write(tmp_path, HEAD + program + TAIL))
    assert [argument.default for argument in found.arguments] == [None]
    assert len(found.notes) == 1


# A value that only the machine knows, and what scripts do with one.
MACHINE = "import random, socket, time\nu = os.environ.get('X')\nn = os.cpu_count()\n"
OPEN: list[str] = [
    "value = u.upper()\n",
    "value = u.split(',')\n",
    "value = 'a'.startswith(u)\n",
    "value = 'a'.count(u)\n",
    "value = '{}'.format(u)\n",
    "value = ','.join(u)\n",
    "value = ','.join([u])\n",
    "value = 'a'.replace('a', u)\n",
    "value = 'a'.split(u)\n",
    "value = 'a'.encode()\n",
    "value = u + 'a'\n",
    "value = 'a' + u\n",
    "value = f'{u}'\n",
    "value = f'{1:{u}}'\n",
    "value = '%s' % u\n",
    "value = '%(a)s' % {'a': u}\n",
    "value = [1][u]\n",
    "value = [1][n:]\n",
    "value = 'abc'[n]\n",
    "value = {'a': 1}[u]\n",
    "value = {'a': 1}.get(u)\n",
    "value = [1].index(n)\n",
    "value = [1].count(n)\n",
    "value = [n] + [1]\n",
    "value = (1, n)\n",
    "value = {'a': n}\n",
    "value = n + 1\n",
    "value = n / 2\n",
    "value = -n\n",
    "value = not n\n",
    "value = n < 2\n",
    "value = n == 1\n",
    "value = n in [1]\n",
    "value = 1 in [n]\n",
    "value = u or 1\n",
    "value = u and 1\n",
    "value = 1 if u else 2\n",
    "value = [1, 2] if u else [3]\n",
    "value = int(u)\n",
    "value = float(u)\n",
    "value = bool(u)\n",
    "value = str(n)\n",
    "value = len(u)\n",
    "value = list(u)\n",
    "value = tuple(u)\n",
    "value = set(u)\n",
    "value = dict(u)\n",
    "value = sorted(u)\n",
    "value = sorted([1, 'a'])\n",
    "value = sorted([n])\n",
    "value = range(n)\n",
    "value = enumerate(u)\n",
    "value = zip(u, [1])\n",
    "value = reversed(u)\n",
    "value = map(int, u)\n",
    "value = filter(None, u)\n",
    "value = filter(None, [n])\n",
    "value = min(n, 1)\n",
    "value = max(u)\n",
    "value = sum([n])\n",
    "value = sum(u)\n",
    "value = round(n)\n",
    "value = abs(n)\n",
    "value = isinstance(u, str) and n\n",
    "value = getattr(u, 'x')\n",
    "value = getattr(argparse, u)\n",
    "value = Path(u)\n",
    "value = Path('a') / u\n",
    "value = Path(u).name\n",
    "value = Path('a').joinpath(u)\n",
    "value = os.path.join('a', u)\n",
    "value = os.path.splitext(u)\n",
    "value = math.floor(n)\n",
    "value = math.log(0)\n",
    "value = copy.copy(u)\n",
    "value = dict.fromkeys(u)\n",
    "value = list(chain(u, [1]))\n",
    "value = list(product(u))\n",
    "value = json.loads(u)\n",
    "value = json.loads('{')\n",
    "value = ast.literal_eval(u)\n",
    "value = ast.literal_eval('f()')\n",
    "value = [x for x in u]\n",
    "value = {x for x in u}\n",
    "value = {x: 1 for x in u}\n",
    "value = [x for x in [1] if u]\n",
    "value = {u: 1}\n",
    "value = {**u}\n",
    "value = [*u]\n",
    "value = (*u,)\n",
    "value = {n}\n",
    "value = (1 if u else 2) + 1\n",
    "value = [1, 2][0 if u else 1]\n",
    "value = ('a' if u else 'b').upper()\n",
    "value = -(1 if u else 2)\n",
    'value = f"{1 if u else 2}"\n',
    "value = (1 if u else 2) > 1\n",
    "value = (1 if u else 3) in [1]\n",
    "value = int('1' if u else '2')\n",
    "value = 1 // 0\n",
    "value = 1 << -1\n",
    "value = [] * 10 ** 9 + [n]\n",
    "value = 'a' * 10 ** 9\n",
    "value = [0] * 10 ** 9\n",
    "value = 'x' * 5 + 1\n",
    "value = 1 + 'a'\n",
    "value = [1] + (2,)\n",
    "value = '{x}'.format()\n",
    "value = '{'.format()\n",
    "value = '{0.real}'.format(1)\n",
    "value = '%d' % 'a'\n",
    "value = '%999999d' % 1\n",
    "value = f'{1:999999}'\n",
    "value = 'a'.index('z')\n",
    "value = [1][5]\n",
    "value = {}['a']\n",
    "value = undefined\n",
    "value = undefined()\n",
    "value = open\n",
    "value = len\n",
    "value = (lambda: 1)\n",
    "value = (yield)\n",
    "value = next(iter(u))\n",
    "value = vars(u)\n",
    "value = 1j\n",
    "value = float('nan')\n",
    "value = b'a'\n",
    "value = object()\n",
    "value = random.random()\n",
    "value = time.time()\n",
    "value = os.cpu_count()\n",
    "value = socket.gethostname()\n",
    "value = sys.argv[1]\n",
    "value = os.environ['X']\n",
    "value = sys.executable\n",
    "value = Path.home()\n",
    "value = [[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]\n",
    "value = '\\ud800'\n",
    "value = 'a' * 20000\n",
    "value = list(range(3000))\n",
    "value = 10 ** 400\n",
    "value = max(u, key=len)\n",
    "value = type(u)\n",
    "value = 'a'.ljust(n)\n",
    "value = (1).x\n",
    "value = u.x.y\n",
    "value = u[0]\n",
    "value = u[1:]\n",
    "value = u()\n",
    "value = range(10 ** 9)\n",
    "value = list(range(1, 2, 0))\n",
    "value = complex(1)\n",
    "value = (1, 2).foo\n",
    "value = Path('a').exists()\n",
    "value = math.factorial(5)\n",
    "x = [1]\nif u: x.extend([2])\nvalue = x\n",
    "x = [1]\nif u: x.insert(0, 2)\nvalue = x\n",
    "x = [1]\nif u: x.pop()\nvalue = x\n",
    "x = [1]\nif u: x.remove(1)\nvalue = x\n",
    "x = [1, 2]\nif u: x.reverse()\nvalue = x\n",
    "x = [1]\nif u: x.clear()\nvalue = x\n",
    "x = [1]\nif u: x.sort()\nvalue = x\n",
    "x = [1]\nif u: x.append(1)\nvalue = x.copy()\n",
    "x = [1]\nif u: x.append(1)\nvalue = x.index(1)\n",
    "x = [1]\nif u: x.append(1)\nvalue = x + [2]\n",
    "x = [1]\nif u: x.append(1)\nvalue = x[0:1]\n",
    "x = {'a': 1}\nif u: x.update(b=2)\nvalue = x\n",
    "x = {'a': 1}\nif u: x.update(b=2)\nvalue = {**x}\n",
    "x = {'a': 1}\nif u: x.pop('a')\nvalue = x\n",
    "x = {'a': 1}\nif u: x.setdefault('b', 1)\nvalue = x\n",
    "x = {'a': 1}\nx.setdefault(u, 1)\nvalue = x\n",
    "x = {'a': 1}\nx.pop(u)\nvalue = x\n",
    "x = {'a': 1}\nx.update(u)\nvalue = x\n",
    "x = {'a': 1}\nx.update([u])\nvalue = x\n",
    "x = {'a': 1}\nif u: x['b'] = 2\nvalue = list(x.items())\n",
    "x = {1}\nif u: x.add(2)\nvalue = sorted(x)\n",
    "x = {1}\nx.update(u)\nvalue = x\n",
    "x = {1}\nif u: x.clear()\nvalue = x\n",
    "x = {1}\nvalue = x.union(u)\n",
    "x = [1]\nx[n] = 2\nvalue = x\n",
    "x = [1]\nx.insert(n, 2)\nvalue = x\n",
    "x = [1]\nx.extend(u)\nvalue = x\n",
    "x = [2, 1]\nrandom.shuffle(x)\nvalue = x\n",
    "for value in u: pass\n",
    "for i in u:\n    value = i\nelse:\n    value = u\n",
    "a, b = u\nvalue = a\n",
    "a, *b = u\nvalue = b\n",
    "a, b = [1]\nvalue = a\n",
    "def f(a): return a\nvalue = f(*u)\n",
    "def f(**k): return k\nvalue = f(**u)\n",
    "def f(*a): return a\nvalue = f(*u)\n",
    "class A: x = 1\na = A()\nif u: a.x = 2\nvalue = a.x\n",
    "class A: x = 1\nif u: A.x = 2\nvalue = A.x\n",
    "value = 1\ntry:\n    value = u()\nexcept OSError:\n    value = 2\n",
    "match u:\n    case 'a': value = 1\n    case _: value = 2\n",
    "match [1]:\n    case [x]: value = x\n",
    "match 5:\n    case int(): value = 1\n    case _: value = 2\n",
    "with u as value: pass\n",
    "def f():\n    if u: return 1\n    return 2\nvalue = f()\n",
    "value = 1\ndef f():\n    global value\n    if u: value = 2\nf()\n",
]


@table("program", OPEN)
def test_what_depends_on_something_unknown_is_null_and_noted(program: str, tmp_path: Path) -> None:
    found = extract(write(tmp_path, HEAD + MACHINE + program + TAIL))
    assert [argument.default for argument in found.arguments] == [None]
    assert found.notes
