"""HfArgumentParser; the library is too heavy to be asked, so what is expected is written here."""

from pathlib import Path

import pytest

from keynet.script.arguments import Extraction
from keynet.script.extraction import extract

SCRIPT = '''
from dataclasses import dataclass, field
from enum import Enum
from typing import List, Literal, Optional
import os, sys

from transformers import HfArgumentParser, TrainingArguments

class Strategy(Enum):
    NO = "no"
    STEPS = "steps"

@dataclass
class ModelArguments:
    """Which model."""
    model_name_or_path: str = field(metadata={"help": "Path to the model."})
    cache_dir: Optional[str] = field(default=None, metadata={"help": "Cache."})
    use_fast: bool = field(default=True, metadata={"help": "Fast tokenizer."})
    tie: bool = False
    dtype: Literal["float16", "float32"] = "float32"

@dataclass
class DataArguments:
    train_file: Optional[str] = None
    max_length: int = field(default=128)
    ratio: float = 0.5
    columns: List[str] = field(default_factory=lambda: ["text"])
    strategy: Strategy = Strategy.NO
    hidden: int = field(init=False, default=3)

    def __post_init__(self):
        pass

def main():
    parser = HfArgumentParser((ModelArguments, DataArguments, TrainingArguments))
    if len(sys.argv) == 2 and sys.argv[1].endswith(".json"):
        model, data, training = parser.parse_json_file(json_file=os.path.abspath(sys.argv[1]))
    else:
        model, data, training = parser.parse_args_into_dataclasses()

if __name__ == "__main__":
    main()
'''


def read(source: str, folder: Path) -> Extraction:
    script = folder / "train.py"
    script.write_text(source)
    return extract(script)


def rows(extraction: Extraction) -> list[tuple[object, ...]]:
    return [(a.name, a.type, a.default, a.required, a.choices) for a in extraction.arguments]


def test_the_fields_of_every_dataclass_are_read_in_order(tmp_path: Path) -> None:
    extraction = read(SCRIPT, tmp_path)
    assert extraction.parser_type == "transformers"
    assert rows(extraction) == [
        ("model_name_or_path", "str", None, True, None),
        ("cache_dir", "str", None, False, None),
        ("use_fast", "bool", True, False, None),
        ("tie", "bool", False, False, None),
        ("dtype", "str", "float32", False, ("float16", "float32")),
        ("train_file", "str", None, False, None),
        ("max_length", "int", 128, False, None),
        ("ratio", "float", 0.5, False, None),
        ("columns", "str", ["text"], False, None),
        ("strategy", "str", "no", False, ("no", "steps")),
    ]
    assert extraction.arguments[0].help == "Path to the model."


def test_classes_outside_the_project_are_noted(tmp_path: Path) -> None:
    notes = [note.message for note in read(SCRIPT, tmp_path).notes]
    assert any("transformers.TrainingArguments" in note for note in notes)


def test_own_fields_of_a_derived_class_are_read(tmp_path: Path) -> None:
    extraction = read(
        "from dataclasses import dataclass\n"
        "from transformers import HfArgumentParser, Seq2SeqTrainingArguments\n"
        "@dataclass\n"
        "class Mine(Seq2SeqTrainingArguments):\n"
        "    patience: int = 3\n"
        "(args,) = HfArgumentParser(Mine).parse_args_into_dataclasses()\n",
        tmp_path,
    )
    assert rows(extraction) == [("patience", "int", 3, False, None)]
    assert any("Seq2SeqTrainingArguments" in note.message for note in extraction.notes)


def test_arguments_added_by_hand_follow_the_fields(tmp_path: Path) -> None:
    extraction = read(
        "from dataclasses import dataclass\n"
        "from trl import TrlParser\n"
        "@dataclass\n"
        "class Mine:\n"
        "    beta: float = 0.1\n"
        "parser = TrlParser(dataclass_types=[Mine], description='x')\n"
        "parser.add_argument('--dry-run', action='store_true')\n"
        "args = parser.parse_args_and_config()\n",
        tmp_path,
    )
    assert rows(extraction) == [
        ("beta", "float", 0.1, False, None),
        ("dry_run", "bool", False, False, None),
    ]


def test_dataclasses_of_a_sibling_module_are_read(tmp_path: Path) -> None:
    (tmp_path / "config.py").write_text(
        "from __future__ import annotations\n"
        "from dataclasses import dataclass\n"
        "@dataclass\n"
        "class Base:\n"
        "    seed: int = 42\n"
        "@dataclass\n"
        "class Config(Base):\n"
        "    name: str | None = None\n"
    )
    extraction = read(
        "from transformers import HfArgumentParser\n"
        "from config import Config\n"
        "def main():\n"
        "    args = HfArgumentParser(Config).parse_args_into_dataclasses()[0]\n"
        "if __name__ == '__main__':\n"
        "    main()\n",
        tmp_path,
    )
    assert rows(extraction) == [
        ("seed", "int", 42, False, None),
        ("name", "str", None, False, None),
    ]


@pytest.mark.parametrize("types", ["unknown()", "[unknown() for _ in range(2)]"])
def test_unknown_dataclasses_are_noted_and_never_guessed(types: str, tmp_path: Path) -> None:
    extraction = read(
        "from transformers import HfArgumentParser\n"
        f"HfArgumentParser({types}).parse_args_into_dataclasses()\n",
        tmp_path,
    )
    assert extraction.arguments == ()
    assert extraction.notes
