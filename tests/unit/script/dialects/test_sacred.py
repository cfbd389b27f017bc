"""sacred: local names of configuration functions."""

from pathlib import Path

from tests.unit.script.reading import read, rows

SCRIPT = """
from sacred import Experiment, Ingredient
data = Ingredient("dataset")
@data.config
def data_config():
    size = 3
ex = Experiment("x", ingredients=[data])
ex.add_config(seed=1)
@ex.config
def config(seed):
    lr = 0.1
    name = f"run_{lr}"
    opt = {"beta": 0.9, "kind": "adam"}
    _hidden = 1
@ex.automain
def main(lr): ...
"""


def test_the_configuration_of_an_experiment(tmp_path: Path) -> None:
    found = read(tmp_path, SCRIPT)
    assert found.parser_type == "sacred"
    assert found.notes == ()
    assert rows(found) == [
        ("dataset.size", "int", 3, False, None),
        ("seed", "int", 1, False, None),
        ("lr", "float", 0.1, False, None),
        ("name", "str", "run_0.1", False, None),
        ("opt.beta", "float", 0.9, False, None),
        ("opt.kind", "str", "adam", False, None),
    ]


def test_a_configuration_file_has_a_note(tmp_path: Path) -> None:
    script = "from sacred import Experiment\nex = Experiment('x')\nex.add_config('c.yaml')\n"
    found = read(tmp_path, script + "@ex.automain\ndef main(): ...\n")
    assert any("add_config()" in note.message for note in found.notes)


def test_modules_that_a_configuration_imports_are_no_values_of_it(tmp_path: Path) -> None:
    script = """
    from sacred import Experiment
    ex = Experiment()
    @ex.config
    def config():
        import os, numpy as np
        size = 3
    @ex.automain
    def main(): ...
    """
    assert rows(read(tmp_path, script)) == [("size", "int", 3, False, None)]
