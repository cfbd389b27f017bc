"""Whatever bytes a script is made of, reading it raises nothing but its own error."""

import json
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keynet.errors import ScriptInvalid
from keynet.script.extraction import extract

COMMON = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SCRIPT = b"""import argparse, click, typer, os
from dataclasses import dataclass
LIST = ["a", "b"]
@dataclass
class Config:
    lr: float = 0.1
def add(p, *args, **kwargs):
    for i, name in enumerate(LIST):
        p.add_argument(f"--{name}{i}", default=kwargs.get(name, [i] * 3), **kwargs)
    return p if args else None
@click.group()
@click.option("--x/--no-x", default=lambda: os.cpu_count())
def cli(x): pass
def run(a: int, b: "list[str]" = typer.Option(None, help="%s" % LIST)): pass
def main():
    parser = argparse.ArgumentParser(parents=[], conflict_handler="resolve")
    add(parser, 1, type=int if Config().lr > 0 else float, choices=range(3))
    sub = parser.add_subparsers().add_parser("s", parents=[parser])
    sub.set_defaults(a0={**{"k": 1}, "n": -1 ** 2}, b1="x" * 3)
    while LIST and (n := LIST.pop()):
        parser.add_argument("-" + n, dest=n.upper(), action="store_true")
    args = parser.parse_args()
if __name__ == "__main__":
    main(); cli(); typer.run(run)
"""


def read(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        found = extract(path)
    except ScriptInvalid:
        return
    shown = json.dumps(found.to_json(), allow_nan=False, ensure_ascii=False)
    assert json.loads(shown.encode()) == found.to_json()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "train.py"


@pytest.mark.slow
@COMMON
@given(content=st.binary(max_size=300))
def test_any_bytes(path: Path, content: bytes) -> None:
    read(path, content)


@pytest.mark.slow
@COMMON
@given(
    at=st.integers(0, len(SCRIPT)),
    length=st.integers(0, 40),
    new=st.one_of(
        st.binary(max_size=6),
        st.sampled_from(
            [b"[", b"(", b"\n    ", b"**", b"*", b"lambda: ", b"'", b"args", b"main()"]
        ),
    ),
)
def test_a_mutated_script(path: Path, at: int, length: int, new: bytes) -> None:
    read(path, SCRIPT[:at] + new + SCRIPT[at + length :])


@pytest.mark.slow
@COMMON
@given(data=st.data())
def test_shuffled_lines_and_tokens(path: Path, data: st.DataObject) -> None:
    lines = SCRIPT.splitlines()
    picked = data.draw(st.lists(st.sampled_from(lines), max_size=30))
    read(path, b"\n".join([*lines[:3], *picked]))


NAMES = ["p", "x", "f", "argparse", "p.add_argument", "p.parse_args", "super", "vars", "sorted"]
ATOMS = st.one_of(
    st.sampled_from(NAMES),
    st.integers(-3, 10**12).map(str),
    st.floats(allow_nan=True).map(repr),
    st.text(string.printable, max_size=6).map(repr),
)
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "*", "**", "%", "<<", "or", "in", "is", "|"]), inner)
        .map(lambda parts: "({} {} {})".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: "{}[{}]".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: "{}({}, *x)".format(*parts)),
        st.tuples(inner, inner).map(lambda parts: "[{} for x in {}]".format(*parts)),
        inner.map("(lambda x: {})".format),
        inner.map("{}.format".format),
        inner.map("[*{}]".format),
        inner.map("{{1: {}}}".format),
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.slow
@COMMON
@given(values=st.lists(EXPRESSIONS, min_size=1, max_size=4))
def test_any_expression_as_any_part_of_a_declaration(path: Path, values: list[str]) -> None:
    keywords = ["default", "type", "choices", "help", "nargs", "action", "dest", "required"]
    lines = [
        f"p.add_argument('--a{i}', **{{'x': 1}}, {keywords[(i + len(value)) % 8]}={value})"
        for i, value in enumerate(values)
    ]
    script = "import argparse\nx = [1]\np = argparse.ArgumentParser()\ndef f(x): return x\n"
    read(path, (script + "\n".join(lines) + "\np.parse_args()\n").encode(errors="replace"))
