"""Files that somebody gives in place of a script."""

import json
import sys
import time
from pathlib import Path

import pytest

from keynet.errors import ScriptInvalid
from keynet.script import training_script
from tests.tables import table

_CELLS = [{"cell_type": "code", "source": ["print(1)"]}]


def _refused(path: Path, text: str) -> ScriptInvalid:
    path.write_text(text)
    with pytest.raises(ScriptInvalid) as caught:
        training_script.load(path)
    assert str(path) in caught.value.message
    return caught.value


@table("name", ["train.ipynb", "train.py", "my notebook.IPYNB", "train"])
@table("flag", [True, 1])
def test_a_notebook_is_refused_with_the_command_that_converts_it(
    tmp_path: Path, name: str, flag: object
) -> None:
    """With 1 its JSON parses as Python, with true it does not."""
    text = json.dumps({"cells": _CELLS, "metadata": {"a": flag}, "nbformat": 4})
    error = _refused(tmp_path / name, text)
    assert "is a notebook" in error.message
    assert "jupyter nbconvert --to script" in (error.hint or "")
    assert name in (error.hint or "")


def test_a_large_or_broken_notebook_is_one_by_its_name(tmp_path: Path) -> None:
    assert "is a notebook" in _refused(tmp_path / "a.ipynb", "x" * 5_000_000).message
    assert "is a notebook" in _refused(tmp_path / "b.ipynb", "").message
    with pytest.raises(ScriptInvalid, match="There is no script"):
        training_script.load(tmp_path / "c.ipynb")


@table("name", ["config.json", "train.py", "config"])
@table("text", ['{"lr": 0.1}', '{"a": true, "b": null}', "[1, 2]", "[true]"])
def test_json_is_refused(tmp_path: Path, name: str, text: str) -> None:
    assert "is a JSON file" in _refused(tmp_path / name, text).message


@table(
    "text",
    [
        "numpy\npandas\n",
        "torch>=2\nnumpy==1.26\nscikit-learn\n",
        "1\n2\n",
        "lr: 0.1\nepochs: 3\n",
        "a, b\nc, d\n",
        "README.md\n",
    ],
)
def test_a_list_that_parses_as_python_is_refused(tmp_path: Path, text: str) -> None:
    assert "nothing in it runs" in _refused(tmp_path / "requirements.txt", text).message


@table(
    ("name", "text"),
    [
        ("run.sh", "python train.py --lr 0.1\n"),
        ("run", "#!/bin/bash\nset -e\npython train.py\n"),
        ("run", "#!/usr/bin/env -S bash -e\npython train.py\n"),
        ("run.sh", "train\n"),
    ],
)
def test_a_shell_script_is_refused(tmp_path: Path, name: str, text: str) -> None:
    assert "is a shell script" in _refused(tmp_path / name, text).message


def test_a_pointer_of_git_lfs_is_refused_with_the_command_that_helps(tmp_path: Path) -> None:
    text = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n"
    error = _refused(tmp_path / "train.py", text)
    assert "is a Git LFS pointer" in error.message
    assert "git lfs pull" in error.hint


@table("name", ["notes.txt", "config.yaml", "README.md", "data.csv"])
def test_text_that_does_not_parse_is_named_by_its_kind(tmp_path: Path, name: str) -> None:
    message = _refused(tmp_path / name, "Training notes: see below.\n").message
    assert f"its name ends in .{name.partition('.')[2]}" in message


@table(
    "text",
    [
        "pass\n",
        '"""Only a docstring."""\n',
        "# only a comment\n",
        "main()\n",
        "import train\n",
        "x: int\n",
        "[print(1)]\n",
        "f'{main()}'\n",
        "#!/usr/bin/env -S uv run --script\nprint(1)\n",
        "#!/bin/sh\n'''exec' python3 \"$0\" \"$@\"\n' '''\nprint(1)\n",
    ],
)
def test_what_may_do_something_is_a_script(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.py"
    path.write_text(text)
    assert training_script.load(path).source.text == text
    other = tmp_path / "train.txt"
    other.write_text(text)
    assert training_script.load(other)


def test_a_syntax_error_says_which_python_read_the_script(tmp_path: Path) -> None:
    hint = _refused(tmp_path / "train.py", "def f(:\n").hint or ""
    assert f"keynet runs on Python 3.{sys.version_info[1]} and read it" in hint
    assert "uv tool install --python 3." in hint


JOB = """#!/bin/bash
#SBATCH --gres=gpu:1
module load cuda
srun --mpi=pmi2 \\
    python -u src/train.py --lr 0.1
"""


@table("name", ["job.sh", "job.slurm", "job.sbatch", "job", "train.py"])
def test_a_job_script_is_named_with_the_script_that_it_starts(tmp_path: Path, name: str) -> None:
    error = _refused(tmp_path / name, JOB)
    assert "is a job script for Slurm" in error.message
    assert "src/train.py" in (error.hint or "")


@table(
    ("line", "started"),
    [
        ("python3.11 train.py --epochs 3", "train.py"),
        ('exec /opt/conda/bin/python "./train.py"', "./train.py"),
        ("CUDA_VISIBLE_DEVICES=0 torchrun --nproc_per_node 2 tools/train.py", "tools/train.py"),
        ("accelerate launch train_dreambooth.py", "train_dreambooth.py"),
        ("(cd src && deepspeed main.py)", "main.py"),
        ("uv run train.py", "train.py"),
        ("# python old.py\npython new.py", "new.py"),
        ("python $SCRIPT.py", ""),
        ("cp train.py /tmp", ""),
    ],
)
@table("shebang", ["#!/bin/bash", "#!/usr/bin/env zsh", "#! /bin/sh -e"])
def test_a_shell_script_is_named_with_the_script_that_it_starts(
    tmp_path: Path, shebang: str, line: str, started: str
) -> None:
    error = _refused(tmp_path / "run.py", f"{shebang}\nset -e\n{line}\n")
    assert "is a shell script" in error.message
    assert ("that it starts, " in (error.hint or "")) == bool(started)
    assert started in (error.hint or "")


@pytest.mark.parametrize(
    ("shebang", "program"),
    [("#!/usr/bin/perl -w", "perl"), ("#!/usr/bin/env node", "node"), ("#!Rscript", "Rscript")],
)
def test_a_script_of_another_program_is_named(tmp_path: Path, shebang: str, program: str) -> None:
    error = _refused(tmp_path / "train", f"{shebang}\nuse strict; my $x = 1;\n")
    assert f"is a script for {program}" in error.message


@pytest.mark.parametrize(
    "shebang", ["#!/usr/bin/env python3", "#!/usr/bin/python3.12", "#!/usr/bin/env -S uv run"]
)
def test_a_broken_script_of_python_is_one(tmp_path: Path, shebang: str) -> None:
    assert "line 2: " in _refused(tmp_path / "train", f"{shebang}\nx = = 1\n").message


@table(
    "line",
    ["!pip install torch", "%matplotlib inline", "%%time", "  !nvidia-smi", "!{cmd}", "?print"],
)
def test_a_command_of_a_notebook_is_named(tmp_path: Path, line: str) -> None:
    before = "if True:\n" if line.startswith(" ") else "import os\n"
    error = _refused(tmp_path / "train.py", f"{before}{line}\n")
    assert f"line 2: {line.strip()} is a command of a notebook" in error.message
    assert "requirements.txt" in (error.hint or "")


def test_another_error_next_to_such_a_command_is_shown_as_it_is(tmp_path: Path) -> None:
    error = _refused(tmp_path / "train.py", "x = = 1\n!pip install torch\n")
    assert "is a command of a notebook" not in error.message


def test_what_a_shell_script_starts_is_found_in_little_time(tmp_path: Path) -> None:
    text = "#!/bin/bash\n" + "python " * 100_000 + "\n" + "\\\n" * 50_000
    started = time.monotonic()
    _refused(tmp_path / "run.sh", text)
    _refused(tmp_path / "run.sh", "#!/usr/bin/env " + "-x " * 200_000)
    assert time.monotonic() - started < 30
