"""The layers of an image: how many, and which wheels have one of their own."""

import os
from pathlib import Path

import pytest

from keynet.direct.base.target_python import TargetPython
from keynet.direct.installed.wheel import Wheel
from keynet.direct.layers.layer_store import LayerStore
from keynet.direct.layers.layering import most_big, package_layers, package_parts
from tests.tables import table

PYTHON = TargetPython((3, 11), "/usr/bin/python3.11", "/x", 36)
BIG = 4 << 20


def make_wheel(folder: Path, name: str, size: int) -> Wheel:
    root, info = folder / name, f"{name}-1.dist-info"
    (root / info).mkdir(parents=True)
    (root / info / "METADATA").write_text(f"Name: {name}\nVersion: 1\n")
    (root / f"{name}.so").touch()
    os.truncate(root / f"{name}.so", size)
    return Wheel(name, "1", name, root, info)


@table("compiled", [True, False])
@table("base_layers", [1, 5, 56, 80, 95, 96])
def test_an_image_has_at_most_100_layers(base_layers: int, compiled: bool) -> None:
    groups = most_big(base_layers, compiled=compiled) + 1
    # Environment, packages and their byte code, context.
    assert base_layers + 1 + groups * (2 if compiled else 1) + 1 <= 100


def test_a_common_base_leaves_room_for_layers_of_big_wheels() -> None:
    assert most_big(5, compiled=True) == 20
    assert most_big(80, compiled=True) == 8
    assert most_big(200, compiled=True) == 0


@pytest.mark.medium
@pytest.mark.parametrize(
    ("most", "expected"),
    [(0, ["a 1, b 1, c 1"]), (1, ["a 1, b 1", "c 1"]), (9, ["a 1", "b 1", "c 1"])],
)
def test_the_largest_wheels_have_layers_of_their_own(
    tmp_path: Path, most: int, expected: list[str]
) -> None:
    sizes = {"a": 1, "b": BIG, "c": BIG + 1}
    wheels = [make_wheel(tmp_path, name, size) for name, size in sizes.items()]
    store = LayerStore(tmp_path / "layers")
    parts = package_parts(PYTHON, wheels, None, lambda _: None, most=most)
    layers = package_layers(store, parts, anew=False)
    assert [kept.names for _added, kept in layers] == expected
