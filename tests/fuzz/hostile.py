"""Scripts made to exhaust whoever follows them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

_HEAD = "import argparse\nparser = argparse.ArgumentParser()\n"
_TAIL = "parser.add_argument('--x', default={0})\nparser.parse_args()\n"


def _value(lines: str, name: str = "x") -> str:
    """Make a script whose one argument has the value that ``lines`` compute as default."""
    return _HEAD + lines + "\n" + _TAIL.format(name)


_MILLION = 10**6

_SOURCES: Final[dict[str, str]] = {
    "parentheses": "(" * 5000 + ")" * 5000,
    "unary": _value("x = " + "-" * 20000 + "1"),
    "not": _value("x = " + "not " * 20000 + "1"),
    "sum": _value("x = " + "+".join(["1"] * 100_000)),
    "sum_of_strings": _value("x = " + "+".join(["'a'"] * 50_000)),
    "attributes": _value("x = a" + ".b" * 50_000),
    "calls": _value("x = f" + "()" * 50_000),
    "subscripts": _value("x = f" + "[0]" * 50_000),
    "power": _value("x = " + "**".join(["9"] * 50_000)),
    "conditional": _value("x = " + "1 if a else " * 5000 + "2"),
    "lambda": _value("x = " + "lambda: " * 5000 + "2"),
    "nested_lists": _value("x = " + "[" * 90 + "]" * 90),
    "elif": _value(
        "if a == 0: x = 0\n" + "".join(f"elif a == {n}: x = {n}\n" for n in range(10000))
    ),
    "nested_if": "".join(" " * n + "if a:\n" for n in range(95)) + " " * 95 + "pass\n",
    "nested_def": "".join(" " * n + f"def f{n}():\n" for n in range(95)) + " " * 95 + "pass\n",
    "recursion": _value("def f(n):\n    return f(n + 1)\nx = f(0)"),
    "branching_recursion": _value("def f(n):\n    return f(n + 1) + f(n + 2)\nx = f(0)"),
    "fibonacci": _value("def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\nx = f(60)"),
    "mutual_recursion": _value("def f(n):\n    return g(n)\ndef g(n):\n    return f(n)\nx = f(0)"),
    "y_combinator": _value("x = (lambda f: f(f))(lambda f: f(f))"),
    "while_true": _value("x = []\nwhile True:\n    x.append(len(x))"),
    "while_true_pass": _value("x = 1\nwhile True:\n    pass"),
    "while_true_adds": _HEAD
    + "n = 0\nwhile True:\n    parser.add_argument('--a' + str(n))\n    n += 1\n",
    "for_in_growing_list": _value("x = [1]\nfor y in x:\n    x.append(y)"),
    "big_range": _value("x = list(range(10**12))"),
    "big_comprehension": _value("x = [a for a in range(10**9)]"),
    "nested_comprehension": _value(
        "x = [0 " + " ".join(f"for a{n} in range(99)" for n in range(20)) + "]"
    ),
    "big_choices": _HEAD + "parser.add_argument('--x', choices=range(10**10))\nparser.parse_args()",
    "loop_of_arguments": _HEAD
    + "for n in range(10**7):\n    parser.add_argument(f'--x{n}', default=n)\nparser.parse_args()",
    "many_arguments": _HEAD
    + "".join(f"parser.add_argument('--x{n}', type=int, default={n})\n" for n in range(20000))
    + "parser.parse_args()",
    "repeat_list": _value("x = [0] * 10**9"),
    "repeat_string": _value("x = 'a' * 10**10"),
    "repeat_repeat": _value("x = ('a' * 10**5) * 10**5"),
    "double_list": _value("x = [1]\n" + "x = x + x\n" * 100),
    "double_list_in_place": _value("x = [1]\n" + "x += x\n" * 100),
    "double_string": _value("x = 'a'\n" + "x = x + x\n" * 100),
    "double_f_string": _value("x = 'a'\n" + "x = f'{x}{x}'\n" * 100),
    "double_join": _value("x = 'a'\n" + "x = ''.join([x, x])\n" * 100),
    "double_tuple": _value("x = (1,)\n" + "x = (*x, *x)\n" * 100),
    "double_nested": _value("x = [1]\n" + "x = [x, x]\n" * 100),
    "double_nested_dict": _value("x = {'a': 1}\n" + "x = {'a': x, 'b': x}\n" * 100),
    "double_nested_tuple_text": _value("x = (1,)\n" + "x = (x, x)\n" * 60 + "x = str(x)\n"),
    "double_nested_equal": _value(
        "x = (1,)\ny = (1,)\n" + "x = (x, x)\ny = (y, y)\n" * 60 + "x = x == y\n"
    ),
    "double_nested_hash": _value("x = (1,)\n" + "x = (x, x)\n" * 60 + "x = {x: 1}\n"),
    "double_functions": _value(
        "def f0(): return 1\n"
        + "".join(f"def f{n}(): return f{n - 1}() + f{n - 1}()\n" for n in range(1, 60))
        + "x = f59()"
    ),
    "replace": _value("x = 'a' * 1000\n" + "x = x.replace('a', 'aa' * 100)\n" * 10),
    "big_power": _value("x = 10 ** 10 ** 10"),
    "power_tower": _value("x = 2 ** 2 ** 2 ** 2 ** 2 ** 2"),
    "power_again": _value("x = 7\n" + "x = x ** 2\n" * 60),
    "multiply_again": _value("x = 7\n" + "x = x * x\n" * 60),
    "shift": _value("x = 1 << 10**10"),
    "big_int_text": _value("x = str(10 ** 4000)\n" + "x = int(x + x)\n"),
    "big_float": _value("x = 1e308 * 10"),
    "complex": _value("x = 1j ** 1000000"),
    "percent_width": _value("x = '%10000000000d' % 1"),
    "percent_star": _value("x = '%*d' % (10**10, 1)"),
    "format_width": _value("x = '{:>10000000000}'.format(1)"),
    "format_nested": _value("x = '{:>{w}}'.format(1, w=10**10)"),
    "f_string_width": _value("x = f'{1:>10000000000}'"),
    "f_string_precision": _value("x = f'{1.5:.1000000000f}'"),
    "ljust": _value("x = 'a'.ljust(10**10)"),
    "zfill": _value("x = 'a'.zfill(10**10)"),
    "center": _value("x = 'a'.center(10**10, 'b')"),
    "expandtabs": _value("x = ('\\t' * 1000).expandtabs(10**9)"),
    "bytes": _value("x = bytes(10**10)"),
    "bytearray": _value("x = bytearray(10**10)"),
    "to_bytes": _value("x = (1).to_bytes(10**10, 'big')"),
    "product": _value("import itertools\nx = list(itertools.product(range(100), repeat=10))"),
    "permutations": _value("import itertools\nx = list(itertools.permutations(range(20)))"),
    "count": _value("import itertools\nx = list(itertools.count())"),
    "cycle": _value("import itertools\nx = list(itertools.cycle([1]))"),
    "generator": _value("def g():\n    while True:\n        yield 1\nx = list(g())"),
    "generator_of_itself": _value("def g():\n    yield from g()\nx = list(g())"),
    "sorted_range": _value("x = sorted(range(10**10), reverse=True)"),
    "sum_range": _value("x = sum(range(10**12))"),
    "max_range": _value("x = max(range(10**12))"),
    "in_range": _value("x = 'a' in range(10**12)"),
    "set_of_range": _value("x = set(range(10**10))"),
    "dict_of_range": _value("x = dict.fromkeys(range(10**10))"),
    "zip": _value("x = list(zip(range(10**10), range(10**10)))"),
    "linspace": _value("import numpy as np\nx = np.linspace(0, 1, 10**10).tolist()"),
    "arange": _value("import numpy as np\nx = list(np.arange(0, 10**10))"),
    "regular_expression": _value("import re\nx = re.match('(a+)+$', 'a' * 50 + 'b')"),
    "factorial": _value("import math\nx = math.factorial(10**7)"),
    "comb": _value("import math\nx = math.comb(10**7, 10**6)"),
    "gcd_power": _value("x = pow(3, 10**10)"),
    "list_of_itself": _value("x = []\nx.append(x)"),
    "dict_of_itself": _value("x = {}\nx['x'] = x"),
    "dict_of_itself_text": _value("x = {}\nx['x'] = x\nx = str(x)"),
    "list_of_itself_equal": _value("x = []\nx.append(x)\ny = []\ny.append(y)\nx = x == y"),
    "choices_of_itself": _HEAD + "x = []\nx.append(x)\nparser.add_argument('--x', choices=x)\n"
    "parser.parse_args()",
    "parser_of_itself": "import argparse\nparser = argparse.ArgumentParser(parents=[])\n"
    "parser.parents = [parser]\nparser = argparse.ArgumentParser(parents=[parser])\n"
    + _TAIL.format("1"),
    "class_of_itself": _value("class A(A):\n    x = 1\nclass A(A):\n    pass\nx = A().x"),
    "class_loop": _value("class A:\n    pass\nA.__bases__ = (A,)\nx = A().y"),
    "property_loop": _value(
        "class A:\n    @property\n    def x(self):\n        return self.x\nx = A().x"
    ),
    "getattr_loop": _value(
        "class A:\n    def __getattr__(self, n):\n        return getattr(self, n + 'a')\nx = A().x"
    ),
    "decorator_loop": _value("def d(f):\n    return d(d(f))\n@d\ndef x(): pass"),
    "partial_loop": _value(
        "import functools\nx = print\n" + "x = functools.partial(x, 1)\n" * 5000 + "x = x()"
    ),
    "import_itself": "from import_itself import *\nimport import_itself\n" + _value("x = 1"),
    "star_star": _value(
        "x = {'a': 1}\n" + "x = {**x, **{str(k): v for k, v in x.items()}}\n" * 500
    ),
    "slices": _value("x = list(range(10000))\n" + "x[0:0] = x\n" * 60),
    "global_chain": _value("".join(f"a{n} = a{n + 1}\n" for n in range(20000)) + "x = a0"),
    "try_nest": _value("def f():\n    try:\n        f()\n    finally:\n        f()\nf()\nx = 1"),
    "with_nest": _value("def f():\n    with a:\n        f()\n    with a:\n        f()\nf()\nx = 1"),
    "branches": _value("x = 0\n" + "if unknown:\n    x += 1\nelse:\n    x += 2\n" * 3000),
    "match": _value("match unknown:\n" + "".join(f"    case {n}: x = {n}\n" for n in range(5000))),
    "subparsers": _HEAD
    + "s = parser.add_subparsers()\n"
    + "def f(s, n):\n    p = s.add_parser(str(n))\n    p.add_argument('--a' + str(n))\n"
    "    f(p.add_subparsers(), n + 1)\n    f(p.add_subparsers(), n + 2)\nf(s, 0)\n"
    "parser.parse_args()\n",
    "click_groups": "import click\n@click.group()\ndef cli(): pass\ncli.add_command(cli)\n"
    "@cli.command()\n@click.option('--x')\ndef f(x): pass\ncli()\n",
    "typer_of_itself": "import typer\napp = typer.Typer()\napp.add_typer(app)\n"
    "@app.command()\ndef f(x: int = 1): pass\napp()\n",
    "annotation_loop": "import typer\nA = 'A'\ndef main(x: 'A' = 1, y: A = 2): pass\n"
    "typer.run(main)\n",
    "annotation_nest": "import typer\nfrom typing import Optional\ndef main(x: "
    + "Optional[" * 80
    + "int"
    + "]" * 80
    + " = 1): pass\ntyper.run(main)\n",
    "ten_megabytes_of_lines": "x = 1\n" * (10 * _MILLION // 6),
    "ten_megabytes_of_text": "x = '" + "a" * (10 * _MILLION) + "'\n",
    "ten_megabytes_of_comment": "#" * (10 * _MILLION) + "\n",
    "ten_megabytes_of_spaces": " " * (10 * _MILLION),
    "ten_megabytes_of_newlines": "\n" * (10 * _MILLION),
    "ten_megabytes_of_digits": "x = " + "1" * (10 * _MILLION),
    "ten_megabytes_of_list": "x = [" + "1," * (5 * _MILLION) + "]\n",
    "a_megabyte_of_lines": "x = 1\n" * (_MILLION // 6),
    "a_megabyte_of_arguments": _HEAD
    + "".join(f"parser.add_argument('--x{n}', default=[{n}, {n}])\n" for n in range(20000))
    + "parser.parse_args()\n",
    "a_megabyte_of_list": _value("x = [" + "1," * (_MILLION // 2) + "]"),
    "a_megabyte_of_name": _value("a" * _MILLION + " = 1"),
    "a_megabyte_of_decorators": "@d\n" * 20000 + "def f(): pass\n",
}

_BYTES: Final[dict[str, bytes]] = {
    "nul": b"x = 1\0\n",
    "utf_16": "x = 1\n".encode("utf-16"),
    "utf_7": b"# coding: utf-7\nx = 1\n",
    "rot_13": b"# coding: rot13\nk = 1\n",
    "zlib": b"# coding: zlib_codec\nk = 1\n",
    "unknown_codec": b"# coding: no-such\nk = 1\n",
    "punycode": b"# coding: punycode\n" + b"a" * 20000 + b"-" + b"b" * 20000,
    "idna": b"# coding: idna\n" + b"a" * 100000,
    "unicode_escape": b"# coding: unicode_escape\nx = '\\U0001F600'\n",
    "undefined": b"# coding: undefined\n",
    "surrogate": b"x = '\\ud800'\nimport argparse\np = argparse.ArgumentParser()\n"
    b"p.add_argument('--x', default='\\ud800', help='\\udfff')\np.parse_args()\n",
    "truncated_utf_8": b"x = '\xe2\x82'\n",
    "two_marks": b"\xef\xbb\xbf\xef\xbb\xbfx = 1\n",
    "only_cr": b"import argparse\rp = argparse.ArgumentParser()\rp.parse_args()\r",
    "form_feed": b"\x0cimport argparse\n\x0c\n",
    "digits": b"x = " + b"9" * 5000 + b"\n",
    "empty": b"",
}


def hostile(folder: Path) -> Iterator[Path]:
    """Write each script into the folder and yield its path."""
    for name, source in _SOURCES.items():
        yield _written(folder / f"{name}.py", source.encode())
    for name, content in _BYTES.items():
        yield _written(folder / f"{name}.py", content)


def names() -> list[str]:
    """List the scripts' names, for a test's parameters."""
    return [*_SOURCES, *_BYTES]


def write(name: str, folder: Path) -> Path:
    """Write the script of that name."""
    source = _SOURCES.get(name)
    return _written(folder / f"{name}.py", _BYTES[name] if source is None else source.encode())


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
