"""Arguments that a script makes of signatures, annotations and fields."""

from pathlib import Path

import pytest

from keynet.script.arguments import Argument as A
from tests.tables import table
from tests.unit.script.reading import arguments, read, rows

PARSER = "import argparse, inspect, typing, collections\np = argparse.ArgumentParser()\n"


@table(
    ("body", "expected"),
    [
        pytest.param(
            "def f(lr: float = 0.1, n: int = 3, *a, **k): ...\n"
            "for q in inspect.signature(f).parameters.values():\n"
            "    if q.kind in (q.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):\n"
            "        continue\n"
            "    p.add_argument('--' + q.name, type=q.annotation, default=q.default)\n",
            [A("lr", "float", 0.1), A("n", "int", 3)],
            id="signature",
        ),
        pytest.param(
            "def f(path: str, n=3): ...\n"
            "for name, q in inspect.signature(f).parameters.items():\n"
            "    if q.default is inspect.Parameter.empty:\n"
            "        p.add_argument('--' + name, required=True)\n"
            "    else:\n"
            "        p.add_argument('--' + name, type=type(q.default), default=q.default)\n",
            [A("path", required=True), A("n", "int", 3)],
            id="empty",
        ),
        pytest.param(
            "class M:\n    def __init__(self, dim: int = 8, *, drop: float = 0.5): ...\n"
            "for q in inspect.signature(M).parameters.values():\n"
            "    p.add_argument('--' + q.name, type=q.annotation, default=q.default)\n",
            [A("dim", "int", 8), A("drop", "float", 0.5)],
            id="constructor",
        ),
        pytest.param(
            "def f(a, n=3): ...\nd = dict(n=3, other=1)\n"
            "for k in list(d):\n    if k not in inspect.getfullargspec(f)[0]:\n        del d[k]\n"
            "for k, v in d.items():\n    p.add_argument('--' + k, type=type(v), default=v)\n",
            [A("n", "int", 3)],
            id="getfullargspec",
        ),
        pytest.param(
            "def f(n: int, s: 'str' = 'x'): ...\n"
            "for k, t in typing.get_type_hints(f).items():\n    p.add_argument('--' + k, type=t)\n"
            "for k, t in f.__annotations__.items():\n    p.add_argument('--x' + k)\n",
            [A("n", "int"), A("s"), A("xn"), A("xs")],
            id="annotations",
        ),
        pytest.param(
            "from types import UnionType\nclass C:\n    n: int | None = 3\n    b: bool = False\n"
            "for k, t in C.__annotations__.items():\n"
            "    if isinstance(t, UnionType) or typing.get_origin(t) is typing.Union:\n"
            "        t = [x for x in typing.get_args(t) if x is not type(None)][0]\n"
            "    if t is bool:\n        p.add_argument('--' + k, action='store_true')\n"
            "    else:\n        p.add_argument('--' + k, type=t, default=getattr(C, k))\n",
            [A("n", "int", 3), A("b", "bool", False)],
            id="unions",
        ),
        pytest.param(
            "O = collections.namedtuple('O', 'flag type default', defaults=[None])\n"
            "for o in (O(['--n'], type=int), O(['--s'], str, 'x')):\n"
            "    p.add_argument(*o.flag, type=o.type, default=o[2])\n"
            "for f in O._fields:\n    p.add_argument('--' + f)\n",
            [A("n", "int"), A("s", default="x"), A("flag"), A("type"), A("default")],
            id="namedtuple",
        ),
        pytest.param(
            "class O(typing.NamedTuple):\n    name: str\n    type: object = int\n"
            "for name, kind in [O('n'), O('f', float)._replace(name='g')]:\n"
            "    p.add_argument('--' + name, type=kind)\n",
            [A("n", "int"), A("g", "float")],
            id="NamedTuple",
        ),
        pytest.param(
            "class B:\n    known = {}\n    def __init_subclass__(cls, name=None, **k):\n"
            "        B.known[name or cls.__name__] = cls\n"
            "class C(B): ...\nclass D(B, name='d'): ...\n"
            "p.add_argument('--m', choices=list(B.known))\n"
            "p.add_argument('--s', choices=[c.__name__ for c in B.__subclasses__()])\n",
            [A("m", choices=("C", "d")), A("s", choices=("C", "D"))],
            id="subclasses",
        ),
        pytest.param(
            "class Act(argparse.Action):\n"
            "    def __init__(self, option_strings, dest, **k):\n"
            "        k.setdefault('choices', ['a', 'b'])\n"
            "        super().__init__(option_strings, dest, **k)\n"
            "p.add_argument('--m', action=Act, default='a')\n"
            "late = p.add_argument('--late')\nlate.choices = ['x', 'y']\nlate.default = 'x'\n"
            "late.required = True\n",
            [A("m", default="a", choices=("a", "b")),
             A("late", default="x", required=True, choices=("x", "y"))],
            id="actions",
        ),
    ],
)  # fmt: skip
def test_arguments_made_by_reflection(tmp_path: Path, body: str, expected: list[A]) -> None:
    assert arguments(tmp_path, f"{PARSER}{body}p.parse_args()\n") == expected


def test_a_type_of_a_field_is_text_where_annotations_are_not_evaluated(tmp_path: Path) -> None:
    script = (
        "from __future__ import annotations\nimport argparse, dataclasses\n"
        "@dataclasses.dataclass\nclass C:\n    n: int = 3\n"
        "p = argparse.ArgumentParser()\nfor f in dataclasses.fields(C):\n"
        "    p.add_argument('--n', action='store_true' if f.type is int else 'store')\n"
        "p.parse_args()\n"
    )
    assert arguments(tmp_path, script) == [A("n", "str")]


def test_a_decorator_finds_the_configuration_of_what_it_wraps(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        """
        import draccus, functools, inspect
        from dataclasses import dataclass
        @dataclass
        class Config:
            lr: float = 0.1
        def wrap(fn):
            @functools.wraps(fn)
            def inner(*args, **kwargs):
                spec = inspect.getfullargspec(fn)
                return fn(draccus.parse(config_class=spec.annotations[spec.args[0]]))
            return inner
        @wrap
        def train(cfg: Config): ...
        if __name__ == '__main__':
            train()
        """,
    )
    assert rows(found) == [
        ("config_path", "str", None, False, None),
        ("lr", "float", 0.1, False, None),
    ]
