"""The table of dialects: each is imported only for a script that uses its library."""

import importlib
import json
import pkgutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from keynet.script import dialects
from keynet.script.dialects import LIBRARIES
from keynet.script.interpreter.machine import Dialect
from keynet.script.interpreter.outside import Library
from tests.tables import table
from tests.unit.script.reading import write

PROGRAM = """
import json, pathlib, sys
from keynet.script.extraction import extract
found = extract(pathlib.Path(sys.argv[1]))
print(json.dumps([found.parser_type, sorted(sys.modules)]))
"""
PREFIX = "keynet.script.dialects."
# A script of each: what it reads is tested by the tests of the dialect.
SCRIPTS = {
    "absl": "from absl import app, flags\nflags.DEFINE_string('x', '', '')\napp.run(print)\n",
    "argparse": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--x')\n",
    "click": "import click\n@click.command()\n@click.option('--x')\ndef main(x): ...\nmain()\n",
    "fire": "import fire\ndef main(x=1): ...\nfire.Fire(main)\n",
    "typer": "import typer\ndef main(x: int): ...\ntyper.run(main)\n",
}


def loaded(folder: Path, script: str) -> tuple[str | None, set[str]]:
    """Return the parser type and the dialects imported by a process that reads a script."""
    argv = [sys.executable, "-c", PROGRAM, str(write(folder, script))]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300)
    parser_type, names = json.loads(done.stdout)
    return parser_type, {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX)}


def names_of(library: Library) -> list[str]:
    """Return the names that a dialect handles."""
    dialect = library.dialect()
    return [*dialect.handlers, *dialect.native_classes]


def test_every_dialect_is_in_the_table() -> None:
    found = [
        f"{module.name}:{name}"
        for module in pkgutil.walk_packages(dialects.__path__, PREFIX)
        for name, value in vars(importlib.import_module(module.name)).items()
        if isinstance(value, Dialect)
    ]
    assert sorted(found) == sorted(f"{one.module}:{one.constant}" for one in LIBRARIES)


@table("library", LIBRARIES)
def test_every_name_that_a_dialect_handles_brings_it_in(library: Library) -> None:
    parts = {part for n in names_of(library) for part in (n.split(".")[0], n.split(".")[-1])}
    missed = [
        name
        for name in names_of(library)
        if not {name.split(".")[0], name.split(".")[-1]} & set(library.used_by)
    ]
    assert missed == []
    assert set(library.used_by) <= parts


def test_no_two_dialects_handle_the_same_name() -> None:
    # What a name does would depend on which of them was imported first.
    counted = Counter(name for library in LIBRARIES for name in names_of(library))
    assert {name for name, count in counted.items() if count > 1} == set()


@pytest.mark.medium
@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_imports_no_dialect_that_it_does_not_use(tmp_path: Path, name: str) -> None:
    others = {"absl", "click.command", "fields.fire", "docopt", "sacred", "hydra.decorated"}
    own = {"absl": "absl", "click": "click.command", "fire": "fields.fire"}.get(name)
    parser_type, modules = loaded(tmp_path, SCRIPTS[name])
    assert parser_type == name
    # typer's commands are click's.
    spared = others - {own} - ({"click.command"} if name == "typer" else set())
    assert modules & spared == set()
