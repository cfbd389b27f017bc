"""draccus: classes that are chosen by a registered name."""

from pathlib import Path

from tests.unit.script.reading import read, rows

SCRIPT = """
from dataclasses import dataclass, field
import draccus
@dataclass
class Opt(draccus.ChoiceRegistry):
    lr: float = 0.1
@Opt.register_subclass("adam")
@dataclass
class Adam(Opt):
    beta: float = 0.9
@Opt.register_subclass("sgd")
@dataclass
class SGD(Opt):
    momentum: float = 0.5
@dataclass
class Config:
    opt: Opt = field(default_factory=Adam)
    steps: int = 3
@draccus.wrap()
def main(cfg: Config): ...
if __name__ == "__main__":
    main()
"""


def test_the_choice_and_the_fields_of_each_class(tmp_path: Path) -> None:
    found = read(tmp_path, SCRIPT)
    assert found.notes == ()
    assert rows(found) == [
        ("config_path", "str", None, False, None),
        ("opt", "str", None, False, None),
        ("opt.type", "str", "adam", False, ("adam", "sgd")),
        ("opt.lr", "float", 0.1, False, None),
        ("opt.beta", "float", 0.9, False, None),
        ("opt.momentum", "float", 0.5, False, None),
        ("steps", "int", 3, False, None),
    ]


def test_without_a_default_the_choice_is_required(tmp_path: Path) -> None:
    script = SCRIPT.replace("opt: Opt = field(default_factory=Adam)", "opt: Opt")
    assert ("opt.type", "str", None, True, ("adam", "sgd")) in rows(read(tmp_path, script))


def test_what_differs_between_the_classes_is_unknown_where_none_is_chosen(tmp_path: Path) -> None:
    script = SCRIPT.replace("field(default_factory=Adam)", "field()").replace(
        "momentum: float = 0.5", "momentum: float = 0.5\n    lr: float = 0.7"
    )
    found = read(tmp_path, script)
    assert rows(found)[2:4] == [
        ("opt.type", "str", None, True, ("adam", "sgd")),
        ("opt.lr", "float", None, False, None),
    ]
    assert [note.message for note in found.notes] == [
        "The default of opt.lr is unknown: it depends on a condition."
    ]


def test_draccus_takes_a_file_for_each_configuration(tmp_path: Path) -> None:
    script = """
    from dataclasses import dataclass, field
    import {0}

    @dataclass
    class Optim:
        lr: float = 0.1

    @dataclass
    class Train:
        optim: Optim = field(default_factory=Optim)
        steps: int = 3

    {0}.parse(Train)
    """
    found = read(tmp_path, script.format("draccus"))
    assert [one.name for one in found.arguments] == ["config_path", "optim", "optim.lr", "steps"]
    assert (found.arguments[1].type, found.arguments[1].default) == ("str", None)
    assert found.arguments[1].help == "Config file for optim"
    found = read(tmp_path, script.format("pyrallis"))
    assert [one.name for one in found.arguments] == ["config_path", "optim.lr", "steps"]


def test_the_options_of_draccus_for_deeper_files_have_their_prefix(tmp_path: Path) -> None:
    script = """
    from dataclasses import dataclass, field
    import draccus

    @dataclass
    class Inner:
        lr: float = 0.1

    @dataclass
    class Model:
        inner: Inner = field(default_factory=Inner)

    @dataclass
    class Train:
        model: Model = field(default_factory=Model)

    draccus.parse(Train)
    """
    # draccus lists --inner, too, and then refuses it: no field of Train has that name.
    assert [one.name for one in read(tmp_path, script).arguments] == [
        "config_path",
        "model",
        "model.inner",
        "model.inner.lr",
    ]
