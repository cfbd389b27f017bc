"""Scripts of absl, fire, jsonargparse, pyrallis, simple_parsing, tap and tyro, whole."""

from pathlib import Path

import pytest

from keynet.script.extraction import Extraction, extract

SCRIPTS = Path(__file__).parents[3] / "differential" / "dialects"
Row = tuple[object, ...]


def rows(found: Extraction) -> list[Row]:
    return [(a.name, a.type, a.default, a.required, a.choices) for a in found.arguments]


WHOLE: list[tuple[str, str, list[Row]]] = [
    (
        "absl_flags.py",
        "absl",
        [
            ("data_dir", "str", None, True, None),
            ("epochs", "int", 10, False, None),
            ("lr", "float", 0.001, False, None),
            ("augment", "bool", True, False, None),
            ("resume", "bool", False, False, None),
            ("mode", "str", "train", False, ("train", "eval")),
            ("optimizer", "str", "ADAM", False, ("SGD", "ADAM")),
            ("classes", "str", ["cat", "dog"], False, None),
            ("none", "str", None, False, None),
            ("words", "str", ["a", "b"], False, None),
            ("milestones", "int", [30, 60], False, None),
            ("tag", "str", ["one"], False, None),
            ("weights", "float", None, False, None),
            ("seed", "int", None, True, None),
            ("name", "str", "run1", False, None),
        ],
    ),
    (
        "fire_class.py",
        "fire",
        [
            ("model", "str", "resnet", False, None),
            ("width", "int", 64, False, None),
            ("data", "str", None, True, None),
            ("epochs", "int", 3, False, None),
            ("checkpoint", "str", None, True, None),
            ("batch_size", "int", 32, False, None),
        ],
    ),
    (
        "fire_function.py",
        "fire",
        [
            ("data", "str", None, True, None),
            ("epochs", "int", 3, False, None),
            ("lr", "float", 0.1, False, None),
            ("name", "str", "run", False, None),
            ("layers", "int", [1, 2], False, None),
            ("dry", "bool", False, False, None),
        ],
    ),
    (
        "jsonargparse_cli.py",
        "jsonargparse",
        [
            ("name", "str", None, True, None),
            ("epochs", "int", 3, False, None),
            ("lr", "float", 0.1, False, None),
            ("dry", "bool", False, False, None),
        ],
    ),
    (
        "jsonargparse_parser.py",
        "jsonargparse",
        [
            ("config", "str", None, False, None),
            ("seed", "int", 1, False, None),
            ("widths", "int", None, False, None),
            ("inner.size", "int", 2, False, None),
            ("train.data", "str", None, True, None),
            ("train.optim.lr", "float", 0.1, False, None),
            ("train.optim.momentum", "float", None, False, None),
            ("train.epochs", "int", 3, False, None),
            ("train.tags", "str", ["a"], False, None),
            ("model.hidden", "int", 3, False, None),
            ("model.activation", "str", "relu", False, ("relu", "tanh")),
            ("model.bias", "bool", True, False, None),
        ],
    ),
    (
        "pyrallis_wrap.py",
        "dataclass",
        [
            ("config_path", "str", None, False, None),
            ("name", "str", "run", False, None),
            ("seed", "int", None, False, None),
            ("sizes", "int", [1, 2], False, None),
            ("amp", "bool", False, False, None),
            ("model.width", "int", 64, False, None),
            ("model.dropout", "float", 0.1, False, None),
        ],
    ),
    (
        "simple_parsing_groups.py",
        "simple_parsing",
        [
            ("batch_size", "int", 32, False, None),
            ("log_dir", "str", None, True, None),
            ("steps", "int", 100, False, None),
            ("verbose", "bool", False, False, None),
            ("layers", "int", [64, 32], False, None),
            ("names", "str", [], False, None),
            ("seed", "int", None, False, None),
            ("color", "str", "RED", False, ("RED", "BLUE")),
            ("kind", "str", "small", False, ("small", "large")),
            ("lr", "float", 0.001, False, None),
            ("betas", "float", [0.9, 0.999], False, None),
        ],
    ),
    (
        "simple_parsing_parse.py",
        "simple_parsing",
        [
            ("name", "str", "run", False, None),
            ("lr", "float", 0.1, False, None),
            ("epochs", "int", 3, False, None),
            ("mode", "str", "train", False, ("train", "eval")),
        ],
    ),
    (
        "tap_class.py",
        "tap",
        [
            ("data", "str", None, True, None),
            ("lr", "float", 0.001, False, None),
            ("epochs", "int", 10, False, None),
            ("cuda", "bool", False, False, None),
            ("sizes", "int", [1, 2], False, None),
            ("name", "str", None, False, None),
            ("mode", "str", "a", False, ("a", "b")),
        ],
    ),
    (
        "tyro_dataclass.py",
        "tyro",
        [
            ("name", "str", None, True, None),
            ("optim.lr", "float", 0.001, False, None),
            ("optim.betas", "float", [0.9, 0.999], False, None),
            ("second.beta", "float", 1.0, False, None),
            ("second.momentum", "float", None, True, None),
            ("steps", "int", 3, False, None),
            ("kind", "str", "RED", False, ("RED", "BLUE")),
            ("mode", "str", "a", False, ("a", "b")),
            ("fast", "bool", False, False, None),
            ("safe", "bool", True, False, None),
            ("seed", "int", None, False, None),
            ("widths", "int", [1, 2], False, None),
            ("depth", "int", 5, False, None),
            ("last.lr", "float", 0.5, False, None),
            ("last.betas", "float", [0.9, 0.999], False, None),
        ],
    ),
    (
        "tyro_function.py",
        "tyro",
        [
            ("data", "str", None, True, None),
            ("epochs", "int", 3, False, None),
            ("lr", "float", 0.1, False, None),
            ("amp", "bool", False, False, None),
        ],
    ),
]

SMALL: list[tuple[str, str, list[Row]]] = [
    (
        """\
import jsonargparse
class Model:
    def fit(self, lr: float, epochs: int = 3): pass
class Base: pass
p = jsonargparse.ArgumentParser()
p.add_method_arguments(Model, 'fit', 'fit')
p.add_subclass_arguments(Base, 'base', required=True)
p.add_argument('--amp', action=jsonargparse.ActionYesNo, default=False)
q = jsonargparse.ArgumentParser()
q.add_argument('--steps', type=int, default=5)
s = p.add_subcommands()
s.add_subcommand('run', q)
args = p.parse_args()
""",
        "jsonargparse",
        [
            ("amp", "bool", False, False, None),
            ("steps", "int", 5, False, None),
            ("fit.lr", "float", None, True, None),
            ("fit.epochs", "int", 3, False, None),
            ("base", "str", None, True, None),
        ],
    ),
    (
        """\
from dataclasses import dataclass
import jsonargparse
@dataclass
class Opt:
    lr: float = 0.1
p = jsonargparse.ArgumentParser()
p.add_argument('--opt', type=Opt)
args = p.parse_args()
""",
        "jsonargparse",
        [("opt.lr", "float", 0.1, False, None)],
    ),
    (
        """\
import jsonargparse
class Tool:
    def __init__(self, seed: int = 1): pass
    def run(self, path: str): pass
def other(n: int = 2): pass
jsonargparse.CLI([Tool, other])
""",
        "jsonargparse",
        [
            ("seed", "int", 1, False, None),
            ("path", "str", None, True, None),
            ("n", "int", 2, False, None),
        ],
    ),
    (
        """\
from absl import app, flags
import enum
class E(enum.Enum):
    A = 1
    B = 2
flags.DEFINE_multi_enum('modes', ['a'], ['a', 'b'], 'M.')
flags.DEFINE_multi_enum_class('es', [E.A], E, 'E.')
flags.DEFINE_integer('n', 1, 'N.')
flags.DEFINE_bool('b', 'yes', 'B.')
W = flags.DEFINE_string('w', None, 'W.')
flags.set_default(W, 'x')
flags.FLAGS.set_default('n', 5)
flags.mark_flags_as_required(['modes'])
flags.DEFINE(flags.FloatParser(), 'f', 0.5, 'F.')
app.run(lambda _: None)
""",
        "absl",
        [
            ("modes", "str", ["a"], True, ("a", "b")),
            ("es", "str", ["A"], False, ("A", "B")),
            ("n", "int", 5, False, None),
            ("b", "bool", True, False, None),
            ("w", "str", "x", False, None),
            ("f", "float", 0.5, False, None),
        ],
    ),
    (
        """\
import tap
def train(lr: float, epochs: int = 2, amp: bool = False): pass
tap.tapify(train)
""",
        "tap",
        [
            ("lr", "float", None, True, None),
            ("epochs", "int", 2, False, None),
            ("amp", "bool", False, False, None),
        ],
    ),
    (
        """\
import tap
class Model:
    def __init__(self, width: int = 8, name: str = 'x'): pass
tap.tapify(Model)
""",
        "tap",
        [("width", "int", 8, False, None), ("name", "str", "x", False, None)],
    ),
    (
        """\
import fire
class A:
    def __init__(self, seed=1): pass
    def run(self, n: int, *, fast=False): pass
    @staticmethod
    def info(path='p'): pass
    @property
    def hidden(self): return 1
fire.Fire(A())
""",
        "fire",
        [
            ("n", "int", None, True, None),
            ("fast", "bool", False, False, None),
            ("path", "str", "p", False, None),
        ],
    ),
    (
        """\
import fire
from dataclasses import dataclass
@dataclass
class C:
    lr: float = 0.1
fire.Fire([C])
""",
        "fire",
        [("lr", "float", 0.1, False, None)],
    ),
    (
        """\
import tyro
from dataclasses import dataclass
@dataclass
class C:
    lr: float = 0.1
tyro.extras.overridable_config_cli({'small': ('Small.', C(lr=0.5))})
""",
        "tyro",
        [("lr", "float", 0.5, False, None)],
    ),
    (
        """\
import tyro
from dataclasses import dataclass
@dataclass
class C:
    lr: float = 0.1
    n: int = 2
tyro.cli(C, default=C(n=7))
""",
        "tyro",
        [("lr", "float", 0.1, False, None), ("n", "int", 7, False, None)],
    ),
    (
        """\
import draccus
from dataclasses import dataclass
@dataclass
class C:
    lr: float = draccus.field(0.2)
config = draccus.parse(config_class=C)
""",
        "dataclass",
        [("config_path", "str", None, False, None), ("lr", "float", 0.2, False, None)],
    ),
    (
        """\
from dataclasses import dataclass
from simple_parsing import ArgumentParser, field, flag
@dataclass
class C:
    lr: float = field(0.2, help='Rate.')
    amp: bool = flag(False)
p = ArgumentParser()
p.add_arguments(C(lr=0.9), 'c', prefix='x_')
args = p.parse_args()
""",
        "simple_parsing",
        [("x_lr", "float", 0.9, False, None), ("x_amp", "bool", False, False, None)],
    ),
]


@pytest.mark.parametrize(("script", "dialect", "expected"), WHOLE)
def test_a_script_that_the_library_itself_was_asked_about_is_read_alike(
    script: str, dialect: str, expected: list[Row]
) -> None:
    found = extract(SCRIPTS / script)
    assert (found.parser_type, rows(found)) == (dialect, expected)
    assert found.notes == ()


@pytest.mark.parametrize(("script", "dialect", "expected"), SMALL)
def test_less_common_ways_to_declare_are_read(
    script: str, dialect: str, expected: list[Row], tmp_path: Path
) -> None:
    path = tmp_path / "train.py"
    path.write_text(script)
    found = extract(path)
    assert (found.parser_type, rows(found)) == (dialect, expected)
