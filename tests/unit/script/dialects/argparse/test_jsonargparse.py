"""jsonargparse: parsers, CLI() and LightningCLI."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.unit.script.reading import DIALECT_SCRIPTS, Row, read, rows

WHOLE: list[tuple[str, list[Row]]] = [
    (
        "jsonargparse_cli.py",
        [
            ("name", "str", None, True, None),
            ("epochs", "int", 3, False, None),
            ("lr", "float", 0.1, False, None),
            ("dry", "bool", False, False, None),
        ],
    ),
    (
        "jsonargparse_parser.py",
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
]

SMALL: list[tuple[str, list[Row]]] = [
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
        [
            ("seed", "int", 1, False, None),
            ("path", "str", None, True, None),
            ("n", "int", 2, False, None),
        ],
    ),
]


@pytest.mark.parametrize(("script", "expected"), WHOLE)
def test_a_script_is_read_as_its_library_reads_it(script: str, expected: list[Row]) -> None:
    found = extract(DIALECT_SCRIPTS / script)
    assert (found.parser_type, rows(found)) == ("jsonargparse", expected)
    assert found.notes == ()


@pytest.mark.parametrize(("script", "expected"), SMALL)
def test_less_common_ways_to_declare_are_read(
    script: str, expected: list[Row], tmp_path: Path
) -> None:
    found = read(tmp_path, script)
    assert (found.parser_type, rows(found)) == ("jsonargparse", expected)


def test_model_and_data_of_a_lightning_cli_are_read_and_the_trainer_noted(tmp_path: Path) -> None:
    extraction = read(
        tmp_path,
        "from lightning.pytorch.cli import LightningCLI\n"
        "import lightning as L\n"
        "class Model(L.LightningModule):\n"
        "    def __init__(self, lr: float = 0.1, layers: int = 2): pass\n"
        "class Data(L.LightningDataModule):\n"
        "    def __init__(self, root: str): pass\n"
        "if __name__ == '__main__':\n"
        "    LightningCLI(Model, Data)\n",
    )
    assert rows(extraction) == [
        ("model.lr", "float", 0.1, False, None),
        ("model.layers", "int", 2, False, None),
        ("data.root", "str", None, True, None),
    ]
    assert any("Trainer" in note.message for note in extraction.notes)


LIGHTNING = """
from lightning.pytorch.cli import LightningCLI
class Net:
    def __init__(self, lr: float = 1e-3, dim: int = 8): ...
class Data:
    def __init__(self, n: int = 3, size: int = 1): ...
class CLI(LightningCLI):
    def add_arguments_to_parser(self, parser):
        parser.add_argument("--note", default="x")
        parser.link_arguments("model.dim", "data.size")
        parser.set_defaults({"model.lr": 0.5})
CLI(Net, Data%s)
"""


def test_hooks_links_and_defaults_of_a_lightning_cli(tmp_path: Path) -> None:
    assert rows(read(tmp_path, LIGHTNING % "")) == [
        ("model.lr", "float", 0.5, False, None),
        ("model.dim", "int", 8, False, None),
        ("data.n", "int", 3, False, None),
        ("note", "str", "x", False, None),
    ]


def test_a_lightning_cli_in_subclass_mode_has_one_argument_for_the_class(tmp_path: Path) -> None:
    found = read(tmp_path, LIGHTNING % ", subclass_mode_model=True")
    assert [one.name for one in found.arguments] == ["model", "data.n", "note"]
    assert any("selects a class" in note.message for note in found.notes)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("", "config, seed_everything, optimizer, lr_scheduler, ckpt_path, verbose,"
         " return_predictions"),
        (", run=False", "config, seed_everything, optimizer, lr_scheduler"),
        (", auto_configure_optimizers=False, run=False", "config, seed_everything"),
    ],
)  # fmt: skip
def test_what_a_lightning_cli_itself_adds_is_named(given: str, names: str, tmp_path: Path) -> None:
    script = LIGHTNING.replace("class CLI", "class Unused").replace("CLI(Net", "LightningCLI(Net")
    notes = [note.message for note in read(tmp_path, script % given).notes]
    assert f"LightningCLI itself adds {names}; these are not listed." in notes


def test_without_classes_a_lightning_cli_selects_them(tmp_path: Path) -> None:
    script = "from lightning.pytorch.cli import LightningCLI\nLightningCLI(run=False)\n"
    found = read(tmp_path, script)
    assert [one.name for one in found.arguments] == ["model"]
    assert any("seed_everything, data," in note.message for note in found.notes)


STEPS = """
from lightning.pytorch.cli import LightningCLI
class Net:
    def __init__(self, lr: float = 1e-3): ...
class CLI(LightningCLI):
    def init_parser(self, **kwargs):
        parser = super().init_parser(**kwargs)
        parser.add_argument("--own")
        return parser
    def add_default_arguments_to_parser(self, parser):
        super().add_default_arguments_to_parser(parser)
        parser.add_argument("--default")
    def add_core_arguments_to_parser(self, parser):
        parser.add_argument("--core")
        super().add_core_arguments_to_parser(parser)
    def add_arguments_to_parser(self, parser):
        parser.add_optimizer_args(Net, "optim")
    %s
CLI(Net, run=%s)
"""


def test_steps_of_a_lightning_cli_that_a_class_overrides_are_followed(tmp_path: Path) -> None:
    names = [one.name for one in read(tmp_path, STEPS % ("", "False")).arguments]
    assert sorted(names) == sorted(["model.lr", "own", "default", "core", "optim.lr"])
    subcommands = "def subcommands(): return {'fit': set()}"
    found = read(tmp_path, STEPS % (subcommands, "True"))
    assert not any("ckpt_path" in note.message for note in found.notes)
    assert any("its own" in note.message for note in found.notes)


def test_skipped_and_linked_parameters_are_left_out(tmp_path: Path) -> None:
    script = """
    from jsonargparse import ArgumentParser
    class A:
        def __init__(self, x: int = 1, y: int = 2, z: int = 3): ...
    p = ArgumentParser()
    p.add_class_arguments(A, "a", skip={"y"})
    p.link_arguments("a.x", "a.z")
    p.parse_args()
    """
    assert rows(read(tmp_path, script)) == [("a.x", "int", 1, False, None)]


def test_keywords_that_a_constructor_passes_on_are_those_of_its_base(tmp_path: Path) -> None:
    # As jsonargparse resolves them; it reads the call of the base, too.
    script = """
    from jsonargparse import ArgumentParser
    class Root:
        def __init__(self, size: int = 1, name: str = "n", deep: bool = False): ...
    class Base(Root):
        def __init__(self, width: int = 3, **kwargs):
            super().__init__(8, **kwargs)
    class Model(Base):
        def __init__(self, depth: int = 9, **kwargs):
            super().__init__(name="fixed", **kwargs)
    p = ArgumentParser()
    p.add_class_arguments(Model, "model")
    p.parse_args()
    """
    found = read(tmp_path, script)
    assert found.notes == ()
    assert [(one.name, one.default) for one in found.arguments] == [
        ("model.depth", 9), ("model.width", 3), ("model.deep", False),
    ]  # fmt: skip
