"""JSON Schema of the output and of a script's values, judged by a library."""

from pathlib import Path
from typing import Any

import jsonschema

from keynet.script import json_schema
from tests.tables import table
from tests.unit.script.reading import read

SCRIPT = """
import argparse
p = argparse.ArgumentParser()
p.add_argument("--lr", type=float, default=0.1, help="rate")
p.add_argument("--layers", type=int, default=2, choices=[1, 2])
p.add_argument("--opt", choices=["sgd", "adam"])
p.add_argument("--sizes", type=int, nargs="+", default=[1, 2])
p.add_argument("--device", type=int, default=0)
p.add_argument("--amp", action="store_true")
p.add_argument("--data", required=True)
p.parse_args()
"""


def accepts(schema: dict[str, Any], value: object) -> bool:
    validator = jsonschema.Draft202012Validator(schema)
    return bool(validator.is_valid(value))


def of_values(folder: Path) -> dict[str, Any]:
    arguments = read(folder, SCRIPT).to_json()["arguments"]
    return json_schema.of_values("train.py", arguments)  # type: ignore[arg-type]


def test_both_are_valid_schemas_of_2020_12(tmp_path: Path) -> None:
    for schema in (json_schema.of_output(), of_values(tmp_path)):
        assert schema["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_output_of_params_fits_its_schema(tmp_path: Path) -> None:
    assert accepts(json_schema.of_output(), read(tmp_path, SCRIPT).to_json())
    assert accepts(json_schema.of_output(), read(tmp_path, "x = 1").to_json())


@table(
    "change",
    [
        {"arguments": [{"name": "x"}]},
        {"arguments": None},
        {"parser_type": 1},
        {"notes": [{"message": "no line"}]},
    ],
)
def test_other_output_does_not_fit(tmp_path: Path, change: dict[str, Any]) -> None:
    assert not accepts(json_schema.of_output(), {**read(tmp_path, SCRIPT).to_json(), **change})


@table(
    "values",
    [
        {},
        {"lr": 1},
        {"lr": 1e-3, "layers": 1, "opt": "adam", "sizes": [3], "amp": True},
        {"device": 3},
        {"opt": None},
    ],
)
def test_values_that_the_script_takes_fit(tmp_path: Path, values: dict[str, Any]) -> None:
    assert accepts(of_values(tmp_path), {"data": "d", **values})


@table(
    "values",
    [
        {"lr": "fast"},
        {"layers": 3},
        {"layers": "1"},
        {"opt": "lion"},
        {"sizes": ["a"]},
        {"device": "cpu"},
        {"amp": 1},
        {"data": None},
        {"unknown": 1},
    ],
)
def test_values_that_the_script_refuses_do_not_fit(tmp_path: Path, values: dict[str, Any]) -> None:
    assert not accepts(of_values(tmp_path), {"data": "d", **values})


def test_a_required_argument_must_be_there(tmp_path: Path) -> None:
    assert not accepts(of_values(tmp_path), {})


def test_a_script_of_which_nothing_is_known_may_take_anything() -> None:
    assert accepts(json_schema.of_values("train.py", []), {"lr": 0.1})
