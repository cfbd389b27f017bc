"""The training script, read once and never run."""

from pathlib import Path

import pytest

from keynet.errors import ScriptInvalid
from keynet.events import Event, Notice, StepFinished, StepStarted, ignore
from keynet.oci.descriptor import Digest
from keynet.script.extraction import extract
from keynet.steps.preparing import script as scripts
from keynet.steps.preparing.script import Script
from keynet.steps.stages import Stages

SCRIPT = """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.001, help="Schrittweite \u3131")
parser.parse_args()


@trace_pytorch("cnn", base_image="pytorch/pytorch:2.4")
class Model: ...
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT, "utf-8")
    return path


def _read(path: Path) -> Script:
    return scripts.read(path, Stages(ignore), ignore)


def test_what_is_read_is_what_the_parts_say(path: Path) -> None:
    script = _read(path)
    assert script.path == path
    assert script.name == "train.py"
    assert script.extraction == extract(path)
    assert script.digest == Digest.of(path.read_bytes())
    assert (script.model_name, script.base_image) == ("cnn", "pytorch/pytorch:2.4")


@pytest.mark.parametrize("text", [None, "def (:\n"])
def test_an_invalid_script_is_told_as_by_the_extraction(path: Path, text: str | None) -> None:
    path.unlink()
    if text is not None:
        path.write_text(text)
    with pytest.raises(ScriptInvalid) as directly:
        extract(path)
    with pytest.raises(ScriptInvalid) as caught:
        _read(path)
    assert (caught.value.message, caught.value.hint) == (
        directly.value.message,
        directly.value.hint,
    )


def test_two_stages_tell_what_was_found(path: Path) -> None:
    events: list[Event] = []
    stages = Stages(events.append)
    scripts.read(path, stages, events.append)
    assert [event.step for event in events if isinstance(event, StepStarted)] == [
        "entrypoint",
        "hyperparameters",
    ]
    assert [event.detail for event in events if isinstance(event, StepFinished)] == [
        str(path),
        "argparse, 1 argument",
    ]
    assert list(stages.seconds) == ["entrypoint", "hyperparameters"]


def test_a_script_without_a_parser_is_a_warning_with_an_example(path: Path) -> None:
    path.write_text("print('training')\n")
    events: list[Event] = []
    script = scripts.read(path, Stages(events.append), events.append)
    assert script.extraction.parser_type is None
    assert (script.model_name, script.base_image) == (None, None)
    [notice] = [event for event in events if isinstance(event, Notice)]
    assert "add_argument" in notice.text


def test_what_could_not_be_read_is_counted(path: Path) -> None:
    path.write_text(
        "import argparse\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('--lr', default=open('x').read())\nparser.parse_args()\n"
    )
    events: list[Event] = []
    script = scripts.read(path, Stages(events.append), events.append)
    assert script.extraction.notes
    [notice] = [event for event in events if isinstance(event, Notice)]
    assert f"{len(script.extraction.notes)} part" in notice.text
