"""What ``@trace_pytorch(...)`` in a script says about the image."""

from pathlib import Path

import pytest

from keynet.script import training_script
from keynet.script.decorators import Traced, traced


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("@trace_pytorch(model_name='m', base_image='b:1')\ndef f(): pass", Traced("m", "b:1")),
        ("@keynet.trace_pytorch('m')\ndef f(): pass", Traced("m")),
        ("NAME = 'm'\n@trace_pytorch(NAME)\nclass C: pass", Traced("m")),
        ("NAME = 'm'\nNAME = 'n'\n@trace_pytorch(NAME)\ndef f(): pass", Traced()),
        ("@trace_pytorch(model_name=make())\ndef f(): pass", Traced()),
        ("@other(model_name='m')\ndef f(): pass", Traced()),
        ("x = 1", Traced()),
    ],
)
def test_the_decorator_names_model_and_base(tmp_path: Path, script: str, expected: Traced) -> None:
    path = tmp_path / "train.py"
    path.write_text(script)
    assert traced(training_script.load(path)) == expected
