"""Where layers can be mounted from: per registry, and never trusted more than that."""

from pathlib import Path

import pytest

from keynet.direct.layers.mounting import mountable, remember
from keynet.oci.image import Image
from keynet.oci.reference import Reference
from tests.fakes.images import random_image

TARGET = Reference("registry.example", "project/key")


@pytest.fixture
def image() -> Image:
    return random_image(1, sizes=(10, 20))


def origins(image: Image) -> list[Reference | None]:
    return [layer.origin for layer in image.layers]


def test_a_layer_that_was_pushed_can_be_mounted(image: Image, tmp_path: Path) -> None:
    remember(image.layers[:1], TARGET, tmp_path / "mounts")
    found = mountable(image, "registry.example", tmp_path / "mounts")
    assert origins(found) == [TARGET, image.layers[1].origin]
    assert [layer.descriptor for layer in found.layers] == [e.descriptor for e in image.layers]


def test_another_registry_has_nothing(image: Image, tmp_path: Path) -> None:
    remember(image.layers, TARGET, tmp_path)
    assert origins(mountable(image, "other.example", tmp_path)) == origins(image)


def test_a_record_that_names_no_repository_is_ignored(image: Image, tmp_path: Path) -> None:
    remember(image.layers, TARGET, tmp_path)
    for file in tmp_path.iterdir():
        file.write_bytes(b"Not A Repository\xff")
    assert origins(mountable(image, "registry.example", tmp_path)) == origins(image)
