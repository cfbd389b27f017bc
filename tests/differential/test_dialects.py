"""The further dialects against what their libraries make of the same scripts at run time."""

import json
import subprocess
from pathlib import Path

import pytest

from keynet.script.extraction import extract

from .compare import Score
from .programs import Program, Truth, interpreter

pytestmark = pytest.mark.packages

HERE = Path(__file__).parent
SCRIPTS = {
    "absl_flags": "absl",
    "fire_class": "fire",
    "fire_function": "fire",
    "jsonargparse_cli": "jsonargparse",
    "jsonargparse_parser": "jsonargparse",
    "pyrallis_wrap": "dataclass",
    "simple_parsing_groups": "simple_parsing",
    "simple_parsing_parse": "simple_parsing",
    "tap_class": "tap",
    "tyro_dataclass": "tyro",
    "tyro_function": "tyro",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_read_as_its_library_reads_it(name: str, tmp_path: Path) -> None:
    script = HERE / "dialects" / f"{name}.py"
    out = tmp_path / "truth.json"
    argv = [
        str(interpreter()),
        str(HERE / "dialect_truth.py"),
        str(out),
        SCRIPTS[name],
        str(script),
    ]
    ended = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert out.exists(), ended.stderr
    arguments = tuple(json.loads(out.read_text())["arguments"])
    extraction = extract(script)
    score = Score()
    score.add(Truth(Program(SCRIPTS[name], name), script, arguments, frozenset()), extraction)
    assert score.differences == []
    assert extraction.parser_type == SCRIPTS[name]
    assert score.arguments == len(arguments) > 0
