"""Dataclasses as configurations: pyrallis, draccus and OmegaConf."""

from pathlib import Path

import pytest

from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import DIALECT_SCRIPTS, Row, read, rows

WHOLE: list[tuple[str, list[Row]]] = [
    (
        "pyrallis_wrap.py",
        [
            ("config_path", "str", None, False, None),
            ("name", "str", "run", False, None),
            ("seed", "int", None, False, None),
            ("sizes", "int", [1, 2], False, None),
            ("amp", "bool", False, False, None),
            ("model.width", "int", 64, False, None),
            ("model.dropout", "float", 0.1, False, None),
        ],
    ),
]

SMALL: list[tuple[str, list[Row]]] = [
    (
        """\
import draccus
from dataclasses import dataclass
@dataclass
class C:
    lr: float = draccus.field(0.2)
config = draccus.parse(config_class=C)
""",
        [("config_path", "str", None, False, None), ("lr", "float", 0.2, False, None)],
    ),
]


@pytest.mark.parametrize(("script", "expected"), WHOLE)
def test_a_script_is_read_as_its_library_reads_it(script: str, expected: list[Row]) -> None:
    found = extract(DIALECT_SCRIPTS / script)
    assert (found.parser_type, rows(found)) == ("dataclass", expected)
    assert found.notes == ()


@pytest.mark.parametrize(("script", "expected"), SMALL)
def test_less_common_ways_to_declare_are_read(
    script: str, expected: list[Row], tmp_path: Path
) -> None:
    found = read(tmp_path, script)
    assert (found.parser_type, rows(found)) == ("dataclass", expected)


def test_a_dataclass_given_to_omegaconf_is_read(tmp_path: Path) -> None:
    extraction = read(
        tmp_path,
        "from dataclasses import dataclass, field\nfrom omegaconf import OmegaConf\n"
        "@dataclass\nclass Optim:\n    lr: float = 0.1\n"
        "@dataclass\nclass Config:\n    name: str = 'x'\n"
        "    optim: Optim = field(default_factory=Optim)\n"
        "config = OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.from_cli())\n",
    )
    assert extraction.parser_type == "dataclass"
    assert rows(extraction) == [
        ("name", "str", "x", False, None),
        ("optim.lr", "float", 0.1, False, None),
    ]


STRUCTURED = (
    "from dataclasses import dataclass\nfrom omegaconf import OmegaConf\n"
    "@dataclass\nclass Config:\n    lr: float = 0.1\n"
)


@table(
    ("body", "read_from_cli"),
    [
        ("OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.from_cli())\n", True),
        ("cli = OmegaConf.from_cli()\nOmegaConf.merge(OmegaConf.structured(Config), cli)\n", True),
        ("OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.load('c.yaml'))\n", False),
        ("OmegaConf.merge(OmegaConf.structured(Config), OmegaConf.from_cli([]))\n", False),
        ("def main():\n    return OmegaConf.structured(Config())\nmain()\n", False),
        ("import hydra\n@hydra.main(config_path=None)\ndef main(cfg):\n"
         "    return OmegaConf.merge(OmegaConf.structured(Config), cfg)\nmain()\n", False),
    ],
)  # fmt: skip
def test_a_structured_configuration_is_a_command_line_only_where_one_is_read(
    tmp_path: Path, body: str, read_from_cli: bool
) -> None:
    names = [argument.name for argument in read(tmp_path, STRUCTURED + body).arguments]
    assert names == (["lr"] if read_from_cli else [])
