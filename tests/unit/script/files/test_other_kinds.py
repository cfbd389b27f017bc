"""Files that somebody gives in place of a script."""

import json
import sys
from pathlib import Path

import pytest

from keynet.errors import ScriptInvalid
from keynet.script import training_script

_CELLS = [{"cell_type": "code", "source": ["print(1)"]}]


def _refused(path: Path, text: str) -> ScriptInvalid:
    path.write_text(text)
    with pytest.raises(ScriptInvalid) as caught:
        training_script.load(path)
    assert str(path) in caught.value.message
    return caught.value


@pytest.mark.parametrize("name", ["train.ipynb", "train.py", "my notebook.IPYNB", "train"])
@pytest.mark.parametrize("flag", [True, 1])
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


@pytest.mark.parametrize("name", ["config.json", "train.py", "config"])
@pytest.mark.parametrize("text", ['{"lr": 0.1}', '{"a": true, "b": null}', "[1, 2]", "[true]"])
def test_json_is_refused(tmp_path: Path, name: str, text: str) -> None:
    assert "is a JSON file" in _refused(tmp_path / name, text).message


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize("name", ["notes.txt", "config.yaml", "README.md", "data.csv"])
def test_text_that_does_not_parse_is_named_by_its_kind(tmp_path: Path, name: str) -> None:
    message = _refused(tmp_path / name, "Training notes: see below.\n").message
    assert f"its name ends in .{name.partition('.')[2]}" in message


@pytest.mark.parametrize(
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
