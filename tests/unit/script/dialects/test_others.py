"""What the differential test's scripts leave out of absl, fire, tyro, OmegaConf and the like."""

from pathlib import Path

import pytest

from keynet.script.extraction import Extraction, extract


def read(source: str, folder: Path) -> Extraction:
    script = folder / "train.py"
    script.write_text(source)
    return extract(script)


def rows(extraction: Extraction) -> list[tuple[object, ...]]:
    return [(a.name, a.type, a.default, a.required, a.choices) for a in extraction.arguments]


@pytest.mark.parametrize("prefix", ["tf.flags", "tf.app.flags", "tf.compat.v1.flags"])
def test_tensorflow_names_of_absl_are_read(prefix: str, tmp_path: Path) -> None:
    extraction = read(
        "import tensorflow as tf\n"
        f"flags = {prefix}\n"
        "flags.DEFINE_integer('steps', 10, 'Steps.')\n"
        "flags.DEFINE_boolean('resume', False, 'Resume.')\n"
        "FLAGS = flags.FLAGS\n"
        "def main(_):\n"
        "    print(FLAGS.steps)\n"
        "if __name__ == '__main__':\n"
        "    tf.compat.v1.app.run()\n",
        tmp_path,
    )
    assert extraction.parser_type == "absl"
    assert rows(extraction) == [
        ("steps", "int", 10, False, None),
        ("resume", "bool", False, False, None),
    ]


def test_flags_of_imported_modules_are_read(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(
        "from absl import flags\n_W = flags.DEFINE_integer('width', 64, 'Width.')\n"
    )
    extraction = read(
        "from absl import app, flags\n"
        "import model\n"
        "_LR = flags.DEFINE_float('lr', 0.1, 'Rate.')\n"
        "flags.mark_flags_as_required(['lr'])\n"
        "def main(argv):\n"
        "    pass\n"
        "if __name__ == '__main__':\n"
        "    app.run(main)\n",
        tmp_path,
    )
    assert {row[0]: row[3] for row in rows(extraction)} == {"width": False, "lr": True}


def test_a_dict_given_to_fire_is_flattened(tmp_path: Path) -> None:
    extraction = read(
        "import fire\n"
        "def train(lr=0.1): pass\n"
        "def test(path: str): pass\n"
        "if __name__ == '__main__':\n"
        "    fire.Fire({'train': train, 'test': test})\n",
        tmp_path,
    )
    assert rows(extraction) == [
        ("lr", "float", 0.1, False, None),
        ("path", "str", None, True, None),
    ]


def test_fire_without_a_component_is_noted(tmp_path: Path) -> None:
    extraction = read("import fire\ndef f(x=1): pass\nfire.Fire()\n", tmp_path)
    assert any("Fire()" in note.message for note in extraction.notes)


def test_a_union_given_to_tyro_is_flattened(tmp_path: Path) -> None:
    extraction = read(
        "import tyro\nfrom dataclasses import dataclass\nfrom typing import Union\n"
        "@dataclass\nclass Train:\n    lr: float = 0.1\n"
        "@dataclass\nclass Test:\n    path: str\n"
        "if __name__ == '__main__':\n    tyro.cli(Union[Train, Test])\n",
        tmp_path,
    )
    assert rows(extraction) == [
        ("lr", "float", 0.1, False, None),
        ("path", "str", None, True, None),
    ]


def test_a_dataclass_given_to_omegaconf_is_read(tmp_path: Path) -> None:
    extraction = read(
        "from dataclasses import dataclass, field\nfrom omegaconf import OmegaConf\n"
        "@dataclass\nclass Optim:\n    lr: float = 0.1\n"
        "@dataclass\nclass Config:\n    name: str = 'x'\n"
        "    optim: Optim = field(default_factory=Optim)\n"
        "config = OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.from_cli())\n",
        tmp_path,
    )
    assert extraction.parser_type == "dataclass"
    assert rows(extraction) == [
        ("name", "str", "x", False, None),
        ("optim.lr", "float", 0.1, False, None),
    ]


def test_model_and_data_of_a_lightning_cli_are_read_and_the_trainer_noted(tmp_path: Path) -> None:
    extraction = read(
        "from lightning.pytorch.cli import LightningCLI\n"
        "import lightning as L\n"
        "class Model(L.LightningModule):\n"
        "    def __init__(self, lr: float = 0.1, layers: int = 2): pass\n"
        "class Data(L.LightningDataModule):\n"
        "    def __init__(self, root: str): pass\n"
        "if __name__ == '__main__':\n"
        "    LightningCLI(Model, Data)\n",
        tmp_path,
    )
    assert rows(extraction) == [
        ("model.lr", "float", 0.1, False, None),
        ("model.layers", "int", 2, False, None),
        ("data.root", "str", None, True, None),
    ]
    assert any("Trainer" in note.message for note in extraction.notes)


def test_a_default_that_is_computed_is_null_and_noted(tmp_path: Path) -> None:
    extraction = read(
        "import os, tyro\nfrom dataclasses import dataclass, field\n"
        "@dataclass\nclass Args:\n    workers: int = field(default_factory=os.cpu_count)\n"
        "tyro.cli(Args)\n",
        tmp_path,
    )
    assert rows(extraction) == [("workers", "int", None, False, None)]
    assert any("workers" in note.message for note in extraction.notes)
