"""The process beside: it reads the script, renders the template, and is gone afterwards."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keynet.errors import ScriptInvalid
from keynet.oci.descriptor import Digest
from keynet.process import descendants
from keynet.recipe import containerfile
from keynet.script.extraction import extract
from keynet.steps.script import Reading

SCRIPT = """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.001, help="Schrittweite \u3131")
parser.parse_args()


@trace_pytorch("cnn", base_image="pytorch/pytorch:2.4")
class Model: ...
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "train.py"
    path.write_text(SCRIPT, "utf-8")
    return path


def test_its_answers_are_those_of_this_process(script: Path) -> None:
    with Reading(script) as reading:
        content = reading.content()
        template = reading.template()
    assert content.extraction == extract(script)
    assert content.digest == str(Digest.of(script.read_bytes()))
    assert (content.model_name, content.base_image) == ("cnn", "pytorch/pytorch:2.4")
    assert template == containerfile.load(script.parent / "cache/keynet")


@pytest.mark.parametrize("text", [None, "def (:\n"])
def test_an_invalid_script_is_told_as_in_this_process(script: Path, text: str | None) -> None:
    script.unlink()
    if text is not None:
        script.write_text(text)
    with pytest.raises(ScriptInvalid) as here:
        extract(script)
    with Reading(script) as reading, pytest.raises(ScriptInvalid) as there:
        reading.content()
    assert (there.value.message, there.value.hint) == (here.value.message, here.value.hint)


def test_a_reader_that_was_killed_is_told(script: Path) -> None:
    # Long enough to be met at work.
    script.write_text(SCRIPT + "x = [1]\n" * 20_000)
    before = descendants.descendants(os.getpid())
    with Reading(script) as reading:
        (reader,) = descendants.descendants(os.getpid()) - before
        os.kill(reader.pid, signal.SIGKILL)
        with pytest.raises(ScriptInvalid, match=r"ended \(-9\)") as caught:
            reading.content()
    assert "memory" in caught.value.hint


def test_it_does_not_outlive_a_program_that_was_killed(script: Path) -> None:
    program = """
import os, signal, sys
from pathlib import Path
from keynet.process import descendants as processes
from keynet.steps.script import Reading
with Reading(Path(sys.argv[1])) as reading:
    (reader,) = processes.descendants(os.getpid())
    print(reader.pid, flush=True)
    reading.content()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, script], stdout=subprocess.PIPE, timeout=60, check=False
    )
    assert done.returncode == -signal.SIGKILL
    _wait_until_gone(int(done.stdout))


def _wait_until_gone(pid: int) -> None:
    until = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < until, "it is still there"
        time.sleep(0.01)


@pytest.mark.parametrize("answers", [0, 1, 2])
def test_nothing_is_left_of_it(script: Path, answers: int) -> None:
    descriptors = sorted(Path("/proc/self/fd").iterdir())
    before = descendants.descendants(os.getpid())
    with Reading(script) as reading:
        for take in (reading.content, reading.template)[:answers]:
            take()
    assert descendants.descendants(os.getpid()) == before
    assert sorted(Path("/proc/self/fd").iterdir()) == descriptors


def test_it_never_comes_back_into_the_program(script: Path) -> None:
    # Told to go the moment it begins: what the program would do then, two would do.
    program = """
import signal, sys
from pathlib import Path
from keynet.cli import main
from keynet.steps.script import Reading
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, main._interrupt)
try:
    for _ in range(100):
        with Reading(Path(sys.argv[1])):
            pass
finally:
    print("out", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "")
