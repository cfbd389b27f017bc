"""What is known of a base image without asking anybody."""

import pytest

from keynet.oci.platform import Platform
from keynet.oci.reference import Reference
from keynet.plan import BaseFacts, Recipe
from keynet.steps.checking import plain_base

OWN = "/usr/local/bin:/usr/local/sbin:/usr/bin"
OF_PYTHON = {"PYTHON_VERSION": "3.8.18", "PYTHON_SHA256": "00"}


def _python(base: str, **environment: str) -> tuple[int, int] | None:
    python = (3, 8) if "PYTHON_VERSION" in environment else None
    facts = BaseFacts(Platform("linux", "amd64"), python=python, environment=environment)
    return plain_base.python(Recipe(Reference.parse(base), ("python", "x.py")), facts)


@pytest.mark.parametrize("path", [OWN, f"/opt/venv/bin:{OWN}", f"{OWN}:/opt/conda/bin", ""])
def test_the_python_is_that_of_the_config(path: str) -> None:
    assert _python("team/base:1", PATH=path, **OF_PYTHON) == (3, 8)


@pytest.mark.parametrize(
    "path",
    [
        f"/opt/conda/bin:{OWN}",
        f"/root/miniforge3/bin:/opt/tools:{OWN}",
        f"/root/.pyenv/shims:{OWN}",
        f"/opt/python/cp311-cp311/bin:{OWN}",
        "/opt/conda/bin:/usr/bin",
    ],
)
@pytest.mark.parametrize("base", ["team/base:1", "mirror.example/library/python:3.8"])
def test_another_python_that_comes_first_is_not_guessed(path: str, base: str) -> None:
    assert _python(base, PATH=path, **OF_PYTHON) is None


def test_a_version_that_an_image_names_of_its_own_is_taken() -> None:
    assert _python("team/conda:1", PATH="/opt/conda/bin", PYTHON_VERSION="3.8") == (3, 8)


def test_without_a_config_only_the_tag_of_pythons_own_image_tells() -> None:
    assert _python("python:3.12-slim") == (3, 12)
    assert _python("team/base:3.12") is None
