"""What libraries other than argparse and click declare on one path only is never certain."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import read

HEAD = "import os\nfrom dataclasses import dataclass\nX = os.environ.get('X')\n"
CLASS = "@dataclass\nclass C:\n    a: int\n"
SOMETIMES = "It depends on a condition whether the script has {}."


@table(
    ("body", "name"),
    [
        (
            "import cyclopts\napp = cyclopts.App()\n@app.default\ndef main(b: int): pass\n"
            "if X:\n    @app.command\n    def c(a: int): pass\napp()\n",
            "a",
        ),
        (
            "import cyclopts\napp = cyclopts.App()\n@app.default\ndef main(b: int): pass\n"
            "c = cyclopts.App()\n@c.default\ndef d(a: int): pass\n"
            "if X:\n    app.command(c)\napp()\n",
            "a",
        ),
        (
            "import cyclopts\ndef f(a: int): pass\ndef g(b: int): pass\n"
            "cyclopts.run(f if X else g)\n",
            "a",
        ),
        (
            "import fire\ndef f(a): pass\ndef g(b): pass\nD = {'g': g}\n"
            "if X:\n    D['f'] = f\nfire.Fire(D)\n",
            "a",
        ),
        (f"import tyro\n{CLASS}def f(b: int): pass\ntyro.cli(C if X else f)\n", "a"),
        (
            "import tyro\napp = tyro.extras.SubcommandApp()\nif X:\n    @app.command\n"
            "    def f(a: int): pass\n@app.command\ndef g(b: int): pass\napp.cli()\n",
            "a",
        ),
        (
            f"import jsonargparse\n{CLASS}p = jsonargparse.ArgumentParser()\n"
            "if X:\n    p.add_class_arguments(C, 'c')\np.parse_args()\n",
            "c.a",
        ),
        (
            f"import jsonargparse\n{CLASS}p = jsonargparse.ArgumentParser()\n"
            "p.add_argument('--b')\np.add_class_arguments(C, 'c')\n"
            "if X:\n    p.link_arguments('b', 'c.a')\np.parse_args()\n",
            "c.a",
        ),
        (
            f"import simple_parsing\n{CLASS}p = simple_parsing.ArgumentParser()\n"
            "if X:\n    p.add_arguments(C, dest='c')\np.parse_args()\n",
            "a",
        ),
        (
            "from absl import app, flags\nfor n in 'ba':\n    flags.DEFINE_integer(n, 1, '')\n"
            "    if X:\n        break\napp.run(print)\n",
            "a",
        ),
        (
            "from sacred import Experiment\nex = Experiment('e')\n@ex.config\ndef cfg():\n"
            "    b = 1\n    if X:\n        a = 2\n@ex.automain\ndef main(): pass\n",
            "a",
        ),
        (
            "from sacred import Experiment\nex = Experiment('e')\nif X:\n    ex.add_config(a=1)\n"
            "@ex.automain\ndef main(): pass\n",
            "a",
        ),
        (
            "from tap import Tap\nclass S(Tap):\n    a: int\nclass T(Tap):\n    b: int = 1\n"
            "    def configure(self):\n        if X:\n            self.add_subparser('s', S)\n"
            "T().parse_args()\n",
            "a",
        ),
    ],
)  # fmt: skip
def test_an_argument_on_one_path_only_is_noted(tmp_path: Path, body: str, name: str) -> None:
    found = read(tmp_path, HEAD + body)
    assert {one.name: one.required for one in found.arguments}[name] is False
    assert SOMETIMES.format(name) in {note.message for note in found.notes}


def test_a_default_that_sacred_may_replace_is_unknown(tmp_path: Path) -> None:
    script = (
        f"{HEAD}from sacred import Experiment\nex = Experiment('e')\n@ex.config\ndef cfg():\n"
        "    a = 1\nif X:\n    ex.add_config(a=2)\n@ex.automain\ndef main(): pass\n"
    )
    found = read(tmp_path, script)
    assert [(one.name, one.default) for one in found.arguments] == [("a", None)]
    (note,) = found.notes
    assert note.message == "The default of a is unknown: it depends on a condition."


def test_what_tap_may_require_is_unknown(tmp_path: Path) -> None:
    script = (
        f"{HEAD}from tap import Tap\nclass T(Tap):\n    a: int = None\n    b: str = 'x'\n"
        "    def configure(self):\n        self.add_argument('--b', required=True)\n"
        "        if X:\n            self.add_argument('--a', required=True)\nT().parse_args()\n"
    )
    found = read(tmp_path, script)
    assert [(one.name, one.required) for one in found.arguments] == [("a", False), ("b", True)]
    assert {note.message for note in found.notes} == {
        "It is unknown whether the script requires a."
    }


@pytest.mark.parametrize(
    "body",
    [
        "import cyclopts\ndef f(*names: str): pass\ncyclopts.run(f)\n",
        "import fire\ndef f(*names: str): pass\nfire.Fire(f)\n",
        "import tyro\ndef f(*names: str): pass\ntyro.cli(f)\n",
    ],
)
def test_any_number_of_words_is_an_argument(tmp_path: Path, body: str) -> None:
    found = read(tmp_path, body)
    assert [(one.name, one.type, one.required) for one in found.arguments] == [
        ("names", "str", False)
    ]
    assert found.notes == ()


@pytest.mark.parametrize(
    "body",
    [
        "import configargparse\np = configargparse.ArgParser(default_config_files=['x.ini'])\n",
        "import jsonargparse\np = jsonargparse.ArgumentParser(default_config_files=['x.yaml'])\n",
    ],
)
def test_files_that_replace_defaults_are_noted(tmp_path: Path, body: str) -> None:
    (note,) = read(tmp_path, f"{body}p.add_argument('--a')\np.parse_args()\n").notes
    assert note.message == "The parser reads configuration files, whose values replace defaults."


def test_subparsers_of_tap_are_read(tmp_path: Path) -> None:
    script = (
        "from tap import Tap\nclass S(Tap):\n    a: int = 1\nclass T(Tap):\n    b: int = 2\n"
        "    def configure(self):\n        self.add_subparser('s', S)\nT().parse_args()\n"
    )
    found = read(tmp_path, script)
    assert [(one.name, one.default) for one in found.arguments] == [("b", 2), ("a", 1)]
    assert found.notes == ()


def test_an_annotation_that_is_not_known_is_no_guess(tmp_path: Path) -> None:
    script = f"{HEAD}import tyro\ndef f(a: (int if X else float) = 1): pass\ntyro.cli(f)\n"
    (note,) = read(tmp_path, script).notes
    assert note.message == "The type of a is unknown; it is reported as str."


@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("a: int = Field(3, alias='b')", "b"),
        ("a: int = Field(3, validation_alias=AliasChoices('b', 'c'))", "b"),
        ("a: int = 3\n    model_config = {'cli_parse_args': True, 'cli_prefix': 'p'}", "p.a"),
    ],
)
def test_pydantic_settings_names_options_by_alias_and_prefix(
    tmp_path: Path, field: str, name: str
) -> None:
    script = (
        "from pydantic import AliasChoices, Field\nfrom pydantic_settings import BaseSettings\n"
        f"class S(BaseSettings, cli_parse_args=True):\n    {field}\nS()\n"
    )
    found = read(tmp_path, script)
    assert [(one.name, one.default) for one in found.arguments] == [(name, 3)]
    assert found.notes == ()


@pytest.mark.parametrize(
    "text",
    [
        "import fire\ndef main(lr=0.1, **more): ...\nfire.Fire(main)\n",
        "import fire\nclass Main:\n    def __init__(self, lr=0.1, **more): ...\nfire.Fire(Main)\n",
        "import tyro\ndef main(lr: float = 0.1, **more: int) -> None: ...\ntyro.cli(main)\n",
    ],
)
def test_what_takes_any_name_is_noted(tmp_path: Path, text: str) -> None:
    script = tmp_path / "train.py"
    script.write_text(text)
    found = extract(script)
    assert [each.name for each in found.arguments] == ["lr"]
    assert any("**more takes further values by name" in note.message for note in found.notes)


@pytest.mark.parametrize("library", ["jsonargparse", "tyro"])
def test_a_class_that_may_be_absent_is_noted(tmp_path: Path, library: str) -> None:
    call = "jsonargparse.CLI(main)" if library == "jsonargparse" else "tyro.cli(main)"
    script = tmp_path / "train.py"
    script.write_text(
        f"import {library}\nfrom dataclasses import dataclass\nfrom typing import Optional\n"
        "@dataclass\nclass Optim:\n    lr: float = 0.1\n"
        f"def main(optim: Optional[Optim] = None): ...\n{call}\n"
    )
    found = extract(script)
    assert [each.name for each in found.arguments] == ["optim.lr"]
    assert any("optim is null as a whole" in note.message for note in found.notes)
