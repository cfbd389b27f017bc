"""Modules and the distributions that bring them."""

import time

import pytest

from keynet.recipe.packages import import_names
from tests.tables import table


@table(
    ("module", "distribution"),
    [
        ("cv2", "opencv-python"),
        ("sklearn", "scikit-learn"),
        ("PIL", "pillow"),
        ("yaml", "pyyaml"),
        ("skimage", "scikit-image"),
        ("bs4", "beautifulsoup4"),
        ("dateutil", "python-dateutil"),
        ("faiss", "faiss-cpu"),
        ("hydra", "hydra-core"),
        ("torch", "torch"),
        ("absl", "absl-py"),
        ("Crypto", "pycryptodome"),
    ],
)
def test_the_most_used_distribution_comes_first(module: str, distribution: str) -> None:
    assert import_names.providers(module)[0] == distribution


@table(
    ("module", "distribution"),
    [
        ("fiftyone", "fiftyone"),
        ("cupy", "cupy"),
        ("sklearn", "scikit-learn"),
        ("dotenv", "python-dotenv"),
        ("cv2", "opencv-python"),
        ("no_such_module_at_all", ""),
    ],
)
def test_a_distribution_is_named_rather_than_its_parts(module: str, distribution: str) -> None:
    assert import_names.best_provider(module) == distribution


@table("module", ["google", "no_such_module_at_all", "x" * 10_000, "'; --", ""])
def test_namespaces_and_unknown_modules_have_none(module: str) -> None:
    assert import_names.providers(module) == ()


@table(
    ("distribution", "module", "brought"),
    [
        ("opencv-python-headless", "cv2", True),
        ("opencv-python", "cv2", True),
        ("PyYAML", "yaml", True),
        ("ruamel.yaml", "yaml", False),
        ("torch-geometric", "torch", False),
        # Nobody knows what a private distribution brings.
        ("ourlab-torch-nightly-build", "torch", True),
        ("ourlab-tools", "torch", False),
        ("tensorflow-cpu", "tensorflow", True),
    ],
)
def test_a_distribution_brings_its_modules(distribution: str, module: str, brought: bool) -> None:
    assert import_names.brings(distribution, module) is brought


@table("module", ["cv2", "yaml", "sklearn", "keynet_own", "own", "other"])
@table(
    "names",
    [
        (),
        ("opencv-python-headless", "PyYAML"),
        ("keynet-own-package", "six"),
        ("scikit_learn",),
        ("keynet.own",),
    ],
)
def test_many_distributions_bring_what_one_of_them_does(
    names: tuple[str, ...], module: str
) -> None:
    one_by_one = any(import_names.brings(name, module) for name in names)
    assert import_names.Brought(names).has(module) == one_by_one


@pytest.mark.slow
def test_questions_by_the_thousand_take_little_time() -> None:
    began = time.process_time()
    assert not any(import_names.providers(f"no_such_module_{number}") for number in range(20_000))
    brought = import_names.Brought(f"no-such-package-{number}" for number in range(5_000))
    assert not any(brought.has(f"nosuchmodule{number}") for number in range(20_000))
    assert time.process_time() - began < 2
