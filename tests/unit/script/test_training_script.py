"""Digest, arguments and decorator of a script are those of the same bytes."""

import subprocess
import sys
from pathlib import Path

import pytest

from keynet.errors import ScriptInvalid
from keynet.oci.descriptor import Digest
from keynet.script import training_script
from keynet.script.arguments import Argument
from keynet.script.decorators import Traced, traced
from keynet.script.extraction import extract

SCRIPT = """\
import argparse, options
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
options.add(parser)
parser.parse_args()
@trace_pytorch("first", base_image="pytorch/pytorch:2.4")
def train(): ...
"""
OPTIONS = "def add(parser):\n    parser.add_argument('--width', type=int, default=64)\n"
ARGUMENTS = (Argument("lr", "float", 0.1), Argument("width", "int", 64))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "options.py").write_text(OPTIONS)
    path = tmp_path / "train.py"
    path.write_text(SCRIPT)
    return path


def test_a_script_that_changes_after_it_was_loaded_stays_what_it_was(path: Path) -> None:
    before = Digest.of(path.read_bytes())
    script = training_script.load(path)
    path.write_text("import argparse\np = argparse.ArgumentParser()\np.add_argument('--other')\n")
    assert script.digest == before
    assert extract(script).arguments == ARGUMENTS
    assert traced(script) == Traced("first", "pytorch/pytorch:2.4")
    path.unlink()
    assert extract(script).arguments == ARGUMENTS


def test_a_path_and_the_loaded_script_are_read_alike(path: Path) -> None:
    script = training_script.load(path)
    assert extract(script) == extract(path)
    assert extract(script, parser_type="click") == extract(path, parser_type="click")


@pytest.mark.medium
def test_digest_arguments_and_decorator_open_the_file_once(path: Path) -> None:
    program = """
import sys
from pathlib import Path
from keynet.script import training_script
from keynet.script.decorators import traced
from keynet.script.extraction import extract
opened = []
def watch(event, arguments):
    if event == "open":
        opened.append(arguments[0])
sys.addaudithook(watch)
script = training_script.load(Path(sys.argv[1]))
found = extract(script)
print(len(found.arguments), traced(script).model_name, opened.count(sys.argv[1]))
"""
    argv = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.split() == ["2", "first", "1"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_the_digest_is_of_the_file_and_not_of_its_text(path: Path, encoding: str) -> None:
    path.write_bytes(f"# coding: {encoding}\nname = '이름'\n".encode(encoding))
    script = training_script.load(path)
    assert script.digest == Digest.of(path.read_bytes())
    assert "이름" in script.source.text


def test_what_is_not_a_script_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScriptInvalid, match="train"):
        training_script.load(tmp_path / "train.py")
