"""Code that a script runs and that is not read."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import read

RUNNING = [
    "exec(\"parser.add_argument('--more')\")",
    "exec(compile(open('more.py').read(), 'more.py', 'exec'))",
    "import runpy; runpy.run_path('more.py', vars())",
    "import runpy; runpy.run_module('more')",
]


@table("body", RUNNING)
def test_code_that_is_not_read_is_noted(tmp_path: Path, body: str) -> None:
    found = read(
        tmp_path,
        f"""
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--x", type=int, default=1)
{body}
parser.parse_args()
""",
    )
    assert [one.name for one in found.arguments] == ["x"]
    assert any("code that is not read" in note.message for note in found.notes)
