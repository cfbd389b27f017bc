"""Hydra: trees of configuration files and structured configurations.

The expected values are those of ``hydra --cfg job``.
"""

from collections.abc import Mapping
from pathlib import Path

from keynet.script.extraction import extract
from tests.tables import table
from tests.unit.script.reading import Row, read, rows, write

MAIN = """
import hydra
@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg): ...
if __name__ == "__main__":
    main()
"""
STRUCTURED = """
from dataclasses import dataclass, field
import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import MISSING
@dataclass
class Optim:
    lr: float = 0.1
    name: str = MISSING
@dataclass
class Config:
    optim: Optim = field(default_factory=Optim)
    steps: int = 3
ConfigStore.instance().store(name="config", node=Config)
@hydra.main(version_base=None, config_name="config")
def main(cfg): ...
if __name__ == "__main__":
    main()
"""
ROWS: list[tuple[str, dict[str, str], list[Row]]] = [
    (
        "an experiment that overrides a group named before it",
        {
            "conf/config.yaml": "defaults:\n  - db: mysql\n  - exp: big\n  - _self_\nseed: 1\n",
            "conf/db/mysql.yaml": "user: me\n",
            "conf/db/postgres.yaml": "timeout: 10\n",
            "conf/exp/big.yaml": "# @package _global_\ndefaults:\n  - override /db: postgres\n"
            "layers: 9\n",
        },
        [
            ("db.timeout", "int", 10, False, None),
            ("layers", "int", 9, False, None),
            ("seed", "int", 1, False, None),
        ],
    ),
    (
        "values, types and lists",
        {"conf/config.yaml": "lr: 1e-3\nseed: 42\ntags: [a, b]\nnested:\n  deep:\n    x: true\n"},
        [
            ("lr", "float", 0.001, False, None),
            ("seed", "int", 42, False, None),
            ("tags", "str", ["a", "b"], False, None),
            ("nested.deep.x", "bool", True, False, None),
        ],
    ),
    (
        "groups below their own name",
        {
            "conf/config.yaml": "defaults:\n  - _self_\n  - model: resnet\nseed: 1\n",
            "conf/model/resnet.yaml": "depth: 18\n",
            "conf/model/vgg.yaml": "width: 4\n",
        },
        [("seed", "int", 1, False, None), ("model.depth", "int", 18, False, None)],
    ),
    (
        "packages",
        {
            "conf/config.yaml": "defaults:\n  - optim@opt: adam\n  - mode: fast\n",
            "conf/optim/adam.yaml": "lr: 0.01\n",
            "conf/mode/fast.yaml": "# @package _global_\nepochs: 2\n",
        },
        [("opt.lr", "float", 0.01, False, None), ("epochs", "int", 2, False, None)],
    ),
    (
        "the order of _self_",
        {
            "conf/config.yaml": "defaults:\n  - base\nlr: 0.5\n",
            "conf/base.yaml": "lr: 0.1\nseed: 1\n",
        },
        [("lr", "float", 0.5, False, None), ("seed", "int", 1, False, None)],
    ),
    (
        "a configuration after _self_ wins",
        {
            "conf/config.yaml": "defaults:\n  - _self_\n  - base\nlr: 0.5\n",
            "conf/base.yaml": "lr: 0.1\n",
        },
        [("lr", "float", 0.1, False, None)],
    ),
    (
        "overrides and nested groups",
        {
            "conf/config.yaml": "defaults:\n  - model: net\n  - override model/sub: big\n",
            "conf/model/net.yaml": "defaults:\n  - sub: small\nname: net\n",
            "conf/model/sub/small.yaml": "k: 1\n",
            "conf/model/sub/big.yaml": "k: 9\n",
        },
        [("model.sub.k", "int", 9, False, None), ("model.name", "str", "net", False, None)],
    ),
    (
        "references",
        {"conf/config.yaml": "lr: 0.1\nopt:\n  lr: ${lr}\n"},
        [("lr", "float", 0.1, False, None), ("opt.lr", "float", 0.1, False, None)],
    ),
    (
        "Hydra's own section is no argument",
        {"conf/config.yaml": "lr: 0.1\nhydra:\n  run:\n    dir: out\n"},
        [("lr", "float", 0.1, False, None)],
    ),
]


@table(("files", "expected"), [row[1:] for row in ROWS])
def test_a_tree_is_composed_as_hydra_does(
    tmp_path: Path, files: Mapping[str, str], expected: list[Row]
) -> None:
    found = extract(write(tmp_path, MAIN, files))
    assert found.parser_type == "hydra"
    assert sorted(rows(found)) == sorted(expected)


def test_structured_configurations_have_their_own_types(tmp_path: Path) -> None:
    found = extract(write(tmp_path, STRUCTURED))
    assert rows(found) == [
        ("optim.lr", "float", 0.1, False, None),
        ("optim.name", "str", None, False, None),
        ("steps", "int", 3, False, None),
    ]
    assert [note.message for note in found.notes if "has to be set" in note.message]


def test_computed_values_are_null_with_a_note(tmp_path: Path) -> None:
    files = {"conf/config.yaml": "a: 1\nb: run_${a}\nc: ${oc.env:HOME}\nd: ${gone}\n"}
    found = extract(write(tmp_path, MAIN, files))
    assert [one.default for one in found.arguments] == [1, None, None, None]
    assert {note.line for note in found.notes if note.file == "conf/config.yaml"} == {2, 3, 4}


def test_chosen_groups_are_named_in_a_note(tmp_path: Path) -> None:
    files = {"conf/config.yaml": "defaults:\n  - model: a\n", "conf/model/a.yaml": "k: 1\n"}
    found = extract(write(tmp_path, MAIN, files))
    assert any("model=a" in note.message for note in found.notes)


@table(
    "content",
    [None, "[a, b]", "a: [", "a: &a\n  b: *a\n", "defaults:\n  - gone: x\n", "\0", "? [a]\n: b"],
)
def test_what_cannot_be_read_has_a_note_and_nothing_false(
    tmp_path: Path, content: str | None
) -> None:
    files = {} if content is None else {"conf/config.yaml": content}
    found = extract(write(tmp_path, MAIN, files))
    assert found.arguments == ()
    assert found.notes


def test_files_outside_the_project_are_not_read(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "config.yaml").write_text("lr: 0.1\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text("")
    (project / "conf").symlink_to(outside)
    assert extract(write(project, MAIN)).arguments == ()
    script = MAIN.replace('"conf"', '"../outside"')
    assert extract(write(project, script)).arguments == ()


def test_includes_in_a_circle_end(tmp_path: Path) -> None:
    files = {"conf/config.yaml": "defaults:\n  - config\n  - other\nlr: 0.1\n"}
    files["conf/other.yaml"] = "defaults:\n  - config\n"
    assert rows(extract(write(tmp_path, MAIN, files))) == [("lr", "float", 0.1, False, None)]


def test_a_group_that_is_used_twice_is_named_with_its_package(tmp_path: Path) -> None:
    files = {
        "conf/config.yaml": "defaults:\n  - db: a\n  - db@second: b\n  - _self_\nlr: 0.1\n",
        "conf/db/a.yaml": "port: 1\n",
        "conf/db/b.yaml": "port: 2\n",
    }
    found = extract(write(tmp_path, MAIN, files))
    assert {one.name: one.default for one in found.arguments} == {
        "db.port": 1, "second.port": 2, "lr": 0.1
    }  # fmt: skip
    (note,) = found.notes
    assert note.message.endswith("that of db=a, db@second=b.")


def test_a_value_that_is_missing_replaces_none(tmp_path: Path) -> None:
    script = """
    import hydra
    from dataclasses import dataclass, field
    from hydra.core.config_store import ConfigStore
    from omegaconf import MISSING
    from typing import Any
    @dataclass
    class Base:
        host: str = "here"
        user: str = MISSING
    @dataclass
    class Config:
        defaults: list = field(default_factory=lambda: [{"base": "one"}, "_self_"])
        base: Any = MISSING
        more: Any = MISSING
    store = ConfigStore.instance()
    store.store(name="config", node=Config)
    store.store(group="base", name="one", node=Base)
    @hydra.main(config_path=None, config_name="config")
    def main(config): pass
    main()
    """
    found = read(tmp_path, script)
    assert [(one.name, one.default) for one in found.arguments] == [
        ("base.host", "here"),
        ("base.user", None),
        ("more", None),
    ]


def test_an_empty_mapping_replaces_nothing(tmp_path: Path) -> None:
    files = {
        "conf/c.yaml": "defaults: [{a: one}, _self_]\na: {}\n",
        "conf/a/one.yaml": "x: 1\n",
    }
    script = (
        "import hydra\n@hydra.main(config_path='conf', config_name='c')\n"
        "def main(c): pass\nmain()\n"
    )
    found = extract(write(tmp_path, script, files))
    assert [(one.name, one.default) for one in found.arguments] == [("a.x", 1)]
