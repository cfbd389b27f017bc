"""Choices from registries that decorators and the modules of a package fill."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import arguments, read, write

REGISTER = "def reg(f):\n    REG[f.__name__] = f\n    return f\n"
ONE = "from . import reg\n@reg\ndef one(): ...\n"
TWO = "from plug import reg\n@reg\ndef two(): ...\n"
SCRIPT = """
import argparse
from plug import REG
p = argparse.ArgumentParser()
p.add_argument('--m', choices=list(REG))
p.parse_args()
"""


@table(
    ("fill", "expected"),
    [
        ("import importlib, os\nfor f in sorted(os.listdir(os.path.dirname(__file__))):\n"
         "    if f.endswith('.py') and not f.startswith('_'):\n"
         "        importlib.import_module('plug.' + f[:-3])\n", ("one", "two")),
        ("import importlib, pkgutil\nfor m in pkgutil.iter_modules(__path__):\n"
         "    importlib.import_module(f'{__name__}.{m.name}')\n", ("one", "two")),
        ("import importlib\nfrom pathlib import Path\n"
         "for f in Path(__file__).parent.glob('*.py'):\n"
         "    if f.stem != '__init__':\n        importlib.import_module('plug.' + f.stem)\n",
         ("one", "two")),
        ("import importlib\nfrom glob import glob\n"
         "from os.path import basename, dirname, isfile, join\n"
         "for f in glob(join(dirname(__file__), '*.py')):\n"
         "    if isfile(f) and not f.endswith('__init__.py'):\n"
         "        importlib.import_module('.' + basename(f)[:-3], package=__name__)\n",
         ("one", "two")),
        ("from plug import two\nfrom . import one\n", ("two", "one")),
        # A name that only the machine knows.
        ("import importlib, os\nimport plug.one\n"
         "for n in os.environ['PLUGINS'].split():\n    importlib.import_module(n)\n", None),
    ],
)  # fmt: skip
@table("before", [(), ("base",)])
def test_modules_that_register_themselves(
    tmp_path: Path, fill: str, expected: tuple[str, ...] | None, before: tuple[str, ...]
) -> None:
    package = f"REG = {dict.fromkeys(before, 0)}\n{REGISTER}{fill}"
    files = {"plug/__init__.py": package, "plug/one.py": ONE, "plug/two.py": TWO}
    found = extract(write(tmp_path, SCRIPT, files))
    [argument] = found.arguments
    if expected is None:
        assert argument.choices is None
        assert [note.message for note in found.notes] == ["The choices of m are unknown."]
    else:
        assert (argument.choices, found.notes) == ((*before, *expected), ())


@table(
    ("base", "body"),
    [
        ("dict", "self[name or f.__name__] = f"),
        ("collections.OrderedDict", "self.update({name or f.__name__: f})"),
        ("dict[str, object]", "dict.__setitem__(self, name or f.__name__, f)"),
        ("collections.UserDict", "self[name or f.__name__] = f"),
        ("list", "self.append(name or f.__name__)"),
    ],
)
def test_registries_that_derive_from_a_container(tmp_path: Path, base: str, body: str) -> None:
    found = read(
        tmp_path,
        f"""
        import argparse, collections
        class R({base}):
            def register(self, name=None):
                def deco(f):
                    {body}
                    return f
                return deco
        R1 = R()
        @R1.register('a')
        def first(): ...
        @R1.register()
        def second(): ...
        p = argparse.ArgumentParser()
        p.add_argument('--m', choices=list(R1), default='a')
        p.add_argument('--n', type=int, default=len(R1))
        if 'a' in R1:
            p.add_argument('--yes')
        p.parse_args()
        """,
    )
    assert [(a.name, a.default, a.choices) for a in found.arguments] == [
        ("m", "a", ("a", "second")), ("n", 2, None), ("yes", None, None)
    ]  # fmt: skip
    assert found.notes == ()


def test_a_default_that_is_no_choice_is_noted(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--m', choices=['a'], default='b')\np.parse_args()\n",
    )
    assert [n.message for n in found.notes] == ["The default of m is not among its choices."]


@table(
    "fill",
    [
        "from glob import glob\nfor f in glob('plug/*.py'):\n    __import__('plug.' + f[:-3])\n",
        "import glob, importlib.util\nfor f in glob.glob('plug/*.py'):\n"
        "    spec = importlib.util.spec_from_file_location('x', f)\n"
        "    spec.loader.exec_module(importlib.util.module_from_spec(spec))\n",
        "import os, runpy\nfor f in os.environ['PLUGINS'].split():\n    runpy.run_path(f)\n",
        "import os\nexec(os.environ['PLUGIN'])\n",
    ],
)
def test_choices_are_unknown_where_other_files_are_run(tmp_path: Path, fill: str) -> None:
    files = {"plug/__init__.py": f"REG = {{'base': 0}}\n{REGISTER}{fill}", "plug/one.py": ONE}
    found = extract(write(tmp_path, SCRIPT, files))
    assert [argument.choices for argument in found.arguments] == [None]
    assert "The choices of m are unknown." in [note.message for note in found.notes]


SETTERS = (
    "    __setattr__ = dict.__setitem__\n    __delattr__ = dict.__delitem__\n",
    "    def __setattr__(self, k, v): self[k] = v\n    def __delattr__(self, k): del self[k]\n",
)


@table("setters", SETTERS)
def test_a_dict_whose_attributes_are_its_items(tmp_path: Path, setters: str) -> None:
    script = (
        "import argparse\nclass Box(dict):\n    __getattr__ = dict.__getitem__\n"
        f"{setters}box = Box(lr=0.1, size=4, old=1)\nbox.epochs = 10\nbox.size = 8\ndel box.old\n"
        "p = argparse.ArgumentParser()\nfor key, value in box.items():\n"
        "    p.add_argument('--' + key, type=type(value), default=value)\n"
        "p.add_argument('--twice', default=box.size * 2, type=int)\np.parse_args()\n"
    )
    found = arguments(tmp_path, script)
    expected = [("lr", 0.1), ("size", 8), ("epochs", 10), ("twice", 16)]
    assert [(argument.name, argument.default) for argument in found] == expected


@pytest.mark.parametrize("change", ["d.move_to_end('a')", "d.popitem()"])
def test_choices_are_unknown_after_a_change_that_is_not_followed(
    tmp_path: Path, change: str
) -> None:
    script = (
        "import argparse\nfrom collections import OrderedDict\nd = OrderedDict(a=1, b=2)\n"
        f"{change}\np = argparse.ArgumentParser()\n"
        "p.add_argument('--m', choices=list(d))\np.parse_args()\n"
    )
    assert [argument.choices for argument in read(tmp_path, script).arguments] == [None]


@table(
    "text",
    ["import __main__\n__main__.REG['one'] = 1\n", "from __main__ import REG\nREG['one'] = 1\n"],
)
def test_a_module_registers_in_the_script(tmp_path: Path, text: str) -> None:
    script = SCRIPT.replace("from plug import REG", "REG = {}\nimport plug")
    found = extract(write(tmp_path, script, {"plug.py": text}))
    assert [argument.choices for argument in found.arguments] == [("one",)]
