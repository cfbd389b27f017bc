"""What ``@trace_pytorch(...)`` in a script says about the image."""

from pathlib import Path

from keynet.script import training_script
from keynet.script.decorators import Traced, traced
from tests.tables import table


@table(
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


@table(
    ("call", "expected"),
    [
        ("base_image='b:' + '1'", Traced(None, "b:1")),
        ("base_image=f'b:{TAG}'", Traced(None, "b:7")),
        ("base_image=None", Traced()),
        ("base_image=make()", Traced(unknown_base_line=3)),
        ("base_image=f'b:{make()}'", Traced(unknown_base_line=3)),
        ("base_image=f'b:{TAG!r}'", Traced(unknown_base_line=3)),
        ("base_image=OTHER", Traced(unknown_base_line=3)),
        ("'m', **settings", Traced("m", unknown_base_line=3)),
        ("base_image='b:1', **settings", Traced(None, "b:1")),
    ],
)
def test_a_base_that_only_the_running_script_knows_is_said(
    tmp_path: Path, call: str, expected: Traced
) -> None:
    path = tmp_path / "train.py"
    path.write_text(f"TAG = '7'\n\n@trace_pytorch({call})\ndef f(): pass\n")
    assert traced(training_script.load(path)) == expected
