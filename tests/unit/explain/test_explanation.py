"""An image explained from the lists of its layers."""

import pytest

from keynet.explain.explanation import CodeChange, Explanation, explain
from keynet.explain.html_page import render_page
from keynet.explain.layer_listing import LayerListing
from keynet.explain.layered_tree import merge
from keynet.explain.package_records import Package
from keynet.explain.treemap import Box, place
from keynet.oci.summary import ImageConfig, ImageInspect, LayerInfo
from tests.tables import table

OWN = "opt/keynet/lib/python3.11/site-packages"
BASE = "opt/conda/lib/python3.11/site-packages"
CUDA = "libcublas.so.12"


def _wheel(place_: str, name: str, version: str, *files: str) -> Package:
    record = f"{place_}/{name}-{version}.dist-info/RECORD"
    return Package(
        "python", name, version, place_, record, tuple(f"{place_}/{each}" for each in files)
    )


def _listing(package: Package, **files: int) -> LayerListing:
    sizes = dict.fromkeys(package.files, 1000)
    return LayerListing({package.record: 10, **sizes, **files}, packages=(package,))


LAYERS = [
    LayerListing(
        {
            **_listing(_wheel(BASE, "Torch_x", "2.0", "torch.py")).files,
            f"usr/local/cuda/lib64/{CUDA}": 900_000,
            "workspace/README": 5,
            "etc/old": 70,
            "etc/kept": 30,
        },
        packages=_listing(_wheel(BASE, "Torch_x", "2.0", "torch.py")).packages,
    ),
    LayerListing(
        {
            **_listing(_wheel(OWN, "torch-x", "2.1", "torch.py", f"nvidia/{CUDA}")).files,
            f"{OWN}/nvidia/{CUDA}": 950_000,
            "etc/kept": 31,
        },
        removed=frozenset({"etc/old"}),
        packages=_listing(_wheel(OWN, "torch-x", "2.1", "torch.py", f"nvidia/{CUDA}")).packages,
    ),
    LayerListing({f"{OWN}/__pycache__/torch.cpython-311.pyc": 600}),
    LayerListing({"workspace/train.py": 50}),
]


@pytest.fixture(scope="module")
def found() -> Explanation:
    layers = tuple(
        LayerInfo(f"sha256:{number:064}", 100 + number, "", "", None, f"RUN <{number}>")
        for number in range(4)
    )
    inspected = ImageInspect(
        id="sha256:1",
        config=ImageConfig(architecture="amd64", os="linux", working_dir="/workspace"),
        layers=layers,
        architecture="amd64",
        os="linux",
        size=406,
    )
    return explain("host/a:<script>", "sha256:2", inspected, LAYERS)


def test_packages_have_the_size_of_their_files_with_byte_code(found: Explanation) -> None:
    sizes = [(each.name, each.size, each.layers) for each in found.packages]
    assert sizes == [("torch-x", 951_610, (2, 3)), ("Torch_x", 1010, (1,))]
    assert found.packages[0].place == f"/{OWN}"


def test_a_distribution_in_two_places_is_doubled(found: Explanation) -> None:
    [doubled] = found.doubled_packages
    assert doubled.name == "torch-x"
    assert [copy.version for copy in doubled.copies] == ["2.1", "2.0"]
    assert doubled.extra == 1010


def test_a_cuda_library_in_two_places_is_doubled(found: Explanation) -> None:
    [doubled] = found.doubled_libraries
    assert (doubled.name, doubled.extra) == ("libcublas", 900_000)


def test_what_is_replaced_or_removed_is_hidden(found: Explanation) -> None:
    hidden = [(each.path, each.size, each.layer, each.by) for each in found.hidden]
    assert hidden == [("etc/old", 70, 0, 1), ("etc/kept", 30, 0, 1)]
    assert found.hidden_bytes == found.layers[0].hidden == 100


def test_a_code_change_sends_the_last_layer_with_code(found: Explanation) -> None:
    assert found.code_change == CodeChange(first=4, layers=1, size=103)


def test_the_parts_of_the_layers_are_all_that_is_seen(found: Explanation) -> None:
    parts = sum(part.size for layer in found.layers for part in layer.parts)
    assert parts + found.hidden_bytes == found.unpacked


def test_the_page_loads_nothing_and_escapes_every_name(found: Explanation) -> None:
    page = render_page(found)
    assert "<script" not in page
    assert "RUN &lt;1&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<svg") == 1


def test_removed_and_emptied_folders_take_all_below_them() -> None:
    below = LayerListing({"a/b/c": 1, "a/d": 2, "e/f": 3, "g/h": 4, "ab": 5})
    above = LayerListing({"g": 1, "e/new": 9}, frozenset({"a/b"}), frozenset({"e"}))
    tree = merge([below, above])
    assert set(tree.files) == {"a/d", "ab", "g", "e/new"}
    assert sorted(each.path for each in tree.hidden) == ["a/b/c", "e/f", "g/h"]


@table("sizes", [[5], [6, 6, 4, 3, 2, 2, 1], [10**12, 1, 1], [1] * 50])
def test_rectangles_have_the_areas_of_their_sizes(sizes: list[int]) -> None:
    outer = Box(10, 20, 600, 400)
    boxes = place(sizes, outer)
    for size, box in zip(sizes, boxes, strict=True):
        assert box.width * box.height == pytest.approx(size / sum(sizes) * 240_000, abs=0.01)
        assert box.x >= 9.99
        assert box.x + box.width <= 610.01
        assert box.y >= 19.99
        assert box.y + box.height <= 420.01
