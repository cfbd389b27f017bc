"""Notes on libraries that are not followed, and on scripts of which nothing is read."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import read, write


@table(
    ("script", "library", "line"),
    [
        ("import plac\nplac.call(main)\n", "plac", 1),
        ("import os\nfrom optparse import OptionParser\n", "optparse", 2),
        ("from plumbum import cli\nclass App(cli.Application): ...\n", "plumbum.cli", 1),
        ("def main():\n    import defopt\n", "defopt", 2),
        ("import yacs.config\n", "yacs", 1),
        ("import getopt, sys\n", "getopt", 1),
        ("from metaflow import FlowSpec, Parameter\n", "Metaflow", 1),
    ],
)
def test_a_library_is_named_where_it_is_imported(
    tmp_path: Path, script: str, library: str, line: int
) -> None:
    found = read(tmp_path, script)
    assert found.arguments == ()
    assert [(n.line, f"imports {library}," in n.message) for n in found.notes] == [(line, True)]


def test_gin_is_named_next_to_a_command_line_that_is_read(tmp_path: Path) -> None:
    script = """
    import argparse
    import gin
    p = argparse.ArgumentParser()
    p.add_argument("--x")
    p.parse_args()
    """
    found = read(tmp_path, script)
    assert len(found.arguments) == 1
    assert any("gin-config" in note.message for note in found.notes)


def test_a_library_that_is_read_is_not_named(tmp_path: Path) -> None:
    found = read(tmp_path, "import fire\ndef f(a=1): ...\nfire.Fire(f)\n")
    assert found.notes == ()


def test_a_script_that_reads_sys_argv_is_noted(tmp_path: Path) -> None:
    found = read(tmp_path, "import sys\nn = int(sys.argv[1])\n")
    assert [(note.line, "sys.argv" in note.message) for note in found.notes] == [(2, True)]


def test_a_file_of_the_project_is_searched_too(tmp_path: Path) -> None:
    files = {"cli.py": "import plac\ndef go(): plac.call(go)\n"}
    found = extract(write(tmp_path, "from cli import go\ngo()\n", files))
    assert any("imports plac" in note.message for note in found.notes)


def test_a_script_that_starts_another_module_is_noted(tmp_path: Path) -> None:
    assert read(tmp_path, "def run():\n    from .other import main\n    main()\n").notes


def test_a_script_that_asks_for_nothing_has_no_note(tmp_path: Path) -> None:
    assert read(tmp_path, "import torch\nprint(1)\n").notes == ()


@pytest.mark.parametrize(
    "line", ["import argparse, gin", "import argparse, gin as g", "import gin"]
)
def test_a_library_is_found_among_several_that_a_line_imports(tmp_path: Path, line: str) -> None:
    script = f"{line}\nimport argparse\np = argparse.ArgumentParser()\np.add_argument('--a')\n"
    found = read(tmp_path, script)
    assert [note.line for note in found.notes if "gin-config" in note.message] == [1]


@table(
    ("script", "line", "named"),
    [
        ("lr = 0.1\nexec(open('configurator.py').read())\n", 2, "exec() runs code that"),
        ("import runpy\nrunpy.run_path('a.py')\n", 2, "run_path() runs code that"),
        ("import sys\nfrom lib.cli import main\nsys.exit(main())\n", 3, "main() is not part"),
        ("import lib.cli\nif __name__ == '__main__':\n    lib.cli.run_exp()\n", 3,
         "lib.cli.run_exp() is not part"),
        ("from lib import TrainOptions\nopt = TrainOptions(lr=1).parse()\n", 2,
         "TrainOptions.parse() is not part"),
        ("from lib import options\np = options.get_parser()\n", 2, "options.get_parser() is not"),
        ("from lib import options, p\na = options.parse_args_and_arch(p)\n", 2,
         "options.parse_args_and_arch() is not"),
        ("from megatron import get_args\nargs = get_args()\n", 2, "get_args() is not part"),
    ],
)  # fmt: skip
def test_what_may_have_a_command_line_and_is_not_read_is_noted(
    tmp_path: Path, script: str, line: int, named: str
) -> None:
    found = read(tmp_path, script)
    assert found.arguments == ()
    assert [(note.line, named in note.message) for note in found.notes] == [(line, True)]


@table(
    "script",
    [
        "import torch\ndef main():\n    torch.cuda.empty_cache()\nmain()\n",
        "from dotenv import load_dotenv\nfrom lib import Model\nload_dotenv()\nModel().train()\n",
        "import mlflow\nmlflow.start_run()\n",
        "from packaging import version\nnew = version.parse('2.0')\n",
    ],
)
def test_a_script_without_a_command_line_has_no_note(tmp_path: Path, script: str) -> None:
    assert read(tmp_path, script).notes == ()


def test_a_parser_that_is_not_followed_is_noted_where_it_is(tmp_path: Path) -> None:
    script = """
    import argparse, lib
    # p.add_argument("--no")
    @lib.build
    def parser(own=argparse.ArgumentParser):
        p = lib.Made(own)
        p.add_argument("--x")
        return p
    lib.start(parser)
    """
    found = read(tmp_path, script)
    assert found.arguments == ()
    text = "Arguments are added here in a way that is not followed: they are missing."
    assert [(note.line, note.message) for note in found.notes] == [(7, text)]


def test_a_main_function_of_the_project_is_not_called_foreign(tmp_path: Path) -> None:
    files = {"own/__init__.py": "", "own/start.py": "def main(): ...\n"}
    found = extract(write(tmp_path, "from own.start import main\nmain()\n", files))
    assert all("not part of the project" not in note.message for note in found.notes)
