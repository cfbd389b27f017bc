"""OmegaConf: files, dicts and dataclasses merged with ``from_cli``."""

from pathlib import Path

from keynet.script.extraction import extract
from tests.unit.script.reading import read, rows, write

SCRIPT = """
from dataclasses import dataclass
from omegaconf import OmegaConf
@dataclass
class Config:
    lr: float = 0.1
    steps: int = 3
base = OmegaConf.load("conf.yaml")
cfg = OmegaConf.merge(OmegaConf.structured(Config), base, {"z": {"k": 1}}, OmegaConf.from_cli())
"""


def test_later_configurations_replace_defaults(tmp_path: Path) -> None:
    found = extract(write(tmp_path, SCRIPT, {"conf.yaml": "lr: 0.5\nsub:\n  a: x\n"}))
    assert found.notes == ()
    assert rows(found) == [
        ("lr", "float", 0.5, False, None),
        ("steps", "int", 3, False, None),
        ("sub.a", "str", "x", False, None),
        ("z.k", "int", 1, False, None),
    ]


def test_a_file_that_is_not_there_has_a_note(tmp_path: Path) -> None:
    found = extract(write(tmp_path, SCRIPT))
    assert any("merged with the command line" in note.message for note in found.notes)


def test_without_from_cli_there_is_no_command_line(tmp_path: Path) -> None:
    script = SCRIPT.replace(", OmegaConf.from_cli()", "")
    found = extract(write(tmp_path, script, {"conf.yaml": "lr: 0.5\n"}))
    assert found.arguments == ()


def test_a_file_alone_is_a_command_line(tmp_path: Path) -> None:
    script = """
    from omegaconf import OmegaConf
    cfg = OmegaConf.merge(OmegaConf.load("conf.yaml"), OmegaConf.from_cli())
    """
    found = extract(write(tmp_path, script, {"conf.yaml": "n: 1\n"}))
    assert found.parser_type == "omegaconf"
    assert rows(found) == [("n", "int", 1, False, None)]


def test_only_what_is_merged_counts(tmp_path: Path) -> None:
    script = """
    from omegaconf import OmegaConf
    other = OmegaConf.create({"hidden": 1})
    cfg = OmegaConf.merge(OmegaConf.create({"lr": 0.1}), OmegaConf.from_cli())
    """
    assert rows(read(tmp_path, script)) == [("lr", "float", 0.1, False, None)]


def test_a_configuration_that_is_merged_with_the_command_line_itself(tmp_path: Path) -> None:
    script = """
    from dataclasses import dataclass
    from omegaconf import OmegaConf
    @dataclass
    class C:
        a: int = 1
        b: str = "x"
    cfg = OmegaConf.structured(C(a=5))
    def main():
        cfg.merge_with_cli()
    main()
    """
    found = read(tmp_path, script)
    assert found.parser_type == "dataclass"
    assert rows(found) == [("a", "int", 5, False, None), ("b", "str", "x", False, None)]


def test_a_file_that_is_not_known_may_change_what_comes_before_it_alone(tmp_path: Path) -> None:
    script = """
    from omegaconf import OmegaConf
    from dataclasses import dataclass
    @dataclass
    class C:
        lr: float = 0.1
        name: str = "x"
    cli = OmegaConf.from_cli()
    file = OmegaConf.load(cli.pop("config", "base.yaml"))
    cfg = OmegaConf.merge(OmegaConf.structured(C), file, {"name": "y"}, cli)
    """
    found = read(tmp_path, script)
    assert [(a.name, a.type, a.default) for a in found.arguments] == [
        ("lr", "float", None),
        ("name", "str", "y"),
    ]
    assert any("lr" in note.message for note in found.notes)
