"""Modules and the distributions that bring them."""

import pytest

from keynet.recipe.packages import import_names


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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


@pytest.mark.parametrize("module", ["google", "no_such_module_at_all", "x" * 10_000, "'; --", ""])
def test_namespaces_and_unknown_modules_have_none(module: str) -> None:
    assert import_names.providers(module) == ()


@pytest.mark.parametrize(
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
