"""What ``dataclasses.fields`` and ``asdict`` have, and what they leave out."""

from pathlib import Path

from tests.tables import table
from tests.unit.script.reading import read

SCRIPT = """
import argparse, dataclasses, typing
from dataclasses import KW_ONLY, InitVar, dataclass
from typing import ClassVar
@dataclass
class Config:
    lr: float = 0.1
    count: ClassVar[int] = 3
    also: "typing.ClassVar" = 4
    _: KW_ONLY
    seed: dataclasses.InitVar[int] = 2
    bs: int = 8
parser = argparse.ArgumentParser()
for name in {names}:
    parser.add_argument("--" + name)
parser.parse_args()
"""
NAMES = [
    "[field.name for field in dataclasses.fields(Config)]",
    "dataclasses.asdict(Config())",
    "list(dataclasses.asdict(Config(seed=7)))",
]


@table("names", NAMES)
def test_what_is_no_field_is_left_out(tmp_path: Path, names: str) -> None:
    found = read(tmp_path, SCRIPT.format(names=names))
    assert [one.name for one in found.arguments] == ["lr", "bs"]
    assert not found.notes


def test_annotations_are_all_there(tmp_path: Path) -> None:
    found = read(tmp_path, SCRIPT.format(names="Config.__annotations__"))
    assert [one.name for one in found.arguments] == ["lr", "count", "also", "_", "seed", "bs"]
