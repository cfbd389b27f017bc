"""What fuzzing found, and scripts made to exhaust: nothing but the module's own error."""

import contextlib
import json
from pathlib import Path

import pytest

from keynet.errors import ScriptInvalid
from keynet.script.extraction import extract

from .hostile import names, write

REGRESSIONS = sorted((Path(__file__).parent / "regressions").glob("*.src"))


@pytest.mark.parametrize("found", REGRESSIONS, ids=lambda path: path.stem)
def test_what_fuzzing_found_is_read_or_refused(found: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_bytes(found.read_bytes())
    _read_or_refuse(script)


@pytest.mark.medium
@pytest.mark.parametrize("name", names())
def test_a_hostile_script_is_read_or_refused(name: str, tmp_path: Path) -> None:
    _read_or_refuse(write(name, tmp_path))


def _read_or_refuse(script: Path) -> None:
    # A refusal is an answer too; anything else raised fails the test.
    with contextlib.suppress(ScriptInvalid):
        assert json.dumps(extract(script).to_json(), allow_nan=False)
