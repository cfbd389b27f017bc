"""``keynet params`` with two sources, and ``--schema``, as their users run them."""

import json
from pathlib import Path

import jsonschema
import pytest

from keynet.cli.main import run

SCRIPT = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.1)
p.add_argument("--opt", choices=["sgd", "adam"])
p.add_argument("--data", required=True)
p.parse_args()
"""
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def scripts(tmp_path: Path) -> tuple[str, str]:
    """Return a script and another version of it."""
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    first.write_text(SCRIPT)
    second.write_text(SCRIPT.replace("0.1", "0.2").replace("--data", "--folder"))
    return str(first), str(second)


def test_two_scripts_that_differ_end_with_1(scripts: tuple[str, str], capsys: Capture) -> None:
    assert run(["params", *scripts]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "+ folder  str, required",
        "- data  str, required",
        "~ lr  default: 0.1 -> 0.2",
    ]


def test_two_scripts_with_the_same_arguments_end_with_0(
    scripts: tuple[str, str], capsys: Capture
) -> None:
    assert run(["params", scripts[0], scripts[0]]) == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "equal" in shown.err


def test_the_comparison_as_json(scripts: tuple[str, str], capsys: Capture) -> None:
    assert run(["params", *scripts, "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in shown["added"]] == ["folder"]
    assert shown["changed"] == [{"name": "lr", "default": {"old": 0.1, "new": 0.2}}]


def test_notes_of_both_go_to_standard_error(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT.replace("0.1", "compute()"))
    assert run(["params", str(path), str(path)]) == 0
    assert capsys.readouterr().err.count("The default of lr is unknown") == 2


def test_a_missing_script_is_its_own_error(scripts: tuple[str, str], capsys: Capture) -> None:
    assert run(["params", scripts[0], "no-such.py"]) == 3
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "wrong", [[], ["a.py", "b.py", "c.py"], ["--schema", "a.py", "b.py"]], ids=len
)
def test_other_numbers_of_sources_are_usage_errors(wrong: list[str], capsys: Capture) -> None:
    assert run(["params", *wrong]) == 2
    assert capsys.readouterr().out == ""


def test_the_schema_of_the_output_fits_the_output(
    scripts: tuple[str, str], capsys: Capture
) -> None:
    assert run(["params", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert run(["params", scripts[0], "--json"]) == 0
    jsonschema.validate(json.loads(capsys.readouterr().out), schema)


def test_the_schema_of_a_script_takes_its_values(scripts: tuple[str, str], capsys: Capture) -> None:
    assert run(["params", "--schema", scripts[0]]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.validate({"data": "d", "lr": 0.5, "opt": "sgd"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"data": "d", "opt": "lion"}, schema)


def test_the_schema_of_a_script_that_may_take_more_takes_more(
    tmp_path: Path, capsys: Capture
) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT.replace("p.parse_args()", "exec(X)\np.parse_args()"))
    assert run(["params", "--schema", str(script)]) == 0
    shown = capsys.readouterr()
    assert "code that is not read" in shown.err
    schema = json.loads(shown.out)
    jsonschema.validate({"data": "d", "more": 1}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"data": "d", "lr": "x"}, schema)
